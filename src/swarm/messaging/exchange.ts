/** An exchange that this member has begun: values out, values in, one QUIC stream. */

import type { Clock } from '../../quic/index.js';
import { SwarmError } from '../errors.js';
import { PENDING, type FrameStream } from '../link/frame-stream.js';
import { STREAM_CODE } from '../wire/codes.js';
import { frameOf, valueOf } from './values.js';

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
  readonly #stop: () => void;
  #ended = false;
  #error: unknown;

  /** @internal Made by `stream` of a member. */
  constructor(agent: string, stream: FrameStream, clock: Clock, limits: ExchangeLimits) {
    this.agent = agent;
    this.#stream = stream;
    this.#stop = arm(clock, limits, agent, (error, code) => this.#giveUp(error, code));
  }

  /** Sends a value; resolves when it is accepted into a bounded buffer: wait for it before the next. @throws SwarmError */
  async write(value: unknown): Promise<void> {
    if (this.#error) throw this.#error as Error;
    const { kind, payload } = frameOf(value);
    try {
      await this.#stream.write(kind, payload);
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
    this.#giveUp(
      new SwarmError('ERR_SWARM_CANCELLED', `The exchange with ${this.agent} was cancelled here`),
      STREAM_CODE.cancelled,
    );
  }

  #giveUp(error: unknown, code: number): void {
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
    this.#stop();
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

/** Reads the one value that answers a request. */
export function readReply(agent: string, stream: FrameStream, clock: Clock, limits: ExchangeLimits): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let value: unknown;
    let values = 0;
    const fail = (error: unknown, code: number): void => {
      stop();
      stream.onFrames = undefined;
      stream.cancel(code);
      reject(error);
    };
    const stop = arm(clock, limits, agent, fail);
    const look = (): void => {
      try {
        for (;;) {
          const frame = stream.poll();
          if (frame === PENDING) return;
          if (frame) {
            value = valueOf(frame, agent);
            if (++values > 1) {
              throw new SwarmError(
                'ERR_SWARM_PROTOCOL',
                `${agent} answers with more than one value; use stream() for a handler that yields several`,
                { remote: true },
              );
            }
            continue;
          }
          stop();
          stream.onFrames = undefined;
          resolve(value);
          return;
        }
      } catch (error) {
        fail(error, STREAM_CODE.done);
      }
    };
    stream.onFrames = look;
    look();
  });
}

function arm(
  clock: Clock,
  { timeout, signal }: ExchangeLimits,
  agent: string,
  giveUp: (error: unknown, code: number) => void,
): () => void {
  const timer =
    timeout > 0
      ? clock.setTimer(timeout, () =>
          giveUp(
            new SwarmError('ERR_SWARM_TIMEOUT', `${agent} has not answered within ${timeout} ms`),
            STREAM_CODE.timeout,
          ),
        )
      : undefined;
  const onAbort = (): void => giveUp(signal?.reason, STREAM_CODE.cancelled);
  signal?.addEventListener('abort', onAbort, { once: true });
  return () => {
    timer?.cancel();
    signal?.removeEventListener('abort', onAbort);
  };
}
