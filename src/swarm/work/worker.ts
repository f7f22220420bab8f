/** The side of a task that does it: calls the handler of its capability, reports, and stops when told to. */

import { SwarmError } from '../errors.js';
import { answerError, wordsOf } from '../link/errors.js';
import type { FrameStream } from '../link/frame-stream.js';
import type { MemberCore } from '../member-core.js';
import { nothing, type ExchangeContext } from '../messaging/handlers.js';
import { frameOf, valueOf } from '../messaging/values.js';
import { encodeFrames, type Frame } from '../wire/frames.js';
import type { ExchangeHead } from '../wire/head.js';
import { newsFrame, parsed, readValueFrame, taskOrder, type TaskOrder } from './messages.js';

/** How an attempt ended. */
export type AttemptEnd =
  | { readonly kind: 'done'; readonly result: Frame }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly retry: boolean };

/** Where reports of an attempt go. */
export interface AttemptSink {
  progress(value: unknown): void;
  partial(value: unknown): Promise<void>;
}

export class Worker {
  readonly #core: MemberCore;
  readonly #concurrency: () => number;
  /** Attempts under way. */
  readonly #running = new Set<AbortController>();
  /** Handlers at work: also of attempts that were taken away, until they heed their signals. */
  #atWork = 0;
  done = 0;
  failed = 0;

  constructor(core: MemberCore, concurrency: () => number) {
    this.#core = core;
    this.#concurrency = concurrency;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Answers exchanges of type `task`. */
  serve(head: ExchangeHead, stream: FrameStream): void {
    this.#take(head, stream).catch((error: unknown) => answerError(stream, error));
  }

  async #take(head: ExchangeHead, stream: FrameStream): Promise<void> {
    const { coordinatorId } = this.#core;
    if (head.from !== coordinatorId || head.path.length > 1) {
      throw new SwarmError('ERR_SWARM_FORBIDDEN', 'Only the coordinator gives tasks');
    }
    const order = parsed(taskOrder, await stream.read(), head.from);
    const payload = await readValueFrame(stream, head.from);
    if (this.#atWork >= this.#concurrency()) {
      await stream.writeBytes(newsFrame(['rejected', `${this.#core.id} does ${this.#atWork} tasks already`]));
      stream.finish();
      return;
    }
    const controller = new AbortController();
    // A reset, or the loss of the connection: the coordinator gives the task to somebody else, or wants it no more.
    stream.stream.acknowledged.catch(() =>
      controller.abort(new SwarmError('ERR_SWARM_TASK_CANCELLED', `Task ${order.id} was taken away from this agent`)),
    );
    const sink: AttemptSink = {
      progress: (value) => {
        if (!controller.signal.aborted && stream.stream.stats().bytesPending === 0) {
          stream.writeBytes(newsFrame(['progress', value]))?.catch(() => undefined);
        }
      },
      partial: async (value) => {
        controller.signal.throwIfAborted();
        await stream.writeBytes(newsFrame(['partial', value]));
      },
    };
    const end = await this.run(head.name, order, payload, sink, controller);
    if (controller.signal.aborted) return;
    try {
      if (end.kind === 'done') await stream.writeBytes(encodeFrames(...doneFrames(end.result)));
      else await stream.writeBytes(newsFrame(['failed', end.code, end.message, end.retry]));
      stream.finish();
    } catch {
      // The coordinator is gone; it will give the task to somebody.
    }
  }

  /** Runs one attempt to its end. Never rejects. */
  async run(
    capability: string,
    order: TaskOrder,
    payload: Frame,
    sink: AttemptSink,
    controller: AbortController,
  ): Promise<AttemptEnd> {
    this.#running.add(controller);
    this.#atWork++;
    let answer: Promise<unknown> | undefined;
    const { signal } = controller;
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
    aborted.catch(() => undefined); // It may come when nobody waits any more.
    try {
      if (this.#core.inHand) await this.#core.inHand;
      signal.throwIfAborted();
      const handler = this.#core.handlers.get(capability, this.#core.id);
      const context = contextOf(capability, order, sink, signal);
      answer = Promise.resolve(handler(valueOf(payload, order.submitter), context)).then((value) =>
        isAsyncGenerator(value) ? drain(value, sink, signal) : value,
      );
      const result = await Promise.race([answer, aborted]);
      this.done++;
      return { kind: 'done', result: frameOf(result) };
    } catch (error) {
      this.failed++;
      const { code, message } = wordsOf(error);
      return { kind: 'failed', code, message, retry: code !== 'ERR_SWARM_TASK_FAILED' };
    } finally {
      this.#running.delete(controller);
      const atRest = (): void => void this.#atWork--;
      if (answer) answer.then(atRest, atRest);
      else atRest();
    }
  }

  /** Ends everything: the membership is over. */
  abort(reason: SwarmError): void {
    for (const controller of this.#running) controller.abort(reason);
  }
}

function doneFrames(result: Frame): Frame[] {
  return [frameOf(['done']), result];
}

function contextOf(capability: string, order: TaskOrder, sink: AttemptSink, signal: AbortSignal): ExchangeContext {
  return {
    from: order.submitter,
    name: capability,
    timeout: order.timeLeft,
    unreliable: false,
    signal,
    values: nothing(),
    task: {
      id: order.id,
      attempt: order.attempt,
      idempotencyKey: order.idempotencyKey,
      progress: (value) => sink.progress(value),
      partial: (value) => sink.partial(value),
    },
  };
}

function isAsyncGenerator(value: unknown): value is AsyncIterator<unknown, unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value && 'next' in value;
}

/** What a generator yields are partial results, what it returns is the result. */
async function drain(
  values: AsyncIterator<unknown, unknown>,
  sink: AttemptSink,
  signal: AbortSignal,
): Promise<unknown> {
  for (;;) {
    const step = await values.next();
    if (step.done) return step.value;
    try {
      await sink.partial(step.value);
      signal.throwIfAborted();
    } catch (error) {
      // Nobody wants it any more: the generator's `finally` runs.
      await values.return?.();
      throw error;
    }
  }
}
