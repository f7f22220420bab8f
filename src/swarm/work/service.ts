/** Tasks at the coordinator: what the scheduler decides is done here, agents and submitters are told. */

import type { Clock, ClockTimer } from '../../quic/index.js';
import type { SwarmError } from '../errors.js';
import type { MemberCore } from '../member-core.js';
import type { ViewEvent } from '../membership/view.js';
import type { SchedulerAction, SchedulerLimits, TaskScheduler } from '../tasks/index.js';
import type { SwarmStore } from '../store/store.js';
import { Attempts, type AttemptReports } from './attempts.js';
import { TaskDriver, type Loads } from './driver.js';
import { TaskHandle } from './handle.js';
import { TaskIntake, endWatch } from './intake.js';
import { pack } from './messages.js';
import { requestOf, type SubmitOptions } from './options.js';
import { TaskStore } from './task-store.js';
import { HandleWatcher, WatchList } from './watchers.js';
import type { Worker } from './worker.js';

export class TaskService {
  readonly #core: MemberCore;
  readonly #driver: TaskDriver;
  readonly #attempts: Attempts;
  readonly #watchers = new WatchList();
  readonly #intake: TaskIntake;
  /** Called with the numbers of tasks that agents have, now and then. */
  onLoad: (loads: Loads) => void = () => undefined;
  /** Called when the store has failed. */
  onStoreFailure: (error: SwarmError) => void = () => undefined;

  private constructor(core: MemberCore, store: SwarmStore, worker: Worker, limits: Partial<SchedulerLimits>) {
    this.#core = core;
    const taskStore = new TaskStore(store);
    this.#driver = new TaskDriver(core, taskStore, limits, {
      perform: (action) => this.#perform(action),
      loads: (loads) => this.onLoad(loads),
      storeFailed: (error) => this.onStoreFailure(error),
    });
    this.#attempts = new Attempts(core, taskStore, worker, this.#reports());
    this.#intake = new TaskIntake(core, this.#driver, taskStore, this.#watchers);
  }

  /** Takes up what the store has of an earlier life. @throws SwarmError `ERR_SWARM_STORE` */
  static async open(
    core: MemberCore,
    store: SwarmStore,
    worker: Worker,
    limits: Partial<SchedulerLimits>,
  ): Promise<TaskService> {
    const service = new TaskService(core, store, worker, limits);
    await service.#driver.restore();
    service.#intake.start();
    return service;
  }

  get scheduler(): TaskScheduler {
    return this.#driver.scheduler;
  }

  #reports(): AttemptReports {
    const driver = this.#driver;
    return {
      progress: (id, attempt, news) =>
        driver.scheduler.progress(driver.now(), id, attempt) ? this.#watchers.tell(id, news) : undefined,
      completed: (id, attempt, result) => {
        driver.scheduler.completed(driver.now(), id, attempt, result);
        driver.wake();
      },
      failed: (id, attempt, failure) => {
        driver.scheduler.failed(driver.now(), id, attempt, failure);
        driver.wake();
      },
      rejected: (id, attempt) => {
        driver.scheduler.rejected(driver.now(), id, attempt);
        driver.wake();
      },
    };
  }

  /** The membership has changed. */
  membersChanged(events: readonly ViewEvent[]): void {
    const { scheduler } = this.#driver;
    const now = this.#driver.now();
    for (const event of events) {
      const { id, incarnation, capabilities, concurrency, awaited } = event.member;
      // Who is awaited gets no tasks: there is no connection to give them over.
      if (awaited) continue;
      const isHere = event.type === 'joined' || (event.type === 'changed' && event.before.awaited === true);
      if (isHere) scheduler.agentJoined(now, { id, incarnation, capabilities, concurrency });
      else if (event.type === 'left') scheduler.agentLeft(now, id, incarnation, event.reason);
      else if (event.before.capabilities !== capabilities || event.before.concurrency !== concurrency) {
        scheduler.agentChanged(now, { id, incarnation, capabilities, concurrency });
      }
    }
    this.#driver.wake();
  }

  /** Submits from this process. @throws SwarmError; the signal's reason */
  async submit(options: SubmitOptions): Promise<TaskHandle> {
    this.#core.assertOpen();
    const { signal, capability } = options;
    signal?.throwIfAborted();
    const { request, payload } = requestOf(options);
    const handle: TaskHandle = new TaskHandle(request.id, capability, (reason) => this.cancel(handle.id, reason));
    const onAbort = (): void => {
      this.cancel(handle.id, 'its signal was aborted').catch(() => undefined);
    };
    const stopListening = (): void => signal?.removeEventListener('abort', onAbort);
    signal?.addEventListener('abort', onAbort);
    handle.once('settled', stopListening);
    try {
      handle.id = await this.#intake.accept({
        submitter: this.#core.id,
        capability,
        request,
        payload: pack(payload),
        watcher: new HandleWatcher(handle, this.#core.id),
        signal,
      });
      return handle;
    } catch (error) {
      stopListening();
      throw error;
    }
  }

  /** Whose task this is, also one that stands in line still. */
  submitterOf(id: string): string | undefined {
    return this.scheduler.get(id)?.spec.submitter ?? this.#intake.submitterInLine(id);
  }

  /** Cancels a task; false when it is over or unknown. */
  async cancel(id: string, reason: string): Promise<boolean> {
    if (this.#intake.cancel(id, reason)) return true;
    const cancelled = this.scheduler.cancel(this.#driver.now(), id, reason);
    if (cancelled) await this.#driver.flush();
    return cancelled;
  }

  /** Puts a dead letter back in the queue. */
  async retryDead(id: string): Promise<boolean> {
    const revived = this.scheduler.retryDead(this.#driver.now(), id);
    if (revived) await this.#driver.flush();
    return revived;
  }

  #perform(action: SchedulerAction): void {
    switch (action.kind) {
      case 'save':
      case 'forgotten':
        break;
      case 'assign':
        void this.#watchers.tell(action.id, ['assigned', action.agent, action.attempt]);
        this.#attempts.begin(action, this.#driver.now());
        break;
      case 'revoke':
        this.#attempts.revoke(action.id, action.attempt);
        break;
      case 'requeued':
        void this.#watchers.tell(action.id, ['requeued', action.attempt, action.reason, action.delay]);
        break;
      case 'settled':
        for (const watcher of this.#watchers.take(action.id)) {
          this.#watchers.delivering(endWatch(watcher, action.id, action.record, action.result));
        }
        break;
      case 'room':
        this.#intake.room(action.id);
        break;
    }
  }

  /**
   * Ends: what is under way here is told that the swarm is closed; the store has what it takes to go on. Waits, `timeout` milliseconds at
   * most, until submitters have the results that were on their way.
   */
  async stop(error: SwarmError, timeout: number): Promise<void> {
    this.#intake.stop(error);
    await this.#driver.stop();
    await within(this.#core.clock, timeout, this.#watchers.delivered());
    for (const watcher of this.#watchers.takeAll()) {
      if (watcher instanceof HandleWatcher) watcher.end(['ended', error.code, error.message], undefined);
    }
  }
}

async function within(clock: Clock, timeout: number, promise: Promise<void>): Promise<void> {
  let timer: ClockTimer | undefined;
  const late = new Promise<void>((resolve) => {
    timer = clock.setTimer(timeout, resolve);
  });
  await Promise.race([promise, late]);
  timer?.cancel();
}
