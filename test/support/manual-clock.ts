import type { Clock, ClockTimer } from '../../src/quic/types/udp.js';

interface Timer {
  at: number;
  callback: () => void;
}

/** Time that stands still until the test moves it; `soon` is the event loop's own. */
export class ManualClock implements Clock {
  #now = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#now;
  }

  soon(callback: () => void): void {
    setImmediate(callback);
  }

  setTimer(delay: number, callback: () => void): ClockTimer {
    const timer = { at: this.#now + delay, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer), ref: () => undefined, unref: () => undefined };
  }

  /** Lets time pass, with the timers that are due in their order, and the event loop turn after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.callback();
      await turn();
    }
    this.#now = end;
    await turn();
  }
}

/** Long enough for `soon`, and for what is committed in it, to be over. */
export async function turn(): Promise<void> {
  for (let count = 0; count < 3; count += 1) await new Promise<void>((resolve) => void setImmediate(resolve));
}
