import { createPrivateKey } from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';
import { QuicError } from '../errors.js';
import { keyWrapping } from './der.js';
import { pemBlocks } from './pem.js';
import type { Source } from './sources.js';

/** The kinds of keys that the engine can sign with. */
export type KeyType = 'ecdsa-p256' | 'ecdsa-p384' | 'ed25519' | 'rsa';

const supported = 'ECDSA with P-256 or P-384, Ed25519, and RSA of 2048 to 4096 bits';

/**
 * The private key of a source: the first of a PEM text, which may hold certificates and parameters too, or DER in any
 * of the usual wrappings.
 *
 * @throws QuicError ERR_QUIC_TLS_KEY when there is none or it cannot be parsed, ERR_QUIC_TLS_PASSPHRASE when it is
 * encrypted and the passphrase does not open it
 */
export function parsePrivateKey(source: Source, passphrase: string | undefined): KeyObject {
  const { name, data } = source;
  if (data.length === 0) throw keyError(`${name} is empty; it should hold a private key in PEM or DER`);
  return typeof data === 'string' ? parsePem(data, name, passphrase) : parseDer(data, name, passphrase);
}

function keyError(message: string, cause?: unknown): QuicError {
  return new QuicError('ERR_QUIC_TLS_KEY', message, { cause });
}

function parsePem(text: string, name: string, passphrase: string | undefined): KeyObject {
  const found = pemBlocks(text);
  const block = found.find(({ label }) => label.endsWith('PRIVATE KEY'));
  if (block === undefined) {
    const labels = [...new Set(found.map(({ label }) => label))].join(', ');
    const instead = labels === '' ? 'no PEM block at all' : `no PRIVATE KEY block, but ${labels}`;
    throw keyError(`${name} holds ${instead}; it should hold a private key in PEM or DER`);
  }
  if (block.label === 'OPENSSH PRIVATE KEY') {
    throw keyError(`${name} holds a key in OpenSSH's own format; convert it with: ssh-keygen -p -m PKCS8 -f FILE`);
  }
  // PKCS#8 says so in its label; the older wrappings in a header line (RFC 1421 section 4.6.1.1).
  const encrypted = block.label === 'ENCRYPTED PRIVATE KEY' || block.text.includes('Proc-Type: 4,ENCRYPTED');
  return open(name, encrypted, passphrase, () =>
    createPrivateKey({ key: block.text, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) }),
  );
}

function parseDer(der: Uint8Array, name: string, passphrase: string | undefined): KeyObject {
  const wrapping = keyWrapping(der);
  if (wrapping === undefined) {
    throw keyError(`${name} is neither PEM nor a private key in DER (PKCS#8, SEC1 or PKCS#1)`);
  }
  const encrypted = wrapping === 'pkcs8-encrypted';
  const type = encrypted ? 'pkcs8' : wrapping;
  const key = Buffer.from(der.buffer, der.byteOffset, der.byteLength);
  return open(name, encrypted, passphrase, () =>
    createPrivateKey({ key, format: 'der', type, ...(encrypted && passphrase !== undefined ? { passphrase } : {}) }),
  );
}

/** Runs `parse`, and says why it failed in terms of what was given. */
function open(name: string, encrypted: boolean, passphrase: string | undefined, parse: () => KeyObject): KeyObject {
  if (encrypted && passphrase === undefined) {
    throw new QuicError(
      'ERR_QUIC_TLS_PASSPHRASE',
      `${name} holds an encrypted private key: give the option passphrase`,
    );
  }
  try {
    return withPublicKey(parse());
  } catch (cause) {
    const words = (cause as Error).message;
    if (encrypted) {
      const message = `the passphrase does not open the private key in ${name}: ${words}`;
      throw new QuicError('ERR_QUIC_TLS_PASSPHRASE', message, { cause });
    }
    throw keyError(`${name} cannot be parsed as a private key: ${words}`, cause);
  }
}

/** EC private keys may come without the public key (RFC 5915 makes it optional), which the engine does not take. */
function withPublicKey(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve === undefined) return key;
  // A JWK always holds both; curves that have no JWK are refused later.
  try {
    return createPrivateKey({ key: key.export({ format: 'jwk' }), format: 'jwk' });
  } catch {
    return key;
  }
}

/**
 * What kind of key it is.
 *
 * @throws QuicError ERR_QUIC_TLS_KEY_TYPE when the engine cannot sign with it; `name` says where it came from
 */
export function keyType(key: KeyObject, name: string): KeyType {
  const details = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'ec':
      if (details.namedCurve === 'prime256v1') return 'ecdsa-p256';
      if (details.namedCurve === 'secp384r1') return 'ecdsa-p384';
      throw unsupported(name, `an ECDSA key on ${details.namedCurve ?? 'a curve without a name'}`);
    case 'ed25519':
      return 'ed25519';
    case 'rsa': {
      const bits = details.modulusLength ?? rsaBits(key.export({ format: 'jwk' }));
      if (bits >= 2048 && bits <= 4096) return 'rsa';
      throw unsupported(name, `an RSA key of ${bits} bits`);
    }
    default:
      throw unsupported(name, `a key of the type ${key.asymmetricKeyType ?? 'unknown'}`);
  }
}

/** For runtimes that do not fill `asymmetricKeyDetails`. */
function rsaBits(key: JsonWebKey): number {
  return Buffer.from(key.n ?? '', 'base64url').length * 8;
}

function unsupported(name: string, what: string): QuicError {
  return new QuicError('ERR_QUIC_TLS_KEY_TYPE', `${name} holds ${what}; supported are ${supported}`);
}
