/** Looks again and again at what may run out of time: leases of members, or those that are awaited. */

import type { Clock, ClockTimer } from '../../quic/index.js';

export class Looks {
  readonly #clock: Clock;
  readonly #interval: number;
  readonly #look: (now: number, since: number) => void;
  #timer: ClockTimer | undefined;
  #last = 0;

  /**
   * @param interval in milliseconds
   * @param look is told the time, and how long ago the last look was: much longer than the interval where this process was held up
   */
  constructor(clock: Clock, interval: number, look: (now: number, since: number) => void) {
    this.#clock = clock;
    this.#interval = interval;
    this.#look = look;
  }

  start(): void {
    this.#last = this.#clock.now();
    this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    // What has arrived meanwhile is taken first, so that nobody is given up whose packets lie in the socket.
    this.#timer = this.#clock.setTimer(this.#interval, () => this.#clock.soon(this.#turn));
    this.#timer.unref();
  }

  readonly #turn = (): void => {
    if (!this.#timer) return;
    const now = this.#clock.now();
    const since = now - this.#last;
    this.#last = now;
    this.#look(now, since);
    if (this.#timer) this.#arm();
  };
}
