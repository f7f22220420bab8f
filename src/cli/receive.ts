import type { Command } from '@commander-js/extra-typings';
import { Option } from '@commander-js/extra-typings';
import { duration, hostAndPort } from './arguments.js';
import { EXIT_CODES_HELP } from './failure.js';

const examples = `
Examples:
  skein receive --out inbox                                    makes a certificate, prints the line for the sender
  skein receive --out inbox --cert cert.pem --key key.pem      a certificate that senders know
  skein receive --out inbox --cert c.pem --key k.pem --ca ca.pem   only senders with a certificate of this CA
  skein receive --out inbox --keep --json                      one transfer after the other, a line of JSON each

Whoever reaches the port may send, unless --ca asks senders for a certificate. Names that lead out of the folder are
refused, files that are there already too (--force replaces them), and no file has its name before its hash was right.
With --resume, parts of an interrupted transfer stay (.NAME.skein-part), and the next one goes on from them.
${EXIT_CODES_HELP}`;

/** `skein receive`. */
export function registerReceive(program: Command): void {
  program
    .command('receive')
    .description('receive what `skein send` sends, verified by SHA-256; ends after one transfer unless --keep')
    .requiredOption('--out <dir>', 'folder for the files; made if it is not there')
    .addOption(
      new Option('--listen <address:port>', 'where to listen; port 0: any free one')
        .argParser(hostAndPort({ host: '0.0.0.0', port: 4433 }))
        .default({ host: '0.0.0.0', port: 4433 }, '0.0.0.0:4433'),
    )
    .option('--cert <file>', 'certificate to show (PEM); default: one is made for this run')
    .option('--key <file>', 'its private key (default: in the file of --cert)')
    .option('--ca <file>', 'ask senders for a certificate of this CA (PEM)')
    .option('--force', 'replace files that are there', false)
    .option('--resume', 'go on with parts of an earlier transfer, and leave parts for a later one', false)
    .option('--keep', 'receive one transfer after the other until interrupted', false)
    .addOption(
      new Option('--timeout <time>', 'silence of the sender after which it counts as gone')
        .argParser(duration)
        .default(15_000, '15s'),
    )
    .option('--quiet', 'no progress', false)
    .option('--json', 'print results as JSON, one line each', false)
    .addHelpText('after', examples)
    .action(async (options) => {
      const { receive } = await import('./files/receive-command.js');
      await receive(options);
    });
}
