import { varintLength, writeVarint } from './varint.js';

/** Bytes that grow at the end. One writer can be used again and again: its memory stays as large as it once had to be. */
export class ByteWriter {
  #buffer: Uint8Array;
  #length = 0;

  /** @param capacity bytes that fit before the memory grows. Default: 256 */
  constructor(capacity = 256) {
    this.#buffer = new Uint8Array(capacity);
  }

  /** Bytes written and not yet taken. */
  get length(): number {
    return this.#length;
  }

  /** Writes the low eight bits. */
  uint8(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  /**
   * Writes the shortest encoding (RFC 9000 section 16).
   *
   * @throws RangeError when the value is negative, no integer, or above 2^53 - 1
   */
  varint(value: number): void {
    this.#reserve(varintLength(value));
    this.#length = writeVarint(this.#buffer, this.#length, value);
  }

  /** Writes a copy. */
  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** A view of what was written, good until the next call of any other method. */
  view(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** A copy of what was written; the writer is empty after it. */
  take(): Uint8Array {
    const taken = this.#buffer.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }

  /** Forgets what was written and keeps the memory. */
  clear(): void {
    this.#length = 0;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#buffer.length * 2, 16));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}
