/** An exchange that this member has begun: values out, values in, one QUIC stream. */

import { SwarmError } from '../errors.js';
import { Deadline, type Deadlines } from '../link/deadlines.js';
import { STEP, type FrameStream } from '../link/frame-stream.js';
import { STREAM_CODE } from '../wire/codes.js';
import { outgoing, valueAt, valueOf } from './values.js';

/** Ends an exchange early: a deadline, a signal, or both. */
export interface ExchangeLimits {
  /** Milliseconds for the whole exchange; 0: no deadline. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A conversation with a handler of another agent: values in both directions, each with backpressure. Ending the loop over it early,
 * or `cancel`, reaches the other side as a reset of the stream.
 */
export class SwarmExchange implements AsyncIterable<unknown>, AsyncDisposable {
  /** The agent at the other end. */
  readonly agent: string;
  readonly #stream: FrameStream;
  readonly #guard: Guard;
  #ended = false;
  #error: unknown;

  /** @internal Made by `stream` of a member. */
  constructor(agent: string, stream: FrameStream, deadlines: Deadlines, limits: ExchangeLimits) {
    this.agent = agent;
    this.#stream = stream;
    this.#guard = new Guard(deadlines, limits, agent, this);
  }

  /** Sends a value; resolves when it is accepted into a bounded buffer: wait for it before the next. @throws SwarmError */
  async write(value: unknown): Promise<void> {
    if (this.#error) throw this.#error as Error;
    const frame = outgoing(value);
    try {
      await this.#stream.writeFrame(frame);
    } catch (error) {
      throw this.#error ?? error;
    }
  }

  /** Sends no more; values can still come. */
  end(): void {
    this.#stream.finish();
  }

  /** Gives up both directions; the handler's signal aborts. No effect once it has ended. */
  cancel(): void {
    if (this.#ended) return;
    this.giveUp(
      new SwarmError('ERR_SWARM_CANCELLED', `The exchange with ${this.agent} was cancelled here`),
      STREAM_CODE.cancelled,
    );
  }

  /** @internal */
  giveUp(error: unknown, code: number): void {
    if (this.#ended) return;
    this.#error ??= error;
    this.#settle();
    this.#stream.cancel(code);
  }

  /** The next value; `done` at the end. @throws SwarmError */
  async next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#error) throw this.#error as Error;
    if (this.#ended) return { done: true, value: undefined };
    try {
      const frame = await this.#stream.read();
      if (frame) return { done: false, value: valueOf(frame, this.agent) };
      this.#settle();
      return { done: true, value: undefined };
    } catch (error) {
      this.#error ??= error;
      this.#settle();
      this.#stream.cancel(STREAM_CODE.done);
      throw this.#error;
    }
  }

  #settle(): void {
    this.#ended = true;
    this.#guard.stop();
  }

  /** Values of the other side until it ends; leaving the loop early cancels. */
  async *[Symbol.asyncIterator](): AsyncGenerator<unknown, void, undefined> {
    try {
      for (let step = await this.next(); !step.done; step = await this.next()) yield step.value;
    } finally {
      this.cancel();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cancel();
  }
}

/**
 * Waits for the one value that answers a request. The deadline, and the signal, end it.
 *
 * @throws nothing: the promise rejects
 */
export function readReply(
  agent: string,
  stream: FrameStream,
  deadlines: Deadlines,
  limits: ExchangeLimits,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    new Reply(agent, stream, deadlines, limits, resolve, reject);
  });
}

class Reply {
  readonly #agent: string;
  readonly #stream: FrameStream;
  readonly #guard: Guard;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;
  #value: unknown;
  #hasValue = false;

  constructor(
    agent: string,
    stream: FrameStream,
    deadlines: Deadlines,
    limits: ExchangeLimits,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.#agent = agent;
    this.#stream = stream;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#guard = new Guard(deadlines, limits, agent, this);
    stream.onFrames = this;
    this.framesReady();
  }

  framesReady(): void {
    try {
      for (;;) {
        const step = this.#stream.step();
        if (step === STEP.pending) return;
        if (step === STEP.end) break;
        const value = valueAt(this.#stream, this.#agent);
        if (this.#hasValue) throw tooMany(this.#agent);
        this.#value = value;
        this.#hasValue = true;
      }
      this.#settle();
      this.#resolve(this.#value);
    } catch (error) {
      this.giveUp(error, STREAM_CODE.done);
    }
  }

  #settle(): void {
    this.#guard.stop();
    this.#stream.onFrames = undefined;
  }

  giveUp(error: unknown, code: number): void {
    this.#settle();
    this.#stream.cancel(code);
    this.#reject(error);
  }
}

function tooMany(agent: string): SwarmError {
  return new SwarmError(
    'ERR_SWARM_PROTOCOL',
    `${agent} answers with more than one value; use stream() for a handler that yields several`,
    { remote: true },
  );
}

/** What a {@link Guard} ends early. */
interface Guarded {
  giveUp(error: unknown, code: number): void;
}

/** Gives an exchange up at its deadline, or when its signal aborts, until it is stopped. */
class Guard extends Deadline {
  readonly #deadlines: Deadlines;
  readonly #agent: string;
  readonly #timeout: number;
  readonly #guarded: Guarded;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: (() => void) | undefined;

  constructor(deadlines: Deadlines, { timeout, signal }: ExchangeLimits, agent: string, guarded: Guarded) {
    super();
    this.#deadlines = deadlines;
    this.#agent = agent;
    this.#timeout = timeout;
    this.#guarded = guarded;
    this.#signal = signal;
    if (timeout > 0) deadlines.add(timeout, this);
    if (signal) {
      this.#onAbort = (): void => guarded.giveUp(signal.reason, STREAM_CODE.cancelled);
      signal.addEventListener('abort', this.#onAbort, { once: true });
    }
  }

  override expire(): void {
    const words = `${this.#agent} has not answered within ${this.#timeout} ms`;
    this.#guarded.giveUp(new SwarmError('ERR_SWARM_TIMEOUT', words), STREAM_CODE.timeout);
  }

  stop(): void {
    this.#deadlines.remove(this);
    if (this.#onAbort) this.#signal?.removeEventListener('abort', this.#onAbort);
  }
}
