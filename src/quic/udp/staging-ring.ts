/** Bytes of a ring: some 180 datagrams of an ordinary path, or 4 of the largest; small, so that it stays in the cache. */
const RING_BYTES = 1 << 18;
/** What a socket starts with: enough for a handshake. V8 collects all garbage after some tens of MiB of such memory. */
const FIRST_BYTES = 1 << 13;
const GROWTH = 4;
/** Places whose views are kept. More, with small payloads, get views of their own. */
const KEPT_PLACES = 64;

/** The datagrams of one payload that was staged at a place of the ring. */
interface Place {
  readonly start: number;
  readonly length: number;
  readonly segmentSize: number;
  readonly datagrams: readonly Uint8Array[];
}

/**
 * Memory where datagrams wait for the kernel. What the transport hands over lies in the engine's memory and is
 * overwritten as soon as `send` returns, while the operating system may take a datagram later when its buffer is full.
 * Slots are given out in order; a ring that is used up is used again when nothing of it waits any more, and is left to
 * the datagrams that wait in it otherwise. It starts small, and the first times that it is used up it grows.
 *
 * Payloads of a transfer are of one size, so each round finds the same places again: their views are kept, because making
 * one costs as much as copying its bytes.
 */
export class StagingRing {
  readonly #capacity: number;
  #ring: Uint8Array<ArrayBuffer>;
  #used = 0;
  /** Number of the next place in this round. */
  #next = 0;
  #places: (Place | undefined)[] = [];

  /**
   * @param capacity bytes of a ring that has grown
   * @param first bytes that it starts with, `capacity` at most
   */
  constructor(capacity: number = RING_BYTES, first: number = Math.min(FIRST_BYTES, capacity)) {
    this.#capacity = capacity;
    this.#ring = new Uint8Array(first);
  }

  /**
   * Copies a payload and returns the datagrams of the copy, which stays as it is for as long as something refers to it and
   * waits.
   *
   * @param segmentSize bytes of each datagram but the last; 0: all is one datagram
   * @param waiting whether any datagram staged earlier may still wait
   */
  stage(payload: Uint8Array, segmentSize: number, waiting: () => boolean): readonly Uint8Array[] {
    const { length } = payload;
    if (length > this.#capacity) return split(new Uint8Array(payload), 0, length, segmentSize);
    if (this.#used + length > this.#ring.length) {
      if (this.#ring.length < this.#capacity) this.#renew(Math.max(this.#ring.length * GROWTH, length));
      else if (waiting()) this.#renew(this.#capacity);
      this.#used = 0;
      this.#next = 0;
    }
    const start = this.#used;
    this.#used = start + length;
    this.#ring.set(payload, start);
    const index = this.#next++;
    const kept = this.#places[index];
    if (kept?.start === start && kept.length === length && kept.segmentSize === segmentSize) return kept.datagrams;
    const datagrams = split(this.#ring, start, length, segmentSize);
    if (index < KEPT_PLACES) this.#places[index] = { start, length, segmentSize, datagrams };
    return datagrams;
  }

  #renew(bytes: number): void {
    this.#ring = new Uint8Array(Math.min(bytes, this.#capacity));
    this.#places = [];
  }
}

function split(bytes: Uint8Array, start: number, length: number, segmentSize: number): Uint8Array[] {
  const end = start + length;
  if (segmentSize === 0 || segmentSize >= length) return [bytes.subarray(start, end)];
  const datagrams: Uint8Array[] = [];
  for (let at = start; at < end; at += segmentSize) datagrams.push(bytes.subarray(at, Math.min(at + segmentSize, end)));
  return datagrams;
}
