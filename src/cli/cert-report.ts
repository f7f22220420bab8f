import { createHash, X509Certificate } from 'node:crypto';
import { colors as pc } from './colors.js';
import { subjectPublicKeyInfo } from '../quic/tls/der.js';
import type { MadeAuthority, MadeCertificate } from './cert-files.js';

interface Facts {
  readonly notBefore: string;
  readonly notAfter: string;
  readonly days: number;
  /** SHA-256 of the certificate, as `openssl x509 -fingerprint -sha256` writes it. */
  readonly fingerprint: string;
  /** SHA-256 of the SubjectPublicKeyInfo, as the option publicKeyPins takes it. */
  readonly publicKeyPin: string;
}

function facts(pem: string): Facts {
  const certificate = new X509Certificate(pem);
  const notBefore = new Date(certificate.validFrom);
  const notAfter = new Date(certificate.validTo);
  const spki = createHash('sha256').update(subjectPublicKeyInfo(certificate.raw)).digest('base64');
  return {
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
    days: Math.round((notAfter.getTime() - notBefore.getTime()) / 86_400_000),
    fingerprint: certificate.fingerprint256,
    publicKeyPin: `sha256/${spki}`,
  };
}

/** Prints what `skein cert ca` made. */
export function reportAuthority(made: MadeAuthority, json: boolean): void {
  const { authority, authorityKey, authorityPem } = made;
  const { days, notAfter, ...rest } = facts(authorityPem);
  if (json) {
    printJson({ authority, authorityKey, notAfter, ...rest });
    return;
  }
  print([
    'Made a CA.',
    '',
    row('certificate', authority),
    row('key', `${authorityKey}  ${pc.dim('private: whoever has it can issue certificates')}`),
    row('valid until', until({ days, notAfter })),
    row('SHA-256', rest.fingerprint),
    '',
    `Clients trust what it issues with the option ${pc.bold(`caPath: ${quote(authority)}`)}; on the command line: --ca ${authority}`,
  ]);
}

/** Prints what `skein cert` or `skein cert issue` made. */
export function report(made: MadeCertificate, json: boolean): void {
  const { key, certificate, certificatePem, keyType, names, ips, client, server, authority, madeAuthority } = made;
  const found = facts(certificatePem);
  if (json) {
    const { days: _, ...rest } = found;
    printJson({ key, certificate, authority, madeAuthority, keyType, names, ips, client, server, ...rest });
    return;
  }
  const subjects = [...names, ...ips].join(', ');
  const what = server ? (client ? 'a server and client certificate' : 'a certificate') : 'a client certificate';
  const side = server ? 'Servers' : 'Clients';
  print([
    `Made ${madeAuthority ? 'a development CA and ' : ''}${what}${subjects === '' ? '' : ` for ${subjects}`}.`,
    '',
    row('certificate', certificate),
    row('key', `${key}  ${pc.dim('private')}`),
    row('CA', authority),
    row('kind', keyType),
    row('valid until', until(found)),
    row('SHA-256', found.fingerprint),
    row('public key', found.publicKeyPin),
    '',
    `${side} show it with the options ${pc.bold(`certPath: ${quote(certificate)}, keyPath: ${quote(key)}`)}.`,
    `${server ? 'Clients' : 'Servers'} trust it with the option ${pc.bold(`caPath: ${quote(authority)}`)}; on the command line: --ca ${authority}`,
  ]);
}

function row(label: string, value: string): string {
  return `  ${pc.dim(label.padEnd(12))} ${value}`;
}

function until({ days, notAfter }: Pick<Facts, 'days' | 'notAfter'>): string {
  return `${notAfter.slice(0, 10)} (${days} ${days === 1 ? 'day' : 'days'})`;
}

function quote(path: string): string {
  return `'${path}'`;
}

function print(lines: readonly string[]): void {
  console.log(lines.join('\n'));
}

function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}
