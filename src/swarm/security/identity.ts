/** Who a member is to the others: a certificate with its key. Members recognise each other by its SHA-256. */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { generateKeys, privateKeyPem, signCertificate } from '../../certificates/x509.js';
import { SwarmError } from '../errors.js';

/** A certificate chain and the key of its first certificate, in PEM. */
export interface SwarmIdentity {
  readonly cert: string;
  readonly key: string;
}

/** Certificates and keys to use instead of ones made on the spot. */
export interface SwarmIdentityOptions {
  /** Certificate chain in PEM. Default: a self-signed one, made at the start. */
  readonly cert?: string | undefined;
  /** Its private key in PEM. */
  readonly key?: string | undefined;
  /** Files with the same. */
  readonly certPath?: string | undefined;
  readonly keyPath?: string | undefined;
}

const DAY = 86_400_000;
/** Long, since nothing looks at it but libraries that insist: what counts is the fingerprint. */
const YEARS = 10;

/** SHA-256 of a certificate in DER, in hex. */
export function fingerprintOf(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('hex');
}

/** SHA-256 of the first certificate in PEM text, in hex. */
export function fingerprintOfPem(pem: string): string {
  const body = /-----BEGIN CERTIFICATE-----([\s\S]+?)-----END CERTIFICATE-----/.exec(pem)?.[1];
  if (body === undefined) throw new SwarmError('ERR_SWARM_INVALID_OPTION', 'cert holds no certificate in PEM');
  return fingerprintOf(Buffer.from(body, 'base64'));
}

/** A new P-256 key with a self-signed certificate. */
export async function makeIdentity(id: string): Promise<SwarmIdentity> {
  const keys = await generateKeys('ecdsa-p256');
  const now = Date.now();
  const cert = await signCertificate(
    {
      commonName: id.slice(0, 64),
      // Clocks of members may differ.
      notBefore: new Date(now - DAY),
      notAfter: new Date(now + YEARS * 365 * DAY),
      isAuthority: false,
      names: ['skein-swarm.invalid'],
      ips: [],
      serverAuth: true,
      clientAuth: true,
    },
    keys,
  );
  return { cert, key: await privateKeyPem(keys) };
}

/** What the options give, or `undefined` when they give nothing. @throws SwarmError `ERR_SWARM_INVALID_OPTION` */
export async function givenIdentity(options: SwarmIdentityOptions): Promise<SwarmIdentity | undefined> {
  const cert = options.cert ?? (await read('certPath', options.certPath));
  const key = options.key ?? (await read('keyPath', options.keyPath));
  if (cert === undefined && key === undefined) return undefined;
  if (cert !== undefined && key !== undefined) return { cert, key };
  throw new SwarmError(
    'ERR_SWARM_INVALID_OPTION',
    `There is a ${cert === undefined ? 'key' : 'certificate'} and no ${cert === undefined ? 'certificate' : 'key'}; give both, or none`,
  );
}

async function read(option: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new SwarmError('ERR_SWARM_INVALID_OPTION', `${option} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
