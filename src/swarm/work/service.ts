/**
 * The coordinator's driver of the task scheduler: it tells the scheduler what happens, makes durable what it decides, and only then does
 * it: gives tasks to agents, and tells submitters.
 */

import { SwarmError } from '../errors.js';
import { answerError } from '../link/errors.js';
import type { FrameStream } from '../link/frame-stream.js';
import type { MemberCore } from '../member-core.js';
import type { ViewEvent } from '../membership/view.js';
import {
  TaskScheduler,
  isFinished,
  type SchedulerAction,
  type SchedulerLimits,
  type TaskBackoff,
  type TaskRecord,
} from '../tasks/index.js';
import type { SwarmStore } from '../store/store.js';
import type { ExchangeHead } from '../wire/head.js';
import { Attempts, type AttemptReports } from './attempts.js';
import { TaskHandle } from './handle.js';
import { pack, parsed, readValueFrame, taskRequest, type TaskNews, type TaskRequest } from './messages.js';
import { requestOf, type SubmitOptions } from './options.js';
import { TaskStore } from './task-store.js';
import { HandleWatcher, StreamWatcher, type TaskWatcher } from './watchers.js';
import type { Worker } from './worker.js';
import type { ClockTimer } from '../../quic/index.js';

export class TaskService {
  readonly scheduler: TaskScheduler;
  readonly #core: MemberCore;
  readonly #store: TaskStore;
  readonly #attempts: Attempts;
  readonly #watchers = new Map<string, Set<TaskWatcher>>();
  /** Called with the numbers of tasks that agents have, now and then. */
  onLoad: (loads: readonly { readonly id: string; readonly load: number }[]) => void = () => undefined;
  /** Submitters that stand in line, by the id of their task. */
  readonly #parked = new Map<string, () => void>();
  #draining = false;
  /** Everything decided so far has been made durable, and done, when this resolves. */
  #settled: Promise<void> = Promise.resolve();
  #timer: ClockTimer | undefined;
  #timerDue = Number.POSITIVE_INFINITY;
  #stopped = false;

