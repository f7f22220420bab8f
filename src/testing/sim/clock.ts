import type { Clock, ClockTimer } from '../../quic/types/udp.js';

import type { Schedule } from './schedule.js';

/** The clock of a simulated host. All of them run at one pace; only what they take for the date may differ. */
export class SimClock implements Clock {
  /** Milliseconds by which this host's date is ahead of the others'. Default 0. */
  wallOffsetMs = 0;
  readonly #schedule: Schedule;
  readonly #startWallTime: number;

  constructor(schedule: Schedule, startWallTime: number) {
    this.#schedule = schedule;
    this.#startWallTime = startWallTime;
  }

  now(): number {
    return this.#schedule.now;
  }

  wallTime(): number {
    return Math.floor(this.#startWallTime + this.#schedule.now + this.wallOffsetMs);
  }

  setTimer(delay: number, callback: () => void): ClockTimer {
    const schedule = this.#schedule;
    if (delay === Infinity) return never;
    const event = schedule.after(delay, callback);
    return {
      cancel: () => schedule.cancel(event),
      ref: () => schedule.want(event, true),
      unref: () => schedule.want(event, false),
    };
  }

  soon(callback: () => void): void {
    this.#schedule.soon(callback);
  }
}

/** A timer that is set for Infinity. */
const never: ClockTimer = { cancel() {}, ref() {}, unref() {} };
