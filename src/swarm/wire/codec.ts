/** Values as CBOR (RFC 8949). */

import { decode, encode } from 'cborg';
import { SwarmError } from '../errors.js';

/**
 * What messages, tasks and the shared map can carry: what JSON can, and byte strings, BigInts of 64 bits, NaN and
 * infinities, and `undefined`. Map, Set, Date, functions and symbols cannot be sent.
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

/** @throws SwarmError `ERR_SWARM_PROTOCOL` when the bytes are no single, well-formed item */
export function decodeValue(bytes: Uint8Array): unknown {
  try {
    return decode(bytes, { strict: false, rejectDuplicateMapKeys: true });
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new SwarmError('ERR_SWARM_PROTOCOL', `The remote sent CBOR that cannot be read: ${words}`, {
      remote: true,
      cause: error,
    });
  }
}