  private constructor(core: MemberCore, store: SwarmStore, worker: Worker, limits: Partial<SchedulerLimits>) {
    this.#core = core;
    this.#store = new TaskStore(store);
    this.scheduler = new TaskScheduler({ now: this.#now(), random: Math.random, limits });
    this.#attempts = new Attempts(core, this.#store, worker, this.#reports());
  }

  /** Takes up what the store has of an earlier life. */
  static async open(
    core: MemberCore,
    store: SwarmStore,
    worker: Worker,
    limits: Partial<SchedulerLimits>,
  ): Promise<TaskService> {
    const service = new TaskService(core, store, worker, limits);
    service.scheduler.restore(await service.#store.records(), service.#now());
    await service.flush();
    core.serve('submit', (head, stream) => service.#serveSubmit(head, stream));
    core.serve('attach', (head, stream) => service.#serveAttach(head, stream));
    return service;
  }

  #now(): number {
    return this.#core.clock.wallTime();
  }

  #reports(): AttemptReports {
    return {
      progress: (id, attempt, news) =>
        this.scheduler.progress(this.#now(), id, attempt) ? this.#tell(id, news) : undefined,
      completed: (id, attempt, result) => {
        this.scheduler.completed(this.#now(), id, attempt, result);
        this.#wake();
      },
      failed: (id, attempt, failure) => {
        this.scheduler.failed(this.#now(), id, attempt, failure);
        this.#wake();
      },
      rejected: (id, attempt) => {
        this.scheduler.rejected(this.#now(), id, attempt);
        this.#wake();
      },
    };
  }

  // Members.

  /** The membership has changed. */
  membersChanged(events: readonly ViewEvent[]): void {
    const now = this.#now();
    for (const event of events) {
      const { id, incarnation, capabilities, concurrency } = event.member;
      if (event.type === 'joined') this.scheduler.agentJoined(now, { id, incarnation, capabilities, concurrency });
      else if (event.type === 'left') this.scheduler.agentLeft(now, id, incarnation, event.reason);
      else if (event.before.capabilities !== capabilities || event.before.concurrency !== concurrency) {
        this.scheduler.agentChanged(now, { id, incarnation, capabilities, concurrency });
      }
    }
    this.#wake();
  }

  // Submitting.

  /** Submits from this process. @throws SwarmError */
  async submit(options: SubmitOptions): Promise<TaskHandle> {
    this.#core.assertOpen();
    options.signal?.throwIfAborted();
    const { request, payload } = requestOf(options);
    const handle = new TaskHandle(request.id, options.capability, (reason) => this.cancel(request.id, reason));
    const watcher = new HandleWatcher(handle, this.#core.id);
    const { signal } = options;
    const onAbort = (): void => void this.cancel(request.id, 'its signal was aborted');
    signal?.addEventListener('abort', onAbort, { once: true });
    handle.once('settled', () => signal?.removeEventListener('abort', onAbort));
    handle.id = await this.#accept(this.#core.id, options.capability, request, pack(payload), watcher, signal);
    return handle;
  }

  #serveSubmit(head: ExchangeHead, stream: FrameStream): void {
    this.#takeSubmit(head, stream).catch((error: unknown) => answerError(stream, error));
  }

  async #takeSubmit(head: ExchangeHead, stream: FrameStream): Promise<void> {
    this.#core.assertAllowed(head.from, 'submit', 'submit tasks');
    const request = parsed(taskRequest, await stream.read(), head.from);
    const payload = pack(await readValueFrame(stream, head.from));
    const gone = new AbortController();
    let name = request.id;
    const watcher = new StreamWatcher(stream, () => {
      gone.abort();
      this.#unwatch(name, watcher);
    });
    name = await this.#accept(head.from, head.name, request, payload, watcher, gone.signal);
  }

  /** Resolves, when the task is durable, to its id; it is another one where the idempotency key was known. */
  async #accept(
    submitter: string,
    capability: string,
    request: TaskRequest,
    payload: Uint8Array,
    watcher: TaskWatcher,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    const { id, wait, backoff, ...rest } = request;
    const spec = { ...rest, capability, payload, submitter, backoff: backoff as Partial<TaskBackoff> | undefined };
    for (;;) {
      const result = this.scheduler.submit(this.#now(), id, spec);
      this.#wake();
      if (result.status !== 'full') {
        this.#watch(result.id, watcher);
        await this.flush();
        await watcher.tell(['accepted', result.id, result.status === 'exists']);
        await this.#catchUp(result.id, watcher);
        return result.id;
      }
      if (!wait) {
        throw new SwarmError(
          'ERR_SWARM_QUEUE_FULL',
          `The queue holds ${this.scheduler.limits.maxQueued} tasks, or ${this.scheduler.limits.maxPayloadBytes} bytes, its limit; submit with wait, or later`,
        );
      }
      await this.#park(id, capability, payload.length, signal);
    }
  }

  /** Waits until there is room. */
  async #park(id: string, capability: string, size: number, signal: AbortSignal | undefined): Promise<void> {
    if (!this.scheduler.park(this.#now(), id, capability, size)) {
      throw new SwarmError(
        'ERR_SWARM_QUEUE_FULL',
        'The queue of tasks is full, and so is the line of those who wait for room; submit later',
      );
    }
    try {
      await new Promise<void>((resolve, reject) => {
        this.#parked.set(id, resolve);
        signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        this.#wake();
      });
    } catch (error) {
      this.scheduler.unpark(this.#now(), id);
      this.#wake();
      throw error;
    } finally {
      this.#parked.delete(id);
    }
  }

  #serveAttach(head: ExchangeHead, stream: FrameStream): void {
    try {
      const id = head.name;
      const record = this.scheduler.get(id);
      if (!record || record.spec.submitter !== head.from) throw unknownTask(id);
      const watcher = new StreamWatcher(stream, () => this.#unwatch(id, watcher));
      this.#watch(id, watcher);
      void this.#catchUp(id, watcher);
    } catch (error) {
      answerError(stream, error);
    }
  }

  // Watching.

  #watch(id: string, watcher: TaskWatcher): void {
    const watchers = this.#watchers.get(id);
    if (watchers) watchers.add(watcher);
    else this.#watchers.set(id, new Set([watcher]));
  }

  #unwatch(id: string, watcher: TaskWatcher): void {
    const watchers = this.#watchers.get(id);
    if (watchers?.delete(watcher) && watchers.size === 0) this.#watchers.delete(id);
  }

  /** Tells a new watcher how the task stands: its end, if it is over already. */
  async #catchUp(id: string, watcher: TaskWatcher): Promise<void> {
    const record = this.scheduler.get(id);
    if (record && !isFinished(record.state)) {
      const { agent } = record.attempts.at(-1) ?? {};
      if (record.state === 'assigned' && agent !== undefined) void watcher.tell(['assigned', agent, record.attempt]);
      return;
    }
    if (!this.#watchers.get(id)?.has(watcher)) return; // It has been told already.
    await this.#settled;
    this.#unwatch(id, watcher);
    if (!record) watcher.end(['ended', unknownTask(id).code, unknownTask(id).message], undefined);
    else this.#end(watcher, record, record.state === 'done' ? await this.#store.result(id) : undefined);
  }

  #tell(id: string, news: TaskNews): Promise<void> | undefined {
    const watchers = this.#watchers.get(id);
    if (!watchers) return undefined;
    let full: Promise<void> | undefined;
    for (const watcher of watchers) {
      const waits = watcher.tell(news);
      if (waits) full = full ? full.then(() => waits) : waits;
    }
    return full;
  }

  #end(watcher: TaskWatcher, record: TaskRecord, result: Uint8Array | undefined): void {
    if (record.state === 'done') watcher.end(['done'], result);
    else {
      const { code = 'ERR_SWARM_TASK_FAILED', message = `task ${record.id} ended as ${record.state}` } =
        record.error ?? {};
      watcher.end(['ended', code, message], undefined);
    }
  }

  /** Cancels a task; false when it is over or unknown. */
  async cancel(id: string, reason: string): Promise<boolean> {
    const parked = this.#parked.has(id);
    if (parked) this.scheduler.unpark(this.#now(), id);
    const cancelled = this.scheduler.cancel(this.#now(), id, reason);
    this.#wake();
    if (cancelled) await this.flush();
    return cancelled;
  }

  /** Puts a dead letter back in the queue. */
  async retryDead(id: string): Promise<boolean> {
    const revived = this.scheduler.retryDead(this.#now(), id);
    this.#wake();
    if (revived) await this.flush();
    return revived;
  }

  // Doing what the scheduler says.

  /** Has what the scheduler wants done at the end of this turn: what comes together is kept together. */
  #wake(): void {
    if (this.#draining || this.#stopped) return;
    this.#draining = true;
    queueMicrotask(() => this.#drain());
  }

  #drain(): void {
    this.#draining = false;
    if (this.#stopped) return;
    const actions = this.scheduler.take();
    this.#arm();
    if (actions.length === 0) return;
    const kept = this.#store.keep(actions);
    this.#settled = this.#settled
      .then(() => kept)
      .then(() => {
        for (const action of actions) this.#perform(action);
        this.#tellLoads();
      })
      .catch((error: unknown) => {
        // A store that fails keeps nothing: going on would lose tasks that somebody was told are safe.
        this.#core.onError(error, 'the store of tasks');
        this.onStoreFailure(error);
      });
  }

  /** Called when the store has failed. */
  onStoreFailure: (error: unknown) => void = () => undefined;

  /** Resolves when everything decided so far is durable and done. */
  async flush(): Promise<void> {
    this.#drain();
    await this.#settled;
  }

  #perform(action: SchedulerAction): void {
    switch (action.kind) {
      case 'save':
      case 'forgotten':
        break;
      case 'assign':
        void this.#tell(action.id, ['assigned', action.agent, action.attempt]);
        this.#attempts.begin(action, this.#now());
        break;
      case 'revoke':
        this.#attempts.revoke(action.id, action.attempt);
        break;
      case 'requeued':
        void this.#tell(action.id, ['requeued', action.attempt, action.reason, action.delay]);
        break;
      case 'settled': {
        const watchers = this.#watchers.get(action.id);
        this.#watchers.delete(action.id);
        for (const watcher of watchers ?? []) this.#end(watcher, action.record, action.result);
        break;
      }
      case 'room':
        this.#parked.get(action.id)?.();
        break;
    }
  }

  #loadTimer: ClockTimer | undefined;

  /** Tells of loads a few times a second at most. */
  #tellLoads(): void {
    if (this.#loadTimer || this.#stopped) return;
    this.#loadTimer = this.#core.clock.setTimer(250, () => {
      this.#loadTimer = undefined;
      this.onLoad(this.scheduler.agents().map(({ id, assigned }) => ({ id, load: assigned })));
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
    this.#timer = this.#core.clock.setTimer(Math.max(0, due - this.#now()), () => {
      this.#timer = undefined;
      this.#timerDue = Number.POSITIVE_INFINITY;
      this.scheduler.handleTimeout(this.#now());
      this.#wake();
      this.#arm();
    });
    this.#timer.unref();
  }

  /** Ends: what is under way here is told that the swarm is closed; the store has what it takes to go on. */
  async stop(error: SwarmError): Promise<void> {
    await this.flush();
    this.#stopped = true;
    this.#timer?.cancel();
    this.#loadTimer?.cancel();
    for (const watchers of this.#watchers.values()) {
      for (const watcher of watchers) {
        if (watcher instanceof HandleWatcher) watcher.end(['ended', error.code, error.message], undefined);
      }
    }
    this.#watchers.clear();
  }
}

function unknownTask(id: string): SwarmError {
  return new SwarmError(
    'ERR_SWARM_TASK_UNKNOWN',
    `The coordinator knows no task ${id} of this member: it never came, or it ended so long ago that it was forgotten`,
  );
}
