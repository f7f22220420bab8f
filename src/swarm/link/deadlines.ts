/** Deadlines of all exchanges of a member with one timer. Most are removed long before their time, which costs next to nothing. */

import type { Clock, ClockTimer } from '../../quic/index.js';

/**
 * Something with a deadline. A class, and no object literal for each: literals that the runtime has once seen live long are made among
 * the old objects from then on, where whatever they refer to stays until the next full collection.
 */
export abstract class Deadline {
  /** @internal When, by the clock of the {@link Deadlines}. */
  due = 0;
  /** @internal Its place among the others; -1 while it has none. */
  index = -1;

  /** Its time has come. Not called once it is removed. */
  abstract expire(): void;
}

/** So many at a time are looked through within a millisecond: of more, some are late by as much as looking takes. */
const LOOKED_THROUGH_PER_MS = 10_000;

export class Deadlines {
  readonly #clock: Clock;
  /** In no order: each knows its place, and the last takes the place of one that is removed. */
  readonly #entries: Deadline[] = [];
  #timer: ClockTimer | undefined;
  #timerDue = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `expire` after `length` milliseconds unless it is removed before; like a timer, it keeps the process alive. */
  add(length: number, deadline: Deadline): void {
    const due = this.#clock.now() + length;
    deadline.due = due;
    deadline.index = this.#entries.length;
    this.#entries.push(deadline);
    if (due < this.#timerDue) this.#arm(due, length);
    // A timer that is left from before fires early, and looks.
    else if (deadline.index === 0) this.#timer?.ref();
  }

  /** No effect when it is removed already, or was never added. */
  remove(deadline: Deadline): void {
    const { index } = deadline;
    if (index < 0) return;
    deadline.index = -1;
    const last = this.#entries.pop();
    if (last && last !== deadline) {
      this.#entries[index] = last;
      last.index = index;
    }
    // The next exchange needs it again; meanwhile it holds nobody up.
    if (this.#entries.length === 0) this.#timer?.unref();
  }

  #arm(due: number, delay: number): void {
    this.#timer?.cancel();
    this.#timerDue = due;
    this.#timer = this.#clock.setTimer(delay, this.#look);
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    this.#timerDue = Infinity;
    const now = this.#clock.now();
    let next = Infinity;
    const expired: Deadline[] = [];
    for (const entry of this.#entries) {
      if (entry.due <= now) expired.push(entry);
      else if (entry.due < next) next = entry.due;
    }
    for (const entry of expired) {
      // Another one's end may have ended it.
      if (entry.index < 0) continue;
      this.remove(entry);
      entry.expire();
    }
    // What was added meanwhile has armed it, for itself at least.
    if (next < this.#timerDue && this.#entries.length > 0) {
      this.#arm(next, Math.max(next - now, this.#entries.length / LOOKED_THROUGH_PER_MS));
    }
  };
}
