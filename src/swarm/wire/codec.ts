/** Values as CBOR (RFC 8949). */

import { decode, encode, Tokenizer, Type, type Token } from 'cborg';
import { SwarmError } from '../errors.js';

/**
 * What messages, tasks and the shared map can carry: what JSON can, and byte strings, BigInts of 64 bits, NaN and
 * infinities, and `undefined`. Map, Set, Date, functions and symbols cannot be sent. Strings travel as UTF-8, in which a surrogate without its
 * other half is U+FFFD.
 */
export type SwarmValue =
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly SwarmValue[]
  | { readonly [key: string]: SwarmValue };

/** @throws SwarmError `ERR_SWARM_VALUE` when the value holds what CBOR has no form for */
export function encodeValue(value: unknown): Uint8Array {
  try {
    return encode(value, { ignoreUndefinedProperties: true });
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new SwarmError('ERR_SWARM_VALUE', `The value cannot be sent: ${words}`, { cause: error });
  }
}

/** As {@link decodeValue}, of the bytes from `from` to `to`; texts are read where they are. @throws SwarmError */
export function decodeValueAt(bytes: Uint8Array, from: number, to: number): unknown {
  const text = textAt(bytes, from, to);
  if (text < 0) return decodeValue(bytes.subarray(from, to));
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('utf8', text, to);
}

/** Where the UTF-8 begins of an item that is one text with a head of the shortest form and up to two bytes of length; -1: it is not. */
function textAt(bytes: Uint8Array, from: number, to: number): number {
  const first = bytes[from] ?? 0;
  const short = first - 0x60;
  if (short < 0) return -1;
  if (short < 24) return from + 1 + short === to ? from + 1 : -1;
  if (short === 24) return from + 2 + (bytes[from + 1] ?? 0) === to ? from + 2 : -1;
  if (short === 25) return from + 3 + (bytes[from + 1] ?? 0) * 0x100 + (bytes[from + 2] ?? 0) === to ? from + 3 : -1;
  return -1;
}

// A tokenizer of one's own is asked for with all options, also those that cborg fills in otherwise.
const DECODE_OPTIONS = {
  strict: false,
  rejectDuplicateMapKeys: true,
  allowIndefinite: true,
  allowUndefined: true,
  allowBigInt: true,
};
/** Bytes of the head of an item by its low five bits from 24 on; below it is the byte itself. */
const HEAD_BYTES = [2, 3, 5, 9];

/** Keeps a U+FEFF at the beginning of a text: cborg's decoder takes it for a mark of the byte order, which UTF-8 has none of, and drops it. */
class TextKeeper extends Tokenizer {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    // Byte strings are sliced out of it, which of a Buffer would be no copy.
    const plain = Buffer.isBuffer(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : bytes;
    super(plain, DECODE_OPTIONS);
    this.#bytes = plain;
  }

  override next(): Token {
    const bytes = this.#bytes;
    const at = this.pos();
    const token = super.next();
    if (token.type === Type.string) {
      const minor = (bytes[at] ?? 0) & 0x1f;
      const text = at + (minor < 24 ? 1 : (HEAD_BYTES[minor - 24] ?? 1));
      if (bytes[text] === 0xef && bytes[text + 1] === 0xbb && bytes[text + 2] === 0xbf && text + 2 < this.pos()) {
        token.value = `\ufeff${String(token.value)}`;
      }
    }
    return token;
  }
}

/** @throws SwarmError `ERR_SWARM_PROTOCOL` when the bytes are no single, well-formed item */
export function decodeValue(bytes: Uint8Array): unknown {
  try {
    return decode(bytes, { ...DECODE_OPTIONS, tokenizer: new TextKeeper(bytes) });
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new SwarmError('ERR_SWARM_PROTOCOL', `The remote sent CBOR that cannot be read: ${words}`, {
      remote: true,
      cause: error,
    });
  }
}
