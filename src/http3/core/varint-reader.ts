import { varintLengthFromFirst } from '../../wire/index.js';

/** Reads one variable-length integer (RFC 9000 section 16) that may come in pieces. */
export class VarintReader {
  #value = 0;
  #missing = 0;

  /** The integer, once `read` has returned its end; above 2^53 - 1 it is rounded upwards of that. */
  get value(): number {
    return this.#value;
  }

  /** Whether a part of the integer has come and another is missing. */
  get partial(): boolean {
    return this.#missing > 0;
  }

  /** Takes bytes from `at` on. Returns the position behind the integer, or -1 when all bytes were taken and more are needed. */
  read(bytes: Uint8Array, at: number): number {
    let position = at;
    if (this.#missing === 0) {
      const first = bytes[position];
      if (first === undefined) return -1;
      position++;
      this.#missing = varintLengthFromFirst(first) - 1;
      this.#value = first & 0x3f;
    }
    while (this.#missing > 0) {
      const next = bytes[position];
      if (next === undefined) return -1;
      position++;
      this.#value = this.#value * 0x100 + next;
      this.#missing--;
    }
    return position;
  }
}
