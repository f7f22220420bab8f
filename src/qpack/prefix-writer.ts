import { encodeHuffman, huffmanLength } from './huffman.js';

const NOTHING = new Uint8Array(0);
const INITIAL_BYTES = 512;
/** A larger buffer is given back after use, so that one large section does not stay in memory. */
const KEPT_BYTES = 16_384;
/** So many are copied one by one, without a view. */
const FEW_BYTES = 128;
/** An integer takes at most so many bytes: eight of seven bits hold 2^53, one holds the prefix. */
const INTEGER_BYTES = 9;

/** Writes prefixed integers and strings (RFC 9204 section 4.1) into a buffer that grows. */
export class PrefixWriter {
  length = 0;
  #bytes: Uint8Array = new Uint8Array(INITIAL_BYTES);

  /** What was written, in an array of its own, and starts anew. */
  take(): Uint8Array {
    if (this.length === 0) return NOTHING;
    const taken = this.#bytes.slice(0, this.length);
    this.length = 0;
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = new Uint8Array(INITIAL_BYTES);
    return taken;
  }

  /** Moves what was written to `at` in another array, and starts anew; where it ends there. */
  moveTo(target: Uint8Array, at: number): number {
    const length = this.length;
    if (length > FEW_BYTES) target.set(this.#bytes.subarray(0, length), at);
    else for (let index = 0; index < length; index++) target[at + index] = this.#bytes[index] as number;
    this.length = 0;
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = new Uint8Array(INITIAL_BYTES);
    return at + length;
  }

  /** An integer of which the first byte holds `prefix` bits, below `flags`. */
  integer(flags: number, prefix: number, value: number): void {
    this.#reserve(INTEGER_BYTES);
    const limit = (1 << prefix) - 1;
    if (value < limit) {
      this.#bytes[this.length++] = flags | value;
      return;
    }
    this.#bytes[this.length++] = flags | limit;
    let rest = value - limit;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) this.#bytes[this.length++] = 0x80 | (rest % 128);
    this.#bytes[this.length++] = rest;
  }

  /**
   * A string of which the first byte holds the Huffman flag above `prefix` bits of length, below `flags`. `coded` is its
   * length in Huffman code, where that is known; it is used where it is shorter.
   */
  text(flags: number, prefix: number, text: string, coded: number = huffmanLength(text)): void {
    if (coded < text.length) {
      this.integer(flags | (1 << prefix), prefix, coded);
      this.#reserve(coded);
      this.length = encodeHuffman(text, this.#bytes, this.length);
      return;
    }
    this.integer(flags, prefix, text.length);
    this.#reserve(text.length);
    for (let at = 0; at < text.length; at++) this.#bytes[this.length++] = text.charCodeAt(at);
  }

  /** Bytes that were written before. */
  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  #reserve(bytes: number): void {
    if (this.length + bytes <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + bytes));
    grown.set(this.#bytes.subarray(0, this.length));
    this.#bytes = grown;
  }
}
