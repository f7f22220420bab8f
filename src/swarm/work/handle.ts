/** A task as its submitter holds it. */

import { EventEmitter } from 'node:events';
import { SwarmError, type SwarmErrorCode } from '../errors.js';
import { codeOf } from '../wire/error-codes.js';

/** What happens to a task. */
export type TaskEvent =
  | { readonly type: 'assigned'; readonly agent: string; readonly attempt: number }
  /** The attempt is over and the task is not: it is given to an agent again, after `delay` milliseconds. */
  | { readonly type: 'requeued'; readonly attempt: number; readonly reason: string; readonly delay: number }
  | { readonly type: 'progress'; readonly value: unknown }
  /** A part of the result. After `requeued` parts come again from the beginning. */
  | { readonly type: 'partial'; readonly value: unknown };

/** Events of {@link TaskHandle}: those of the task, and `settled` when it is over. */
export interface TaskHandleEvents {
  event: [event: TaskEvent];
  settled: [];
}

/** Events that wait for a slow `for await` before the sender is made to wait. */
const HIGH_WATER = 64;

/**
 * A task that was submitted. `result` settles exactly once, whatever happens to agents and coordinators meanwhile. `for await` over the
 * handle gives its events until it is over.
 */
export class TaskHandle extends EventEmitter<TaskHandleEvents> implements AsyncIterable<TaskEvent> {
  /** Names the task in the swarm. */
  id: string;
  readonly capability: string;
  /** What the task came to. @throws SwarmError `ERR_SWARM_TASK_FAILED`, `_DEAD`, `_CANCELLED`, `_DEADLINE`, `_UNKNOWN`, `ERR_SWARM_CLOSED` */
  readonly result: Promise<unknown>;
  readonly #cancel: (reason: string) => Promise<boolean>;
  #resolve: (value: unknown) => void = () => undefined;
  #reject: (error: SwarmError) => void = () => undefined;
  #isSettled = false;
  #queue: TaskEvent[] | undefined;
  #wakeReader: () => void = () => undefined;
  readonly #waitingWriters: (() => void)[] = [];

  /** @internal Made by `submit`. */
  constructor(id: string, capability: string, cancel: (reason: string) => Promise<boolean>) {
    super();
    this.id = id;
    this.capability = capability;
    this.#cancel = cancel;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever does not ask for the result is not to be ended by it.
    this.result.catch(() => undefined);
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Cancels the task; resolves to whether that came in time. Then `result` rejects with `ERR_SWARM_TASK_CANCELLED`. */
  cancel(reason = 'its submitter does not want it any more'): Promise<boolean> {
    return this.#isSettled ? Promise.resolve(false) : this.#cancel(reason);
  }

  /** @internal Tells of an event; the promise is the backpressure of a slow `for await`. */
  tell(event: TaskEvent): Promise<void> | undefined {
    this.#emit(() => this.emit('event', event));
    if (!this.#queue) return undefined;
    this.#queue.push(event);
    this.#wakeReader();
    if (this.#queue.length < HIGH_WATER) return undefined;
    return new Promise((resolve) => {
      this.#waitingWriters.push(resolve);
    });
  }

  /** @internal */
  succeed(value: unknown): void {
    this.#settle(() => this.#resolve(value));
  }

  /** @internal */
  fail(error: SwarmError): void {
    this.#settle(() => this.#reject(error));
  }

  #settle(how: () => void): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    how();
    this.#emit(() => this.emit('settled'));
    this.#wakeReader();
    this.#wakeWriters();
  }

  /** A listener that throws ends nothing of the task's: the error is nobody's, as those of all listeners. */
  #emit(emit: () => void): void {
    try {
      emit();
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  #wakeWriters(): void {
    for (const wake of this.#waitingWriters.splice(0)) wake();
  }

  /** Events from now on, until the task is over. One loop at a time. */
  async *[Symbol.asyncIterator](): AsyncGenerator<TaskEvent, void, undefined> {
    const queue: TaskEvent[] = [];
    this.#queue = queue;
    try {
      for (;;) {
        const event = queue.shift();
        if (event) {
          if (queue.length < HIGH_WATER) this.#wakeWriters();
          yield event;
        } else if (this.#isSettled) {
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wakeReader = resolve;
          });
        }
      }
    } finally {
      if (this.#queue === queue) this.#queue = undefined;
      this.#wakeWriters();
    }
  }
}

/** The error of a task that ended without a result. */
export function taskError(code: string, message: string): SwarmError {
  const known: SwarmErrorCode = codeOf(code, 'ERR_SWARM_TASK_FAILED');
  return new SwarmError(known, message, { remote: true });
}
