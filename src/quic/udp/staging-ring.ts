/** Bytes of a ring: some 180 datagrams of an ordinary path, or 4 of the largest; small, so that it stays in the cache. */
const RING_BYTES = 1 << 18;

/**
 * Memory where datagrams wait for the kernel. What the transport hands over lies in the engine's memory and is
 * overwritten as soon as `send` returns, while the operating system may take a datagram later when its buffer is full.
 * Slots are given out in order; a ring that is used up is used again when nothing of it waits any more, and is left to
 * the datagrams that wait in it otherwise.
 */
export class StagingRing {
  readonly #capacity: number;
  #ring: Uint8Array<ArrayBuffer>;
  #used = 0;

  /** @param capacity bytes of one ring */
  constructor(capacity: number = RING_BYTES) {
    this.#capacity = capacity;
    this.#ring = new Uint8Array(capacity);
  }

  /**
   * Copies a payload and returns the copy, which stays as it is for as long as something refers to it and waits.
   *
   * @param waiting whether any datagram staged earlier may still wait
   */
  stage(payload: Uint8Array, waiting: () => boolean): Uint8Array {
    if (payload.length > this.#capacity) return new Uint8Array(payload);
    if (this.#used + payload.length > this.#capacity) {
      if (waiting()) this.#ring = new Uint8Array(this.#capacity);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used = start + payload.length;
    this.#ring.set(payload, start);
    return this.#ring.subarray(start, this.#used);
  }
}
