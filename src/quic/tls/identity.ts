import { createHash } from 'node:crypto';
import type { KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { QuicError } from '../errors.js';
import { parseCertificates, toPem } from './certificates.js';
import { subjectPublicKeyInfo } from './der.js';
import { asciiHostName } from './host-name.js';
import type { IdentityOptions } from './options.js';
import type { KeyType } from './private-key.js';
import { keyType, parsePrivateKey } from './private-key.js';
import type { Source } from './sources.js';
import { asArray, fromFile, fromOption } from './sources.js';

/** A certificate chain with its private key, checked to belong together, in the form that the engine takes. */
export interface Identity {
  /** Names asked for by SNI that it answers to, in lower case; empty: any. */
  readonly names: readonly string[];
  /** The chain in PEM, end-entity certificate first. */
  readonly certificate: string;
  /** The private key in PEM (PKCS#8, not encrypted). */
  readonly key: string;
  readonly keyType: KeyType;
  /** SHA-256 of the end-entity certificate (DER), hex. */
  readonly certificateSha256: string;
  /** SHA-256 of its SubjectPublicKeyInfo (DER), hex. */
  readonly publicKeySha256: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/**
 * Reads, parses and checks an identity; undefined where no option of it is given.
 *
 * @param prefix where the options stand, for messages: empty, or for instance `sni["example.org"].`
 * @throws QuicError with one of the codes ERR_QUIC_TLS_* or ERR_QUIC_INVALID_OPTION
 */
export async function loadIdentity(
  options: IdentityOptions,
  names: readonly string[] = [],
  prefix = '',
): Promise<Identity | undefined> {
  refuseBoth(options, 'cert', 'certPath', prefix);
  refuseBoth(options, 'key', 'keyPath', prefix);
  const hasCertificate = options.cert !== undefined || options.certPath !== undefined;
  const hasKey = options.key !== undefined || options.keyPath !== undefined;
  if (!hasCertificate && !hasKey) return undefined;
  if (!hasCertificate || !hasKey) {
    const [given, missing] = hasKey ? ['key', 'certificate'] : ['certificate', 'key'];
    const wanted = hasKey ? `${prefix}cert or ${prefix}certPath` : `${prefix}key or ${prefix}keyPath`;
    throw new QuicError('ERR_QUIC_INVALID_OPTION', `a ${given} was given without its ${missing}: give ${wanted} too`);
  }
  // One after the other, so that which of two faults is told does not depend on which file was read sooner.
  const certificateSources = await readCertificateSources(options, prefix);
  const keySource =
    options.keyPath !== undefined
      ? await fromFile('key', options.keyPath)
      : fromOption(`${prefix}key`, options.key ?? '');
  const chain = certificateSources.flatMap((source) => parseCertificates(source, 'ERR_QUIC_TLS_CERTIFICATE'));
  const key = parsePrivateKey(keySource, options.passphrase);
  const type = keyType(key, keySource.name);
  const leaf = matchingLeaf(chain, key, certificateSources[0]?.name ?? `the option ${prefix}cert`, keySource.name);
  return {
    names,
    certificate: toPem(chain),
    key: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    keyType: type,
    certificateSha256: sha256(leaf.raw),
    publicKeySha256: sha256(subjectPublicKeyInfo(leaf.raw)),
    notBefore: new Date(leaf.validFrom),
    notAfter: new Date(leaf.validTo),
  };
}

function refuseBoth(
  options: IdentityOptions,
  value: 'cert' | 'key',
  path: 'certPath' | 'keyPath',
  prefix: string,
): void {
  if (options[value] === undefined || options[path] === undefined) return;
  throw new QuicError('ERR_QUIC_INVALID_OPTION', `${prefix}${value} and ${prefix}${path} are both given: give one`);
}

async function readCertificateSources(options: IdentityOptions, prefix: string): Promise<Source[]> {
  if (options.certPath !== undefined) return [await fromFile('certificate', options.certPath)];
  const values = asArray(options.cert);
  if (values.length === 0) {
    throw new QuicError(
      'ERR_QUIC_TLS_CERTIFICATE',
      `the option ${prefix}cert is an empty array: it needs a certificate`,
    );
  }
  return values.map((value, index) =>
    fromOption(values.length === 1 ? `${prefix}cert` : `${prefix}cert[${index}]`, value),
  );
}

/** The end-entity certificate, which has to be the first of the chain (RFC 8446 section 4.4.2) and that of the key. */
function matchingLeaf(chain: X509Certificate[], key: KeyObject, certName: string, keyName: string): X509Certificate {
  const leaf = chain[0];
  if (leaf?.checkPrivateKey(key) === true) return leaf;
  const position = chain.findIndex((certificate) => certificate.checkPrivateKey(key)) + 1;
  const advice =
    position > 0
      ? `certificate ${position} of the chain is the one of this key: put it first`
      : 'give the key that the certificate was made with; if both were just renewed, one file may still be the old one';
  const message = `the private key in ${keyName} does not belong to the first certificate in ${certName}: ${advice}`;
  throw new QuicError('ERR_QUIC_TLS_KEY_MISMATCH', message);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * A key of the option `sni` as a client sends it: lower case, in ASCII (RFC 5890), without a final dot.
 *
 * @throws QuicError ERR_QUIC_INVALID_OPTION when no client could ask for it
 */
export function serverName(name: string): string {
  if (isIP(name) !== 0) {
    const message = `sni[${JSON.stringify(name)}]: clients do not send addresses as server names (RFC 6066); use cert`;
    throw new QuicError('ERR_QUIC_INVALID_OPTION', message);
  }
  const ascii = asciiHostName(name);
  if (ascii === undefined) {
    const message = `sni[${JSON.stringify(name)}] is neither a host name nor *. followed by one`;
    throw new QuicError('ERR_QUIC_INVALID_OPTION', message);
  }
  return ascii;
}
