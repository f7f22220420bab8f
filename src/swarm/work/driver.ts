/**
 * Drives the task scheduler: makes durable what it decides, only then has it done, and calls it again when its next time has come. Batches
 * are done in the order in which they were decided, however long the store takes for each; after a failure of the store nothing is done
 * any more.
 */

import type { ClockTimer } from '../../quic/index.js';
import { SwarmError } from '../errors.js';
import type { MemberCore } from '../member-core.js';
import { TaskScheduler, type SchedulerAction, type SchedulerLimits } from '../tasks/index.js';
import type { TaskStore } from './task-store.js';

/** Milliseconds between two reports of how many tasks agents have. */
const LOAD_REPORTS = 250;

/** Numbers of tasks that agents have. */
export type Loads = readonly { readonly id: string; readonly load: number }[];

/** Whom the driver tells. */
export interface DriverListener {
  /** To be done now. */
  perform(action: SchedulerAction): void;
  loads(loads: Loads): void;
  /** Nothing can be promised any more. */
  storeFailed(error: SwarmError): void;
}

export class TaskDriver {
  readonly scheduler: TaskScheduler;
  readonly #core: MemberCore;
  readonly #store: TaskStore;
  readonly #listener: DriverListener;
  /** Wall time when the core's clock stood at zero: the wall clock may be set, and durations must not notice. */
  readonly #epoch: number;
  #awake = false;
  /** Everything decided so far has been made durable, and done, when this resolves. */
  #settled: Promise<unknown> = Promise.resolve();
  #failure: SwarmError | undefined;
  #timer: ClockTimer | undefined;
  #timerDue = Number.POSITIVE_INFINITY;
  #loadTimer: ClockTimer | undefined;
  #stopped = false;

  constructor(core: MemberCore, store: TaskStore, limits: Partial<SchedulerLimits>, listener: DriverListener) {
    this.#core = core;
    this.#store = store;
    this.#listener = listener;
    this.#epoch = core.clock.wallTime() - core.clock.now();
    this.scheduler = new TaskScheduler({ now: this.now(), random: Math.random, limits });
  }

  /** Wall time, as the scheduler and the store have it: whole milliseconds. */
  now(): number {
    return Math.floor(this.#epoch + this.#core.clock.now());
  }

  /** Takes up what the store has of an earlier life. @throws SwarmError `ERR_SWARM_STORE` */
  async restore(): Promise<void> {
    this.scheduler.restore(await this.#store.records(), this.now());
    await this.flush();
  }

  /** Has what the scheduler wants done at the end of this turn: what comes together is kept together. */
  wake(): void {
    if (this.#awake || this.#stopped) return;
    this.#awake = true;
    queueMicrotask(() => this.#drain());
  }

  /** Resolves when everything decided so far is durable and done. @throws SwarmError `ERR_SWARM_STORE` */
  async flush(): Promise<void> {
    this.#drain();
    await this.#settled;
  }

  #drain(): void {
    this.#awake = false;
    if (this.#stopped || this.#failure) return;
    const actions = this.scheduler.take();
    this.#arm();
    if (actions.length === 0) return;
    const settled = Promise.all([this.#settled, this.#store.keep(actions)]).then(
      () => this.#perform(actions),
      (error: unknown) => {
        throw this.#failed(error);
      },
    );
    settled.catch(() => undefined); // Told by `storeFailed`, and to all who flush.
    this.#settled = settled;
  }

  #perform(actions: readonly SchedulerAction[]): void {
    for (const action of actions) {
      try {
        this.#listener.perform(action);
      } catch (error) {
        this.#core.onError(error, `action ${action.kind} of a task`);
      }
    }
    this.#reportLoads();
  }

  /** A store that fails keeps nothing: going on would lose tasks that somebody was told are safe. */
  #failed(error: unknown): SwarmError {
    if (this.#failure) return this.#failure;
    const words = error instanceof Error ? error.message : String(error);
    this.#failure = SwarmError.isSwarmError(error)
      ? error
      : new SwarmError('ERR_SWARM_STORE', `The store of tasks failed: ${words}`, { cause: error });
    this.#core.onError(error, 'the store of tasks');
    this.#listener.storeFailed(this.#failure);
    return this.#failure;
  }

  #reportLoads(): void {
    if (this.#loadTimer || this.#stopped) return;
    this.#loadTimer = this.#core.clock.setTimer(LOAD_REPORTS, () => {
      this.#loadTimer = undefined;
      this.#listener.loads(this.scheduler.agents().map(({ id, assigned }) => ({ id, load: assigned })));
    });
    this.#loadTimer.unref();
  }

  #arm(): void {
    const due = this.scheduler.nextTimeout() ?? Number.POSITIVE_INFINITY;
    if (due === this.#timerDue && this.#timer) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerDue = due;
    if (due === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#core.clock.setTimer(Math.max(0, due - this.now()), () => {
      this.#timer = undefined;
      this.#timerDue = Number.POSITIVE_INFINITY;
      this.scheduler.handleTimeout(this.now());
      this.wake();
      this.#arm();
    });
    this.#timer.unref();
  }

  /** Does what was decided, and nothing after that. Never rejects. */
  async stop(): Promise<void> {
    await this.flush().catch(() => undefined);
    this.#stopped = true;
    this.#timer?.cancel();
    this.#loadTimer?.cancel();
  }
}
