import { QuicError } from '../errors.js';
import type { Pin } from './options.js';

const sha256Bytes = 32;
/** `sha256/`, `SHA256:`, and what openssl writes: `sha256 Fingerprint=`. */
const prefix = /^sha-?256(?: fingerprint)?[/:=]/i;
const hex = /^[0-9a-f]{64}$/i;
const hexWithColons = /^[0-9a-f]{2}(?::[0-9a-f]{2}){31}$/i;
/** 43 digits hold 258 bits: the last one has only four values that leave no bits over. */
const base64 = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=?$/;
/** curl puts two slashes behind `sha256`; a slash is a digit too, so only the count of the others tells. */
const base64BehindSlash = new RegExp(base64.source.replace('^', '^/'));

/**
 * The 32 bytes of a pin.
 *
 * @throws QuicError ERR_QUIC_TLS_PIN, naming `option`, when it is not a SHA-256 in one of the notations of {@link Pin}
 */
export function parsePin(pin: Pin, option: string): Uint8Array {
  if (typeof pin !== 'string') {
    // Checked for callers without types.
    const bytes: unknown = pin;
    if (bytes instanceof Uint8Array && bytes.length === sha256Bytes) return Uint8Array.from(bytes);
    const given = bytes instanceof Uint8Array ? `${bytes.length} bytes` : typeof bytes;
    throw new QuicError('ERR_QUIC_TLS_PIN', `a pin in ${option} must be a string or 32 bytes, not ${given}`);
  }
  const digits = pin.trim().replace(prefix, '').trim();
  if (hex.test(digits)) return Uint8Array.from(Buffer.from(digits, 'hex'));
  if (hexWithColons.test(digits)) return Uint8Array.from(Buffer.from(digits.replaceAll(':', ''), 'hex'));
  if (base64.test(digits)) return Uint8Array.from(Buffer.from(digits, 'base64'));
  if (base64BehindSlash.test(digits)) return Uint8Array.from(Buffer.from(digits.slice(1), 'base64'));
  throw new QuicError(
    'ERR_QUIC_TLS_PIN',
    `${JSON.stringify(pin)} in ${option} is not a SHA-256: write sha256/ and 44 characters of base64, or 64 hex digits`,
  );
}

/** All pins of an option as hex, which is what the engine takes; an empty array where the option is not given. */
export function parsePins(pins: readonly Pin[] | undefined, option: string): string[] {
  return (pins ?? []).map((pin) => Buffer.from(parsePin(pin, option)).toString('hex'));
}
