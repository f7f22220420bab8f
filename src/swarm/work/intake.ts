/** Submissions as they come to the coordinator: accepted, put in line, refused; and their submitters, who want to know what becomes of them. */

import { SwarmError } from '../errors.js';
import { answerError } from '../link/errors.js';
import type { FrameStream } from '../link/frame-stream.js';
import type { MemberCore } from '../member-core.js';
import { isFinished, type TaskBackoff, type TaskRecord, type TaskSpec } from '../tasks/index.js';
import type { ExchangeHead } from '../wire/head.js';
import type { TaskDriver } from './driver.js';
import { pack, parsed, readValueFrame, taskRequest, type TaskNews, type TaskRequest } from './messages.js';
import type { TaskStore } from './task-store.js';
import { StreamWatcher, type TaskWatcher, type WatchList } from './watchers.js';

/** A task on its way in. */
export interface Submission {
  readonly submitter: string;
  readonly capability: string;
  readonly request: TaskRequest;
  /** As {@link pack} makes it. */
  readonly payload: Uint8Array;
  readonly watcher: TaskWatcher;
  /** Aborts when the submitter is gone, or does not want it any more. */
  readonly signal: AbortSignal | undefined;
}

/** A submitter in line. */
interface Parked {
  readonly submitter: string;
  readonly goOn: () => void;
  readonly giveUp: (error: unknown) => void;
}

export class TaskIntake {
  readonly #core: MemberCore;
  readonly #driver: TaskDriver;
  readonly #store: TaskStore;
  readonly #watchers: WatchList;
  /** Submitters that stand in line, by the id of their task. */
  readonly #parked = new Map<string, Parked>();

  constructor(core: MemberCore, driver: TaskDriver, store: TaskStore, watchers: WatchList) {
    this.#core = core;
    this.#driver = driver;
    this.#store = store;
    this.#watchers = watchers;
  }

