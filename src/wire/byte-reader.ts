import { readVarint, varintLengthFromFirst } from './varint.js';

const nothing = new Uint8Array(0);

/**
 * A cursor over bytes that are all there. What is missing is an answer, not an exception: -1 or `undefined`, with the
 * cursor where it was.
 */
export class ByteReader {
  #bytes: Uint8Array;
  #offset = 0;

  /** @param bytes are not copied: they must stay as they are until they are read. Default: none */
  constructor(bytes: Uint8Array = nothing) {
    this.#bytes = bytes;
  }

  /** Starts over with other bytes. */
  reset(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#offset = 0;
  }

  /** Bytes read so far. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes not yet read. */
  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** The next byte, or -1 at the end. */
  uint8(): number {
    return this.#offset < this.#bytes.length ? (this.#bytes[this.#offset++] ?? -1) : -1;
  }

  /**
   * The next variable-length integer (RFC 9000 section 16), or -1 when the bytes end before it does. Above 2^53 - 1 it
   * is rounded, see `varint.ts`.
   */
  varint(): number {
    const value = readVarint(this.#bytes, this.#offset);
    if (value >= 0) this.#offset += varintLengthFromFirst(this.#bytes[this.#offset] ?? 0);
    return value;
  }

  /** A view of the next `length` bytes, or `undefined` when there are fewer. */
  bytes(length: number): Uint8Array | undefined {
    if (length < 0 || length > this.remaining) return undefined;
    const view = this.#bytes.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    return view;
  }

  /** A view of all that is left. */
  rest(): Uint8Array {
    const view = this.#bytes.subarray(this.#offset);
    this.#offset = this.#bytes.length;
    return view;
  }
}
