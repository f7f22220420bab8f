import { setImmediate as turnOfTheLoop, setTimeout as sleep } from 'node:timers/promises';

import { SimulationError } from './error.js';
import type { Schedule } from './schedule.js';

/** How long {@link SimNetwork.run} goes on. */
export interface RunOptions {
  /** Ends once this is true; asked whenever all that can happen without time passing has happened. */
  readonly until?: () => boolean;
  /** Ends after this much virtual time, in milliseconds. */
  readonly forMs?: number;
  /** Fails when `until` is not true within this much virtual time, in milliseconds. Default 600,000: ten minutes. */
  readonly limitMs?: number;
}

const DEFAULT_LIMIT_MS = 600_000;
/** Turns of the event loop without news after which nothing more is expected of promises. */
const QUIET_TURNS = 2;
/** Real time that work outside of the simulation (files, WebAssembly, key generation) gets when all else waits for it. */
const OUTSIDE_WORK_MS = 2_000;
/** So many things in one instant are an endless loop. */
const INSTANT_BOUND = 200_000;

/** Lets virtual time pass. */
export class Runner {
  readonly #schedule: Schedule;
  readonly #seed: number | string;
  readonly #describe: () => string;
  #running = false;

  /** @param describe the state of the simulation in words, for messages */
  constructor(schedule: Schedule, seed: number | string, describe: () => string) {
    this.#schedule = schedule;
    this.#seed = seed;
    this.#describe = describe;
  }

  async run(options: RunOptions): Promise<void> {
    if (this.#running) throw new Error('The simulation is running already: one run at a time');
    this.#running = true;
    try {
      if (options.until === undefined) await this.#runFor(options.forMs);
      else await this.#runUntil(options.until, options.forMs ?? Infinity, options.limitMs ?? DEFAULT_LIMIT_MS);
    } finally {
      this.#running = false;
    }
  }

  /** Without a time, until only timers are left that do not keep a process alive. */
  async #runFor(forMs: number | undefined): Promise<void> {
    const schedule = this.#schedule;
    const end = schedule.now + (forMs ?? Infinity);
    const watch = new InstantWatch();
    for (;;) {
      await this.#settle();
      const next = schedule.nextTime;
      if (forMs === undefined && !schedule.busy) return;
      if (next === undefined || next > end) {
        schedule.idleUntil(end);
        return;
      }
      this.#step(watch);
    }
  }

  async #runUntil(until: () => boolean, forMs: number, limitMs: number): Promise<void> {
    const schedule = this.#schedule;
    const start = schedule.now;
    const watch = new InstantWatch();
    for (;;) {
      await this.#settle();
      if (until()) return;
      const next = schedule.nextTime;
      if (forMs !== Infinity && (next === undefined || next > start + forMs)) {
        schedule.idleUntil(start + forMs);
        return;
      }
      if (next === undefined) {
        await this.#waitForOutside(until);
        continue;
      }
      if (next > start + limitMs) throw this.#failure(`The condition did not hold within ${limitMs} ms`);
      this.#step(watch);
    }
  }

  #step(watch: InstantWatch): void {
    this.#guard(() => this.#schedule.step());
    if (watch.endless(this.#schedule.now)) throw this.#failure('Time does not go on: one instant has no end');
  }

  /** Lets everything happen that needs no time: promises, and what the hosts want to do soon. */
  async #settle(): Promise<void> {
    const schedule = this.#schedule;
    const watch = new InstantWatch();
    for (let quiet = 0; quiet < QUIET_TURNS; ) {
      if (schedule.hasSoon) this.#guard(() => schedule.doSoon());
      await turnOfTheLoop();
      quiet = schedule.hasSoon ? 0 : quiet + 1;
      if (watch.endless(schedule.now))
        throw this.#failure('Time does not go on: something wants to be done soon forever');
    }
  }

  /** Nothing is left to happen in here; waits for what goes on outside, and fails when it brings nothing. */
  async #waitForOutside(until: () => boolean): Promise<void> {
    const end = performance.now() + OUTSIDE_WORK_MS;
    while (performance.now() < end) {
      await sleep(1);
      if (this.#schedule.nextTime !== undefined || this.#schedule.hasSoon || until()) return;
    }
    throw this.#failure('Nothing is left to happen, and the condition does not hold');
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (cause) {
      throw this.#failure(`A callback threw: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
    }
  }

  #failure(what: string, cause?: unknown): SimulationError {
    return new SimulationError(`${what} (${this.#describe()})`, this.#seed, this.#schedule.now, cause);
  }
}

/** Notices that time stands still. */
class InstantWatch {
  #instant = -1;
  #count = 0;

  /** Counts one more thing that happened at a time. */
  endless(now: number): boolean {
    this.#count = now === this.#instant ? this.#count + 1 : 0;
    this.#instant = now;
    return this.#count > INSTANT_BOUND;
  }
}
