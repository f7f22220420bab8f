import { InvalidArgumentError, Option, type Command } from '@commander-js/extra-typings';
import { duration, integer, pinOption } from './arguments.js';
import { EXIT_CODES_HELP } from './failure.js';

const examples = `
Examples:
  skein get https://example.org/
  skein get https://example.org/file.tar -o file.tar -w
  skein get https://localhost:4433/api -X PUT -H 'content-type: application/json' -d '{"a":1}' -i
  skein get https://localhost:4433/ https://localhost:4433/ --fresh -w     the second request goes in 0-RTT
  skein get https://localhost:4433/ --json | jq .timing

Where QUIC does not connect in time, it goes over TCP, as HTTP/2 or HTTP/1.1 (-v says so). One connection serves all requests to a server while
it lasts; the next one resumes it, and GET, HEAD and OPTIONS then go in its first flight (0-RTT).
-d takes @FILE for the content of a file and @- for standard input; several are joined by &.
${EXIT_CODES_HELP}`;

const collect = (text: string, before: string[] | undefined): string[] => [...(before ?? []), text];

function header(text: string, before: string[] | undefined): string[] {
  if (/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:/.test(text)) return [...(before ?? []), text];
  throw new InvalidArgumentError("It is 'Name: value', or 'Name:' to leave out one that is sent by default.");
}

function method(text: string): string {
  if (/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text) && text !== 'CONNECT') return text;
  throw new InvalidArgumentError('It is a method such as GET, HEAD, POST, PUT or DELETE.');
}

/** `skein get`. */
export function registerGet(program: Command): void {
  program
    .command('get')
    .description('fetch over HTTP/3, or over TCP where that does not connect')
    .argument('<urls...>', 'what to fetch, one after the other')
    .addOption(new Option('-X, --request <method>', 'method (default: GET, with -d POST)').argParser(method))
    .addOption(
      new Option('-H, --header <line>', "field to send, 'Name: value'; again for further ones").argParser(header),
    )
    .addOption(new Option('-d, --data <data>', 'content to send, @FILE for that of a file').argParser(collect))
    .addOption(
      new Option(
        '-o, --output <file>',
        'write the content here, - for standard output; again for further URLs',
      ).argParser(collect),
    )
    .option('-i, --include', 'print status and header before the content', false)
    .option('-v, --verbose', 'tell on standard error what is sent and received', false)
    .option('-w, --timing', 'tell on standard error when each phase was over', false)
    .option('--json', 'print a report of each request as a line of JSON; content goes to -o, or nowhere', false)
    .option('--compressed', 'ask for compressed content and decompress it', false)
    .addOption(
      new Option('--max-redirects <number>', 'redirects to follow; 0: print them instead')
        .argParser(integer(0, 100))
        .default(10),
    )
    .option('--fresh', 'a connection of its own for each request, resumed from the second on', false)
    .option('--http3-only', 'nothing over TCP: a server that does not answer over QUIC ends it with 3', false)
    .addOption(
      new Option('--fallback-after <time>', 'how long QUIC may take to connect before TCP is tried')
        .argParser(duration)
        .default(1000, '1s'),
    )
    .option('--no-early-data', 'never send anything before the handshake is complete')
    .option('--ca <file>', 'PEM file of the CA that the server’s certificate comes from')
    .addOption(pinOption())
    .option('--cert <file>', 'certificate of this side (PEM), for servers that ask for one')
    .option('--key <file>', 'its private key (default: in the file of --cert)')
    .option('--servername <name>', 'name that the certificate must be for, if not the host of the URL')
    .option('--insecure', 'verify nothing', false)
    .addOption(
      new Option('--timeout <time>', 'for the handshake, and silence after which the server counts as gone')
        .argParser(duration)
        .default(10_000, '10s'),
    )
    .addHelpText('after', examples)
    .action(async (urls, options) => {
      const { get } = await import('./get/command.js');
      await get(urls, options);
    });
}
