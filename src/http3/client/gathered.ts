/** Content that is gathered whole, in one array that grows. */

/** Least room, in bytes, once there is more than one piece. */
const LEAST = 4096;
/**
 * How far the array grows when it is full. Memory that was never touched is only an address to the system, so that large steps cost little
 * and save copies; what counts are the pages that are made twice.
 */
const GROWTH = 4;
/** Up to this length no more room is kept than is filled: it comes from memory that was in use before. */
const SMALL = 1024 * 1024;

export class Gathered {
  /** Bytes that have come. */
  length = 0;
  readonly #expected: number | undefined;
  readonly #most: number;
  /** What has come, and room behind it; at first the first piece itself. */
  #bytes: Uint8Array = new Uint8Array(0);

  /**
   * @param expected bytes that will come in all, where that is known
   * @param most bytes that may come
   */
  constructor(expected: number | undefined, most: number) {
    this.#expected = expected;
    this.#most = most;
  }

  /** @param bytes the caller's no more */
  add(bytes: Uint8Array): void {
    const at = this.length;
    this.length += bytes.length;
    if (at === 0) {
      this.#bytes = bytes;
      return;
    }
    if (this.length > this.#bytes.length) this.#grow(at);
    this.#bytes.set(bytes, at);
  }

  /** All that has come. */
  take(): Uint8Array {
    if (this.length === this.#bytes.length) return this.#bytes;
    return this.length <= SMALL ? this.#bytes.slice(0, this.length) : this.#bytes.subarray(0, this.length);
  }

  #grow(filled: number): void {
    const room = this.#expected ?? Math.max(LEAST, Math.min(this.length * GROWTH, this.#most));
    const larger = new Uint8Array(Math.max(room, this.length));
    larger.set(this.#bytes.subarray(0, filled));
    this.#bytes = larger;
  }
}
