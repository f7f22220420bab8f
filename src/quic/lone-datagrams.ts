/**
 * After so many turns with one datagram each, the next is expected to come alone too, and is taken at once instead of in the next phase of the event
 * loop: nothing would be gathered by waiting. If it comes within so many milliseconds of the last turn's end, it is one of several. How fast
 * the machine is decides what that means; so after some that were taken at once, one waits and shows whether they do come alone.
 */
const ALONE = 4;
const ALONE_UNSEEN = 16;
const TOGETHER = 0.02;

/** Whether datagrams come one at a time, as they do where one request is under way at a time. */
export class LoneDatagrams {
  /** Turns in a row that had one datagram; when the last one had been flushed. */
  #alone = 0;
  #flushedAt = -Infinity;

  /** Whether datagrams have been coming alone lately. */
  get likely(): boolean {
    return this.#alone >= ALONE;
  }

  /** Whether one that comes now is alone, if it is {@link likely}. */
  expectedAt(now: number): boolean {
    return now - this.#flushedAt > TOGETHER;
  }

  /** A turn took so many datagrams. */
  turn(datagrams: number): void {
    if (datagrams !== 1) this.#alone = 0;
    else if (++this.#alone > ALONE + ALONE_UNSEEN) this.#alone = ALONE - 1;
  }

  flushed(now: number): void {
    this.#flushedAt = now;
  }

  /** The socket itself says when it has handed over all. */
  forget(): void {
    this.#alone = 0;
  }
}
