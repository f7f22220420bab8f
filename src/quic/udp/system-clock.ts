// The global of the same name is an accessor, called each time.
import { performance } from 'node:perf_hooks';

import type { Clock, ClockTimer } from '../types/udp.js';

/** What `setTimeout` takes at most; more fires at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

class SystemTimer implements ClockTimer {
  readonly #due: number;
  readonly #callback: () => void;
  #timeout: NodeJS.Timeout;
  #keepsAlive = true;

  constructor(delay: number, callback: () => void) {
    // An unknown delay (NaN) is none.
    this.#due = performance.now() + (delay > 0 ? delay : 0);
    this.#callback = callback;
    this.#timeout = this.#arm();
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }

  ref(): void {
    this.#keepsAlive = true;
    this.#timeout.ref();
  }

  unref(): void {
    this.#keepsAlive = false;
    this.#timeout.unref();
  }

  #arm(): NodeJS.Timeout {
    // Node warns of negative delays, and time may have passed since the delay was reckoned.
    const wait = Math.min(Math.max(0, Math.ceil(this.#due - performance.now())), LONGEST_TIMEOUT_MS);
    return setTimeout(this.#fire, wait);
  }

  /** Timers of Node count from the start of the loop's turn in which they were set, and so can be early. */
  readonly #fire = (): void => {
    if (performance.now() >= this.#due) {
      this.#callback();
      return;
    }
    this.#timeout = this.#arm();
    if (!this.#keepsAlive) this.#timeout.unref();
  };
}

/**
 * The time of this machine. Timers never fire before their time, and a millisecond or so after it at the earliest that
 * the event loop allows; delays of any length are kept, Infinity means never.
 */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  setTimer: (delay, callback) => new SystemTimer(delay, callback),
  soon(callback) {
    setImmediate(callback);
  },
};
