/**
 * What the engine imports of the runtime's own cryptography, which is native where the engine's is portable C
 * (docs/decisions/0008-native-cryptography-of-the-host.md).
 *
 * No function here throws, because an exception would poison the instance: what does not work answers `CANNOT`, and the
 * engine does it itself. None keeps a view on the engine's memory.
 */

import { constants, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { HOST_KEY_FORMAT, HOST_SIGNATURE } from './layout.js';

/** Bytes of the engine's memory; the view is made anew for each call. */
export type MemoryView = (ptr: number, len: number) => Uint8Array;

const CANNOT = -1;

/** Public keys kept as the runtime wants them: making one of a certificate's costs more than to verify with it. */
const MAX_PUBLIC_KEYS = 64;

interface SignatureKind {
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null;
  readonly key: 'P-256' | 'P-384' | 'Ed25519' | 'RSA';
  /** RSASSA-PSS with a salt of so many bytes. */
  readonly pssSalt?: number;
}

const SIGNATURES: Readonly<Record<number, SignatureKind>> = {
  [HOST_SIGNATURE.ecdsaP256Sha256]: { key: 'P-256', hash: 'sha256' },
  [HOST_SIGNATURE.ecdsaP256Sha384]: { key: 'P-256', hash: 'sha384' },
  [HOST_SIGNATURE.ecdsaP384Sha256]: { key: 'P-384', hash: 'sha256' },
  [HOST_SIGNATURE.ecdsaP384Sha384]: { key: 'P-384', hash: 'sha384' },
  [HOST_SIGNATURE.ed25519]: { key: 'Ed25519', hash: null },
  [HOST_SIGNATURE.rsaPkcs1Sha256]: { key: 'RSA', hash: 'sha256' },
  [HOST_SIGNATURE.rsaPkcs1Sha384]: { key: 'RSA', hash: 'sha384' },
  [HOST_SIGNATURE.rsaPkcs1Sha512]: { key: 'RSA', hash: 'sha512' },
  [HOST_SIGNATURE.rsaPssSha256]: { key: 'RSA', hash: 'sha256', pssSalt: 32 },
  [HOST_SIGNATURE.rsaPssSha384]: { key: 'RSA', hash: 'sha384', pssSalt: 48 },
  [HOST_SIGNATURE.rsaPssSha512]: { key: 'RSA', hash: 'sha512', pssSalt: 64 },
};

const KEY_FORMATS: Readonly<Record<number, 'pkcs8' | 'pkcs1' | 'sec1'>> = {
  [HOST_KEY_FORMAT.pkcs8]: 'pkcs8',
  [HOST_KEY_FORMAT.pkcs1]: 'pkcs1',
  [HOST_KEY_FORMAT.sec1]: 'sec1',
};

const base64url = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');

/** `key` is the bit string of a SubjectPublicKeyInfo. JWKs are read several times faster than DER. */
function publicKey(kind: SignatureKind['key'], key: Uint8Array): KeyObject {
  switch (kind) {
    case 'P-256':
    case 'P-384': {
      const half = (key.length - 1) / 2;
      const [x, y] = [base64url(key.subarray(1, 1 + half)), base64url(key.subarray(1 + half))];
      return createPublicKey({ key: { kty: 'EC', crv: kind, x, y }, format: 'jwk' });
    }
    case 'Ed25519':
      return createPublicKey({ key: { kty: 'OKP', crv: kind, x: base64url(key) }, format: 'jwk' });
    case 'RSA':
      return createPublicKey({ key: Buffer.from(key), format: 'der', type: 'pkcs1' });
  }
}

/** The most recently used public keys; what they are kept under holds all of the key. */
class PublicKeys {
  readonly #keys = new Map<string, KeyObject>();

  get(kind: SignatureKind['key'], bytes: Uint8Array): KeyObject {
    const text = kind + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    const known = this.#keys.get(text);
    const key = known ?? publicKey(kind, bytes);
    if (known !== undefined) this.#keys.delete(text);
    else if (this.#keys.size >= MAX_PUBLIC_KEYS) {
      for (const oldest of this.#keys.keys()) {
        this.#keys.delete(oldest);
        break;
      }
    }
    this.#keys.set(text, key);
    return key;
  }
}

/** Shared by all engines of a process: public keys are nobody's secret. */
const publicKeys = new PublicKeys();

interface PaddedKey {
  readonly key: KeyObject;
  readonly padding: number;
  readonly saltLength: number;
}

function withPadding(key: KeyObject, { pssSalt }: SignatureKind): KeyObject | PaddedKey {
  if (pssSalt === undefined) return key;
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: pssSalt };
}

/** The imports of cryptography; pointers and lengths are the engine's. */
export interface HostCryptoImports {
  /** 1: a signature over the message; 0: none. */
  verify(
    algorithm: number,
    key: number,
    keyLen: number,
    message: number,
    messageLen: number,
    signature: number,
    signatureLen: number,
  ): number;
  /** A number for the private key. */
  key_import(format: number, der: number, derLen: number): number;
  key_drop(key: number): void;
  /** Length of the signature. */
  sign(algorithm: number, key: number, message: number, messageLen: number, out: number, outLen: number): number;
}

function attempt(run: () => number): number {
  try {
    return run();
  } catch {
    return CANNOT;
  }
}

/**
 * The imports of one engine.
 *
 * @param draws whether what needs random numbers is done here. A simulation that brings its own wants all from those.
 */
export function hostCrypto(view: MemoryView, draws: boolean): HostCryptoImports {
  const keys = new Map<number, KeyObject>();
  let lastKey = 0;
  return {
    verify: (algorithm, key, keyLen, message, messageLen, signature, signatureLen) =>
      attempt(() => {
        const kind = SIGNATURES[algorithm];
        if (!kind) return CANNOT;
        const made = publicKeys.get(kind.key, view(key, keyLen));
        if (kind.key === 'RSA') {
          const bits = made.asymmetricKeyDetails?.modulusLength;
          if (bits === undefined) return CANNOT;
          // OpenSSL takes a PSS signature without its first byte where that is zero (RFC 8017 section 8.1.2, step 1).
          if (signatureLen !== Math.ceil(bits / 8)) return 0;
        }
        const verifier = withPadding(made, kind);
        return verify(kind.hash, view(message, messageLen), verifier, view(signature, signatureLen)) ? 1 : 0;
      }),
    key_import: (format, der, derLen) =>
      attempt(() => {
        const type = KEY_FORMATS[format];
        if (type === undefined || !draws) return CANNOT;
        const copy = Buffer.from(view(der, derLen));
        try {
          keys.set(++lastKey, createPrivateKey({ key: copy, format: 'der', type }));
          return lastKey;
        } finally {
          copy.fill(0);
        }
      }),
    key_drop: (key) => void keys.delete(key),
    sign: (algorithm, key, message, messageLen, out, outLen) =>
      attempt(() => {
        const kind = SIGNATURES[algorithm];
        const held = keys.get(key);
        if (!kind || !held) return CANNOT;
        const signature = sign(kind.hash, view(message, messageLen), withPadding(held, kind));
        if (signature.length > outLen) return CANNOT;
        view(out, signature.length).set(signature);
        return signature.length;
      }),
  };
}
