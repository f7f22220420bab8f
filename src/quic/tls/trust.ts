import tls from 'node:tls';
import { parseCertificates, toPem } from './certificates.js';
import type { TrustOptions } from './options.js';
import { asArray, fromFile, fromOption } from './sources.js';
import type { Source } from './sources.js';
import { QuicError } from '../errors.js';

/** Newer than the oldest Node that skein runs on (22.15, 23.10). */
interface NewerTls {
  getCACertificates?(type: 'default'): string[];
}

/**
 * The CA certificates to verify with, as one PEM text: what the options name, else Node's own.
 *
 * @throws QuicError ERR_QUIC_TLS_FILE when a file cannot be read, ERR_QUIC_TLS_CA when one holds no certificate
 */
export async function loadTrustAnchors(options: TrustOptions): Promise<string> {
  if (options.ca === undefined && options.caPath === undefined) return defaultTrustAnchors();
  const given = asArray(options.ca);
  const values = given.map((value, index) => fromOption(given.length === 1 ? 'ca' : `ca[${index}]`, value));
  const files = await Promise.all(asArray(options.caPath).map((path) => fromFile('CA', path)));
  const sources: Source[] = [...values, ...files];
  if (sources.length === 0) {
    const message = 'the option ca is an empty array, which trusts nobody; leave it out to trust what Node trusts';
    throw new QuicError('ERR_QUIC_TLS_CA', message);
  }
  return toPem(sources.flatMap((source) => parseCertificates(source, 'ERR_QUIC_TLS_CA')));
}

let defaults: Promise<string> | undefined;

/** What Node trusts: its own roots and the file that NODE_EXTRA_CA_CERTS names. Read once, as Node does. */
function defaultTrustAnchors(): Promise<string> {
  defaults ??= nodeTrustAnchors(process.env.NODE_EXTRA_CA_CERTS);
  return defaults;
}

/** Separate from {@link loadTrustAnchors}, which remembers its answer. */
export async function nodeTrustAnchors(extraPath: string | undefined): Promise<string> {
  const newer = tls as NewerTls;
  // Follows --use-system-ca and the like, and has read NODE_EXTRA_CA_CERTS already.
  const roots = newer.getCACertificates?.('default');
  if (roots !== undefined) return joined(roots);
  return joined([...tls.rootCertificates, await extraTrustAnchors(extraPath)]);
}

function joined(certificates: readonly string[]): string {
  return certificates.map((pem) => (pem === '' || pem.endsWith('\n') ? pem : `${pem}\n`)).join('');
}

/** Like Node, warns and goes on when the file is of no use: the variable is often set for a whole machine. */
async function extraTrustAnchors(path: string | undefined): Promise<string> {
  if (path === undefined || path === '') return '';
  try {
    const source = await fromFile('NODE_EXTRA_CA_CERTS', path);
    return toPem(parseCertificates(source, 'ERR_QUIC_TLS_CA'));
  } catch (error) {
    process.emitWarning(`ignoring NODE_EXTRA_CA_CERTS: ${(error as Error).message}`, 'QuicWarning');
    return '';
  }
}
