import type { Command } from '@commander-js/extra-typings';
import { Option } from '@commander-js/extra-typings';
import { duration, hostAndPort, integer, pinOption } from './arguments.js';
import { EXIT_CODES_HELP } from './failure.js';

const examples = `
Examples:
  skein send photos notes.txt --to 192.0.2.7:4433 --pin sha256/...   what \`skein receive\` printed
  skein send build --to example.org:4433                             a certificate of a public CA
  skein send build --to host:4433 --ca certs/ca.pem                  a certificate of your own CA
  skein send big.iso --to host:4433 --ca ca.pem --resume             goes on where an interrupted transfer
                                                                     stopped (receiver: --resume too)

Every file travels on a stream of its own. The receiver computes its SHA-256 and confirms it; nothing that differs is
kept. Links below the named folders are left out.
${EXIT_CODES_HELP}`;

/** `skein send`. */
export function registerSend(program: Command): void {
  program
    .command('send')
    .description('send files and folders to `skein receive`, each verified there by its SHA-256')
    .argument('<paths...>', 'files and folders')
    .addOption(
      new Option('--to <host:port>', 'where `skein receive` listens (port 4433 unless given)')
        .argParser(hostAndPort({ host: 'localhost', port: 4433 }))
        .makeOptionMandatory(),
    )
    .addOption(pinOption())
    .option('--ca <file>', 'PEM file of the CA that the receiver’s certificate comes from')
    .option('--servername <name>', 'name that the certificate must be for, if not the host of --to')
    .option('--insecure', 'send to whoever answers, without verifying anything', false)
    .option('--cert <file>', 'certificate of this side, for receivers that ask for one (PEM)')
    .option('--key <file>', 'its private key (default: in the file of --cert)')
    .option('--resume', 'ask the receiver what it has already, and send the rest', false)
    .addOption(new Option('--streams <number>', 'files under way at a time').argParser(integer(1, 1000)).default(128))
    .addOption(
      new Option('--timeout <time>', 'silence of the receiver after which it counts as gone')
        .argParser(duration)
        .default(15_000, '15s'),
    )
    .option('--quiet', 'no progress', false)
    .option('--json', 'print the result as JSON', false)
    .addHelpText('after', examples)
    .action(async (paths, options) => {
      const { send } = await import('./files/send-command.js');
      await send(paths, options);
    });
}
