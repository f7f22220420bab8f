import type { Clock, ClockTimer } from './types/udp.js';

/**
 * The timer for the engine's next deadline, re-armed only when the deadline moved forward: one that fires too early costs one look; moving it at
 * every packet would cost more.
 */
export class DeadlineTimer {
  readonly #clock: Clock;
  readonly #next: () => number;
  readonly #expired: (now: number, deadline: number) => void;
  #timer: ClockTimer | undefined;
  #deadline = Infinity;
  #keepAlive = false;
  #stopped = false;

  /**
   * @param next the deadline as it is now; Infinity: none
   * @param expired called when it has passed
   */
  constructor(clock: Clock, next: () => number, expired: (now: number, deadline: number) => void) {
    this.#clock = clock;
    this.#next = next;
    this.#expired = expired;
  }

  /** Whether the timer keeps the process alive. */
  setKeepAlive(keepAlive: boolean): void {
    if (keepAlive === this.#keepAlive) return;
    this.#keepAlive = keepAlive;
    if (keepAlive) this.#timer?.ref();
    else this.#timer?.unref();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  rearm(): void {
    const deadline = this.#next();
    if (deadline >= this.#deadline || this.#stopped) return;
    this.#timer?.cancel();
    this.#arm(deadline);
  }

  #arm(deadline: number): void {
    this.#deadline = deadline;
    if (deadline === Infinity) {
      this.#timer = undefined;
      return;
    }
    this.#timer = this.#clock.setTimer(Math.max(0, deadline - this.#clock.now()), this.#fired);
    if (!this.#keepAlive) this.#timer.unref();
  }

  readonly #fired = (): void => {
    this.#timer = undefined;
    this.#deadline = Infinity;
    if (this.#stopped) return;
    const now = this.#clock.now();
    const deadline = this.#next();
    if (deadline > now) this.#arm(deadline);
    else this.#expired(now, deadline);
  };
}