  /** Answers submitters from now on. */
  start(): void {
    this.#core.serve('submit', (head, stream) => {
      this.#takeSubmit(head, stream).catch((error: unknown) => answerError(stream, error));
    });
    this.#core.serve('attach', (head, stream) => {
      this.#takeAttach(head, stream).catch((error: unknown) => answerError(stream, error));
    });
  }

  async #takeSubmit(head: ExchangeHead, stream: FrameStream): Promise<void> {
    this.#core.assertAllowed(head.from, 'submit', 'submit tasks');
    const request = parsed(taskRequest, await stream.read(), head.from);
    const payload = pack(await readValueFrame(stream, head.from));
    const gone = new AbortController();
    let id = request.id;
    const watcher = new StreamWatcher(stream, () => {
      gone.abort();
      this.#watchers.remove(id, watcher);
    });
    const { from: submitter, name: capability } = head;
    id = await this.accept({ submitter, capability, request, payload, watcher, signal: gone.signal });
  }

  async #takeAttach({ name: id, from }: ExchangeHead, stream: FrameStream): Promise<void> {
    if (this.#driver.scheduler.get(id)?.spec.submitter !== from) throw unknownTask(id);
    const watcher = new StreamWatcher(stream, () => this.#watchers.remove(id, watcher));
    await this.#follow(id, watcher);
  }

  /**
   * Resolves, when the task is durable, to its id; it is another one where the idempotency key was known.
   *
   * @throws SwarmError `ERR_SWARM_QUEUE_FULL`, `ERR_SWARM_INVALID_OPTION`, `ERR_SWARM_TOO_LARGE`, `ERR_SWARM_STORE`; the signal's reason
   */
  async accept(submission: Submission): Promise<string> {
    const { submitter, capability, request, payload, watcher, signal } = submission;
    const { id, wait, backoff, ...rest } = request;
    const spec: TaskSpec = { ...rest, capability, payload, submitter, backoff: backoff as Partial<TaskBackoff> };
    for (;;) {
      signal?.throwIfAborted();
      this.#core.assertOpen();
      const result = this.#driver.scheduler.submit(this.#driver.now(), id, spec);
      this.#driver.wake();
      if (result.status !== 'full') {
        await this.#driver.flush();
        void watcher.tell(['accepted', result.id, result.status === 'exists']);
        void this.#follow(result.id, watcher).catch((error: unknown) => this.#core.onError(error, `task ${result.id}`));
        return result.id;
      }
      if (!wait) throw this.#full();
      await this.#park(submission);
    }
  }

  #full(): SwarmError {
    const { maxQueued, maxPayloadBytes } = this.#driver.scheduler.limits;
    return new SwarmError(
      'ERR_SWARM_QUEUE_FULL',
      `The queue holds ${maxQueued} tasks, or ${maxPayloadBytes} bytes, its limit; submit with wait, or later`,
    );
  }

  /** Waits until there is room. */
  async #park({ submitter, capability, request: { id }, payload, signal }: Submission): Promise<void> {
    const { scheduler } = this.#driver;
    if (!scheduler.park(this.#driver.now(), id, capability, payload.length)) {
      throw new SwarmError(
        'ERR_SWARM_QUEUE_FULL',
        'The queue of tasks is full, and so is the line of those who wait for room; submit later',
      );
    }
    let onAbort: (() => void) | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#parked.set(id, { submitter, goOn: resolve, giveUp: reject });
        onAbort = () => reject(signal?.reason as Error);
        signal?.addEventListener('abort', onAbort);
        this.#driver.wake();
      });
    } catch (error) {
      scheduler.unpark(this.#driver.now(), id);
      this.#driver.wake();
      throw error;
    } finally {
      if (onAbort) signal?.removeEventListener('abort', onAbort);
      this.#parked.delete(id);
    }
  }

  /** It is this submitter's turn. */
  room(id: string): void {
    this.#parked.get(id)?.goOn();
  }

  /** Who waits in line with this task. */
  submitterInLine(id: string): string | undefined {
    return this.#parked.get(id)?.submitter;
  }

  /** Takes somebody out of the line; whether it stood there. */
  cancel(id: string, reason: string): boolean {
    const parked = this.#parked.get(id);
    const words = `Task ${id} was cancelled before it was accepted: ${reason}`;
    parked?.giveUp(new SwarmError('ERR_SWARM_TASK_CANCELLED', words));
    return parked !== undefined;
  }

  /** Tells a watcher how the task stands, and goes on telling it; its end, if it is over already. @throws SwarmError */
  async #follow(id: string, watcher: TaskWatcher): Promise<void> {
    const { scheduler } = this.#driver;
    this.#watchers.add(id, watcher);
    let record = scheduler.get(id);
    if (record && !isFinished(record.state)) {
      const { agent } = record.attempts.at(-1) ?? {};
      if (record.state === 'assigned' && agent !== undefined) void watcher.tell(['assigned', agent, record.attempt]);
      return;
    }
    await this.#driver.flush();
    if (!this.#watchers.remove(id, watcher)) return; // It was told meanwhile, or listens no more.
    record = scheduler.get(id);
    const result = record?.state === 'done' ? await this.#store.result(id) : undefined;
    this.#watchers.delivering(endWatch(watcher, id, record, result));
  }

  /** Nobody gets in any more. */
  stop(error: SwarmError): void {
    for (const { giveUp } of this.#parked.values()) giveUp(error);
  }
}

/** Tells a watcher how the task ended. */
export function endWatch(
  watcher: TaskWatcher,
  id: string,
  record: TaskRecord | undefined,
  result: Uint8Array | undefined,
): Promise<void> | undefined {
  if (record?.state === 'done' && result) return watcher.end(['done'], result);
  return watcher.end(endingOf(id, record), undefined);
}

function endingOf(id: string, record: TaskRecord | undefined): TaskNews {
  if (!record || record.state === 'done') return ['ended', unknownTask(id).code, unknownTask(id).message];
  const { code = 'ERR_SWARM_TASK_FAILED', message = `task ${id} ended as ${record.state}` } = record.error ?? {};
  return ['ended', code, message];
}

function unknownTask(id: string): SwarmError {
  return new SwarmError(
    'ERR_SWARM_TASK_UNKNOWN',
    `The coordinator knows no task ${id} of this member: it never came, or it ended so long ago that it was forgotten`,
  );
}
