/** Keeps the bytes of an instruction that has not arrived whole, in one buffer that is reused. */
export class Remainder {
  #buffer: Uint8Array = new Uint8Array(0);
  #length = 0;

  /** What was kept, followed by these bytes: a view that holds until the next call. */
  join(bytes: Uint8Array): Uint8Array {
    if (this.#length === 0) return bytes;
    this.#reserve(this.#length + bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
    return this.#buffer.subarray(0, this.#length);
  }

  /** Keeps what follows `position` in the bytes that `join` gave. */
  keep(joined: Uint8Array, position: number): void {
    const length = joined.length - position;
    if (joined.buffer === this.#buffer.buffer) {
      this.#buffer.copyWithin(0, position, joined.length);
    } else if (length > 0) {
      this.#reserve(length);
      this.#buffer.set(joined.subarray(position));
    }
    this.#length = length;
    if (length === 0 && this.#buffer.length > 0) this.#buffer = new Uint8Array(0);
  }

  #reserve(length: number): void {
    if (length <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(64, this.#buffer.length * 2, length));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}
