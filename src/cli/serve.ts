import { Option, type Command } from '@commander-js/extra-typings';
import { duration, hostAndPort } from './arguments.js';
import { EXIT_CODES_HELP } from './failure.js';

const examples = `
Examples:
  skein serve                              this folder, on https://localhost:4433/, with a certificate made for this run
  skein serve site --listen 0.0.0.0:443 --cert certs/cert.pem --key certs/key.pem
  skein serve site --json | jq .path       the access log as JSON, a line for each request
  skein serve site --echo /echo            POST and PUT to /echo answer with what they were sent

HTTP/3 is served on UDP; HTTP/2 and HTTP/1.1 on the same port of TCP, where Alt-Svc tells browsers of HTTP/3. No path
leads out of the folder, by links neither. Names that begin with a dot are not there, except .well-known; --dotfiles
shows them. Ctrl-C finishes what is under way and ends with 0; a second one ends at once.
${EXIT_CODES_HELP}`;

/** `skein serve`. */
export function registerServe(program: Command): void {
  program
    .command('serve')
    .description('serve a folder over HTTP/3, and over HTTP/2 and HTTP/1.1 on the same port')
    .argument('[folder]', 'what is to be served', '.')
    .addOption(
      new Option(
        '--listen <address:port>',
        'where to listen; localhost: this machine only, 0.0.0.0: all of IPv4, [::]: everything; port 0: any free one',
      )
        .argParser(hostAndPort({ host: 'localhost', port: 4433 }))
        .default({ host: 'localhost', port: 4433 }, 'localhost:4433'),
    )
    .option('--cert <file>', 'certificate to show (PEM); default: one is made for this run')
    .option('--key <file>', 'its private key (default: in the file of --cert)')
    .option('--no-listing', 'answer 404 for folders without index.html instead of listing them')
    .option('--dotfiles', 'serve names that begin with a dot, too', false)
    .option('--no-compression', 'never compress')
    .option('--echo <path>', 'answer POST and PUT to this path with what they were sent, to try clients')
    .addOption(
      new Option('--drain <time>', 'longest time for what is under way at Ctrl-C')
        .argParser(duration)
        .default(10_000, '10s'),
    )
    .option('--quiet', 'no access log', false)
    .option('--json', 'print JSON: a line about the server, then one for each request', false)
    .addHelpText('after', examples)
    .action(async (folder, options) => {
      const { serve } = await import('./serve/command.js');
      await serve({ ...options, folder });
    });
}
