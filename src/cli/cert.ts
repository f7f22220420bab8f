import { isIP } from 'node:net';
import type { Command, CommandUnknownOpts } from '@commander-js/extra-typings';
import { InvalidArgumentError, Option } from '@commander-js/extra-typings';
import type { CertificateKeyType } from '../certificates/certificates.js';

const keyTypes = ['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa-2048'] as const satisfies CertificateKeyType[];

const examples = `
Examples:
  skein cert                              a CA and a certificate for localhost, 127.0.0.1 and ::1, in ./certs
  skein cert my-laptop.local 192.0.2.7    the same, for this name and address too
  skein cert ca --out ca --name "Our CA"  a CA alone, kept apart
  skein cert issue example.org --ca ca --out example.org --days 30
  skein cert issue agent-1 --client --ca ca --out agent-1

The CA is for development: whoever holds ca-key.pem can pass for any server towards whoever trusts ca.pem.`;

function days(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0 && value <= 36_500) return value;
  throw new InvalidArgumentError('It is a number of days above 0, at most 36500.');
}

function addresses(text: string, before: string[] | undefined): string[] {
  if (isIP(text) === 0) throw new InvalidArgumentError('It is not an IP address.');
  return [...(before ?? []), text];
}

function daysOption(value: number) {
  return new Option('--days <number>', 'how long it is valid').argParser(days).default(value);
}

function keyTypeOption() {
  return new Option('--key-type <type>', 'kind of the key').choices(keyTypes).default('ecdsa-p256');
}

const folder = ['--out <dir>', 'folder for the files', 'certs'] as const;
const force = ['--force', 'replace files that are there', false] as const;
const json = ['--json', 'print JSON instead of words', false] as const;

/** `skein cert`: certificates for development. */
export function registerCert(program: Command): void {
  const cert = program
    .command('cert')
    .description('make certificates for development: a CA where there is none yet, then a certificate')
    .argument('[names...]', 'host names and addresses beside localhost, 127.0.0.1 and ::1')
    .option(...folder)
    .addOption(daysOption(90))
    .addOption(keyTypeOption())
    .option(...force)
    .option(...json)
    // Options behind the name of a subcommand are the subcommand's.
    .enablePositionalOptions()
    .addHelpText('after', examples)
    .action(async (names, options) => {
      const { makeCertificate } = await import('./cert-files.js');
      const { report } = await import('./cert-report.js');
      const everywhere = ['localhost', '127.0.0.1', '::1'];
      report(
        await makeCertificate({
          ...options,
          names: [...everywhere, ...names],
          authorityFolder: options.out,
          createAuthority: true,
          server: true,
          client: false,
        }),
        options.json,
      );
    });
  registerCa(cert);
  registerIssue(cert);
}

function registerCa(cert: CommandUnknownOpts): void {
  cert
    .command('ca')
    .description('make a CA: ca.pem, which others may have, and ca-key.pem, which is private')
    .option(...folder)
    .option('--name <name>', 'its common name (default: "skein development CA" and six hex digits)')
    .addOption(daysOption(3650))
    .addOption(keyTypeOption())
    .option(...force)
    .option(...json)
    .addHelpText('after', examples)
    .action(async (options) => {
      const { makeAuthority } = await import('./cert-files.js');
      const { reportAuthority } = await import('./cert-report.js');
      reportAuthority(await makeAuthority(options), options.json);
    });
}

function registerIssue(cert: CommandUnknownOpts): void {
  cert
    .command('issue')
    .description('issue a certificate by a CA that `skein cert ca` or `skein cert` made')
    .argument('[names...]', 'host names (*.example.org too) and addresses that it is for')
    .option('--ca <dir>', 'folder of the CA', 'certs')
    .option(...folder)
    .option('--ip <address...>', 'addresses that it is for', addresses)
    .addOption(daysOption(90))
    .addOption(keyTypeOption())
    .option('--client', 'for a client to show', false)
    .option('--server', 'for a server to show; the default without --client', false)
    .option(...force)
    .option(...json)
    .addHelpText('after', examples)
    .action(async (names, options) => {
      const { makeCertificate } = await import('./cert-files.js');
      const { report } = await import('./cert-report.js');
      report(
        await makeCertificate({
          ...options,
          names: [...names, ...(options.ip ?? [])],
          authorityFolder: options.ca,
          createAuthority: false,
          server: options.server || !options.client,
        }),
        options.json,
      );
    });
}
