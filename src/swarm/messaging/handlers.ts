/** Handlers of a member, and running them for exchanges that others have begun. */

import { SwarmError } from '../errors.js';
import { answerError } from '../link/errors.js';
import { STEP, type FrameStream } from '../link/frame-stream.js';
import { checkName, type ExchangeHead } from '../wire/head.js';
import { outgoing, valueAt, valueOf } from './values.js';
import type { TaskDetails } from './task-details.js';

/** What a handler is told beside the value. */
export interface ExchangeContext {
  /** Id of the agent that asks. */
  readonly from: string;
  readonly name: string;
  /** Milliseconds that were left when the exchange arrived; 0: no deadline. */
  readonly timeout: number;
  /** Whether it came as a QUIC datagram, by `notify`: unreliable, and nobody waits for an answer. */
  readonly unreliable: boolean;
  /** Aborts when the other side cancels, its deadline passes, or the connection is lost. */
  readonly signal: AbortSignal;
  /** Values that follow the first one, until the other side ends. */
  readonly values: AsyncIterable<unknown>;
  /** The task that this is about; `undefined` for all other exchanges. */
  readonly task?: TaskDetails | undefined;
}

/**
 * Answers one kind of exchange. What it returns is the answer: a value, a promise of one, or an async iterable (an async generator,
 * for example), whose values are streamed with backpressure. What it throws reaches the other side as `ERR_SWARM_HANDLER`.
 */
export type Handler = (value: unknown, context: ExchangeContext) => unknown;

/** Handlers by name. */
export type Handlers = Readonly<Record<string, Handler>>;

export class HandlerTable {
  readonly #handlers = new Map<string, Handler>();

  constructor(handlers: Handlers) {
    for (const [name, handler] of Object.entries(handlers)) this.set(name, handler);
  }

  set(name: string, handler: Handler): void {
    checkName('The name of a handler', name);
    if (typeof handler !== 'function') {
      throw new SwarmError('ERR_SWARM_INVALID_OPTION', `The handler ${name} must be a function`);
    }
    this.#handlers.set(name, handler);
  }

  delete(name: string): boolean {
    return this.#handlers.delete(name);
  }

  /** @throws SwarmError `ERR_SWARM_NO_HANDLER` */
  get(name: string, selfId: string): Handler {
    const handler = this.#handlers.get(name);
    if (handler) return handler;
    const known = [...this.#handlers.keys()].slice(0, 20).join(', ');
    throw new SwarmError(
      'ERR_SWARM_NO_HANDLER',
      `${selfId} has no handler ${name}; it has ${known === '' ? 'none' : known}`,
    );
  }
}

/** The context of an exchange over a stream. The signal is made when somebody looks at it. */
export class StreamContext implements ExchangeContext {
  readonly from: string;
  readonly name: string;
  readonly timeout: number;
  readonly unreliable = false;
  readonly #stream: FrameStream;
  #controller: AbortController | undefined;

  constructor(head: ExchangeHead, stream: FrameStream) {
    this.from = head.from;
    this.name = head.name;
    this.timeout = head.timeout;
    this.#stream = stream;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      const controller = new AbortController();
      this.#controller = controller;
      this.#stream.stream.acknowledged.catch((error: unknown) => controller.abort(error));
    }
    return this.#controller.signal;
  }

  get values(): AsyncIterable<unknown> {
    return readValues(this.#stream, this.from);
  }

  /** The exchange ended without the handler's doing. */
  abort(reason: unknown): void {
    this.#controller?.abort(reason);
  }
}

/** The context of a message or notification: nobody waits for an answer, so nothing can be cancelled. */
export class DetachedContext implements ExchangeContext {
  readonly from: string;
  readonly name: string;
  readonly timeout: number;
  readonly unreliable: boolean;
  #signal: AbortSignal | undefined;

  constructor(head: ExchangeHead, unreliable: boolean) {
    this.from = head.from;
    this.name = head.name;
    this.timeout = head.timeout;
    this.unreliable = unreliable;
  }

  get signal(): AbortSignal {
    this.#signal ??= new AbortController().signal;
    return this.#signal;
  }

