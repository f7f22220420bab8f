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
