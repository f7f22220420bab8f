/**
 * When what there is to send leaves before the code that runs now, and all promises it settled, have run.
 *
 * Of many streams finished in one turn, requests or responses, the first leave while the code that makes the others still runs: else the
 * two sides of a connection would work in turns, and never at the same time. But not while there are streams that have begun to send in
 * this turn and may be finished in it too: their FIN would go in a frame of its own, and be an event of its own for the remote.
 */

/** Streams finished since the last packets left: the first of a turn leave early, so that the other side has something to do, */
const FIRST = 8;
/** later ones in larger parts, which cost less. */
const LATER = 16;

export class FinishedStreams {
  /** Since the last packets left: streams that were finished, and streams that have sent their first bytes and were not. */
  #finished = 0;
  #begun = 0;
  #enough = FIRST;
  #round = 0;

  /** A stream has sent its first bytes. What this returns goes to `finished`, when it is. */
  begun(): number {
    this.#begun++;
    return this.#round;
  }

  /** A stream was finished that began in this round; -1: it began with its last bytes. Whether what there is leaves now. */
  finished(round: number): boolean {
    if (round === this.#round) this.#begun--;
    this.#finished++;
    if (this.#finished < this.#enough || this.#begun > 0) return false;
    this.#enough = LATER;
    return true;
  }

  /** Packets leave, with all there is. */
  sent(): void {
    this.#finished = 0;
    this.#begun = 0;
    this.#round++;
  }

  /** The turn is over. */
  turnEnded(): void {
    this.#enough = FIRST;
  }
}