  get values(): AsyncIterable<unknown> {
    return nothing();
  }
}

/** No values. */
export async function* nothing(): AsyncGenerator<unknown, void, undefined> {
  // A message holds one value.
}

/** Runs a handler for whose answer nobody waits; what it throws goes to `onError`. */
export function runDetached(
  handler: Handler,
  value: unknown,
  context: DetachedContext,
  onError: (error: unknown, where: string) => void,
): void {
  const failed = (error: unknown): void => onError(error, `handler ${context.name}`);
  try {
    const result = handler(value, context);
    if (result instanceof Promise) result.catch(failed);
  } catch (error) {
    failed(error);
  }
}

/** The rest of the values of a stream. */
export async function* readValues(stream: FrameStream, remote: string): AsyncGenerator<unknown, void, undefined> {
  for (let frame = await stream.read(); frame; frame = await stream.read()) yield valueOf(frame, remote);
}

/** The first value of a stream; `undefined` when it ends without one. @throws SwarmError */
export async function readFirst(stream: FrameStream, remote: string): Promise<unknown> {
  const frame = await stream.read();
  return frame && valueOf(frame, remote);
}

/** Who hears of handlers that fail. */
export interface HandlerHost {
  onError(error: unknown, context: string): void;
}

/** Runs a handler and sends what it answers. Never throws. Nothing is waited for that is there already. */
export function runHandler(handler: Handler, head: ExchangeHead, stream: FrameStream, host: HandlerHost): void {
  const context = new StreamContext(head, stream);
  try {
    const step = stream.step();
    if (step === STEP.pending) {
      void runLater(handler, head, stream, context, host);
      return;
    }
    const value = step === STEP.frame ? valueAt(stream, head.from) : undefined;
    const answer = callHandler(handler, value, context, host);
    if (isSimple(answer)) {
      if (answer === undefined) stream.finish();
      else stream.writeLastFrame(outgoing(answer))?.catch((error: unknown) => failed(error, stream, context));
    } else {
      void answerLater(answer, stream, context, host);
    }
  } catch (error) {
    failed(error, stream, context);
  }
}

function callHandler(handler: Handler, value: unknown, context: StreamContext, host: HandlerHost): unknown {
  try {
    return handler(value, context);
  } catch (error) {
    host.onError(error, `handler ${context.name}`);
    throw error;
  }
}

/** The exchange ends with an error. */
function failed(error: unknown, stream: FrameStream, context: StreamContext): void {
  context.abort(error);
  answerError(stream, error);
}

async function runLater(
  handler: Handler,
  head: ExchangeHead,
  stream: FrameStream,
  context: StreamContext,
  host: HandlerHost,
): Promise<void> {
  let answer: unknown;
  try {
    answer = callHandler(handler, await readFirst(stream, head.from), context, host);
  } catch (error) {
    failed(error, stream, context);
    return;
  }
  await answerLater(answer, stream, context, host);
}

/** Sends an answer that may be a promise, or many values. */
async function answerLater(
  given: unknown,
  stream: FrameStream,
  context: StreamContext,
  host: HandlerHost,
): Promise<void> {
  const onError = (error: unknown): void => host.onError(error, `handler ${context.name}`);
  try {
    let answer: unknown;
    try {
      answer = await given;
    } catch (error) {
      onError(error);
      throw error;
    }
    if (isAsyncIterable(answer)) await streamOut(answer, stream, onError);
    else if (answer !== undefined) {
      const full = stream.writeLastFrame(outgoing(answer));
      if (full) await full;
      return;
    }
    stream.finish();
  } catch (error) {
    failed(error, stream, context);
  }
}

/** Whether an answer is a value as it is: neither a promise of one nor a row of them. */
function isSimple(answer: unknown): boolean {
  if (typeof answer !== 'object' || answer === null) return typeof answer !== 'function';
  return !('then' in answer) && !isAsyncIterable(answer);
}

async function streamOut(
  values: AsyncIterable<unknown>,
  stream: FrameStream,
  onError: (error: unknown) => void,
): Promise<void> {
  const iterator = values[Symbol.asyncIterator]();
  for (;;) {
    let step: IteratorResult<unknown>;
    try {
      step = await iterator.next();
    } catch (error) {
      onError(error);
      throw error;
    }
    if (step.done) return;
    try {
      const full = stream.writeFrame(outgoing(step.value));
      if (full) await full;
    } catch (error) {
      // Nobody reads any more: the generator's `finally` runs.
      await iterator.return?.();
      throw error;
    }
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
