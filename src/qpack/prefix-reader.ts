import { decodeHuffman } from './huffman.js';
import { latin1 } from './latin1.js';

/** The bytes end before the integer does. */
export const INCOMPLETE = -1;
/** The integer takes more bytes than one of 62 bits can. */
export const OVERLONG = -2;

/** Bytes after the prefix that an integer may take: nine hold 62 bits (RFC 9204 section 4.1.1), one more is lenience. */
const MAX_CONTINUATION = 10;

const NOTHING = new Uint8Array(0);

/** Reads prefixed integers and strings (RFC 9204 section 4.1). One object serves any number of buffers. */
export class PrefixReader {
  bytes: Uint8Array = NOTHING;
  position = 0;
  end = 0;

  reset(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.position = 0;
    this.end = bytes.length;
  }

  /** Lets go of the bytes. */
  clear(): void {
    this.reset(NOTHING);
  }

  /** The byte at the position, of which integers take only the last bits. */
  peek(): number {
    return this.bytes[this.position] as number;
  }

  /**
   * An integer whose first byte gives it `prefix` bits. {@link INCOMPLETE} and {@link OVERLONG} leave the position where
   * it was. Above 2^53 it is rounded: no index, length or stream ID in use is that large.
   */
  integer(prefix: number): number {
    if (this.position >= this.end) return INCOMPLETE;
    const mask = (1 << prefix) - 1;
    let value = this.peek() & mask;
    if (value < mask) {
      this.position++;
      return value;
    }
    let scale = 1;
    for (let at = this.position + 1; at <= this.position + MAX_CONTINUATION; at++) {
      if (at >= this.end) return INCOMPLETE;
      const byte = this.bytes[at] as number;
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) {
        this.position = at + 1;
        return value;
      }
    }
    return OVERLONG;
  }

  /** A string of `length` bytes, which must be there; undefined if its Huffman code is wrong. */
  text(length: number, huffman: boolean): string | undefined {
    const start = this.position;
    this.position += length;
    return huffman ? decodeHuffman(this.bytes, start, this.position) : latin1(this.bytes, start, this.position);
  }
}
