/** The receiving half of a stream (RFC 9000 3.2). Bytes stay in the engine until they are asked for: whoever stops
 * reading stops the sender by flow control, and memory stays within the receive window. */

import { FAILURE, STREAM_BUFFER_BYTES } from '../engine/engine.js';
import { QuicError } from './errors.js';
import type { StreamHost } from './stream-host.js';
import { Waiter } from './waiter.js';

export const EMPTY = new Uint8Array(0);

/** `open`: more may come. `finished`: FIN was read. `stopped`: this side gave up reading. */
export type ReceiveState = 'open' | 'finished' | 'reset' | 'stopped' | 'failed';

/** Somebody who waits for bytes. */
class Reader extends Waiter<Uint8Array> {
  readonly maxBytes: number;

  constructor(maxBytes: number, signal: AbortSignal | undefined, onAbort: (waiter: Waiter<Uint8Array>) => void) {
    super(signal, onAbort);
    this.maxBytes = maxBytes;
  }
}

/** Nobody waits: nobody adds to it. Most streams never need another. */
const NONE: Reader[] = [];

/** Listeners that are called in the next microtask: one for all of a turn, because the runtime makes an object for each. */
let due: (() => void)[] = [];
/** The other of the two lists that take turns: no new one for each turn, which V8 might make among the old objects. */
let spare: (() => void)[] = [];

function callSoon(listener: () => void): void {
  if (due.push(listener) === 1) queueMicrotask(callDue);
}

function callDue(): void {
  const listeners = due;
  due = spare;
  spare = listeners;
  let called = 0;
  try {
    for (const listener of listeners) {
      called++;
      listener();
    }
  } finally {
    // One that throws does not cost the others their turn.
    const left = listeners.splice(called);
    listeners.length = 0;
    for (const listener of left) callSoon(listener);
  }
}

export class ReceiveHalf {
  readonly #host: StreamHost;
  readonly #id: number;
  #state: ReceiveState = 'open';
  /** The engine has said that there is something to read, and has not yet said that there is nothing more. */
  #ready: boolean;
  #readers = NONE;
  /** What was taken out of the engine when the connection closed before it was read. */
  #spilled: Uint8Array[] | undefined;
  #spilledEnd: QuicError | 'finished' | undefined;
  #error: QuicError | undefined;
  #onReadable: (() => void) | undefined;
  #ended: Waiter<void> | undefined;
  /** Bytes handed to the application so far. */
  bytesReceived = 0;

  constructor(host: StreamHost, id: number, ready: boolean) {
    this.#host = host;
    this.#id = id;
    this.#ready = ready;
  }

  get state(): ReceiveState {
    return this.#state;
  }

  /** Resolves when nothing more will come out of this half. */
  get ended(): Promise<void> {
    this.#ended ??= new Waiter<void>();
    if (this.#state !== 'open') this.#ended.resolve();
    return this.#ended.promise;
  }

  /** Called once each time that reading may succeed again; one listener. */
  set onReadable(listener: (() => void) | undefined) {
    this.#onReadable = listener;
    if (listener && (this.#ready || this.#state !== 'open')) callSoon(listener);
  }

  /**
   * The next bytes, an empty array at the end of the stream, `undefined` when none are there now.
   *
   * @throws QuicError when the stream was reset or stopped, or the connection is gone
   */
  read(maxBytes: number): Uint8Array | undefined {
    if (this.#hasEnded()) return EMPTY;
    if (this.#spilled) return this.#readSpilled(maxBytes);
    const result = this.#take(maxBytes);
    if (result < 0) return undefined;
    const bytes = result < 2 ? EMPTY : this.#host.engine.readBytes(result >>> 1);
    this.#taken(result);
    return bytes;
  }

  /**
   * As {@link read}, into memory of the caller's, from `at` to its end: how many bytes; 0 at the end of the stream, -1 when none are
   * there now.
   */
  readInto(into: Uint8Array, at: number): number {
    if (this.#hasEnded()) return 0;
    if (this.#spilled) {
      const bytes = this.#readSpilled(into.length - at);
      into.set(bytes, at);
      return bytes.length;
    }
    const result = this.#take(into.length - at);
    if (result < 0) return -1;
    if (result >= 2) this.#host.engine.copyBytes(result >>> 1, into, at);
    this.#taken(result);
    return result >>> 1;
  }

  /** Whether FIN was read. @throws QuicError as {@link read} */
  #hasEnded(): boolean {
    if (this.#state === 'open') return false;
    if (this.#state === 'finished') return true;
    throw this.#error ?? this.#closed('read');
  }

  /** What `engine.read` says when there is something, or -1. @throws QuicError as {@link read} */
  #take(maxBytes: number): number {
    if (!this.#ready) {
      const { closeError } = this.#host;
      if (closeError) throw this.#fail(closeError);
      return -1;
    }
    const { engine, handle } = this.#host;
    const result = engine.read(handle, this.#id, Math.min(maxBytes, STREAM_BUFFER_BYTES));
    if (result >= 0) return result;
    this.#ready = false;
    if (result === FAILURE.blocked) return -1;
    // The engine has told of a reset, in an event that is still to be handled.
    if (result === FAILURE.closedStream && !this.#host.closeError) return -1;
    throw this.#fail(this.#readError(result));
  }

  #taken(result: number): void {
    this.bytesReceived += result >>> 1;
    if ((result & 1) === 1) this.#end('finished');
    this.#host.wake();
  }

  #readSpilled(maxBytes: number): Uint8Array {
    const [first] = this.#spilled ?? [];
    if (first !== undefined) {
      if (first.length <= maxBytes) this.#spilled?.shift();
      else if (this.#spilled) this.#spilled[0] = first.subarray(maxBytes);
      const bytes = first.subarray(0, maxBytes);
      this.bytesReceived += bytes.length;
      return bytes;
    }
    if (this.#spilledEnd === 'finished') {
      this.#end('finished');
      return EMPTY;
    }
    throw this.#fail(this.#spilledEnd ?? this.#closed('read'));
  }

  /** @throws QuicError as {@link read}; AbortSignal's reason */
  receive(maxBytes: number, signal?: AbortSignal): Promise<Uint8Array> {
    try {
      signal?.throwIfAborted();
      if (this.#readers.length === 0) {
        const bytes = this.read(maxBytes);
        if (bytes !== undefined) return Promise.resolve(bytes);
      }
      const reader = new Reader(maxBytes, signal, (aborted) => this.#forget(aborted));
      if (this.#readers === NONE) this.#readers = [reader];
      else this.#readers.push(reader);
      this.#host.watch(this.#id);
      return reader.promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #forget(waiter: Waiter<Uint8Array>): void {
    const index = this.#readers.findIndex((reader) => reader === waiter);
    if (index >= 0) this.#readers.splice(index, 1);
  }

  /** The engine has something to read. */
  wakeUp(): void {
    this.#ready = true;
    this.#serve();
    if (this.#ready) this.#onReadable?.();
  }

  #serve(): void {
    for (let reader = this.#readers[0]; reader !== undefined; reader = this.#readers[0]) {
      try {
        const bytes = this.read(reader.maxBytes);
        if (bytes === undefined) return;
        this.#forget(reader);
        reader.resolve(bytes);
      } catch (error) {
        this.#forget(reader);
        reader.reject(error);
      }
    }
  }

  /** Gives up reading: STOP_SENDING. */
  stop(code: number): void {
    if (this.#state !== 'open') return;
    const { engine, handle } = this.#host;
    if (!this.#host.closeError) {
      engine.stopSending(handle, this.#id, code);
      this.#host.wake();
    }
    this.#error = this.#closed('read');
    this.#end('stopped');
    this.#serve();
  }

  /** The connection has closed: what had arrived can still be read, and then `error`. */
  connectionClosed(error: QuicError): void {
    if (this.#state !== 'open') return;
    this.#spilled = [];
    this.#spilledEnd = error;
    const { engine, handle } = this.#host;
    if (engine.crash === undefined) {
      for (;;) {
        const result = engine.read(handle, this.#id, STREAM_BUFFER_BYTES);
        if (result < 0) {
          if (result === FAILURE.reset) this.#spilledEnd = this.#readError(result);
          break;
        }
        if (result >>> 1 > 0) this.#spilled.push(engine.readBytes(result >>> 1));
        if ((result & 1) === 1) {
          this.#spilledEnd = 'finished';
          break;
        }
      }
    }
    this.#serve();
    this.#onReadable?.();
  }

  /** Gives up a wait that stands still at its `patience`-th look after the first; whether any wait is left. */
  checkTimeout(look: number, patience: number): boolean {
    const first = this.#readers[0];
    if (first === undefined) return false;
    if (first.since === 0) first.since = look;
    if (look - first.since < patience) return true;
    const error = standstill('receive on', this.#id, this.#host);
    const late = this.#readers;
    this.#readers = NONE;
    this.stop(0);
    for (const reader of late) reader.reject(error);
    return false;
  }

  /** RESET_STREAM came: what lies unread is void (RFC 9000 3.2), and nobody has to read to learn it. */
  resetByRemote(code: number): void {
    this.fail(this.#resetError(code));
  }

  /** Fails at once, whatever lies unread. */
  fail(error: QuicError): void {
    if (this.#state !== 'open') return;
    this.#fail(error);
    this.#serve();
  }

  #fail(error: QuicError): QuicError {
    this.#error = error;
    this.#end(error.code === 'ERR_QUIC_STREAM_RESET' ? 'reset' : 'failed');
    return error;
  }

  #end(state: ReceiveState): void {
    this.#state = state;
    this.#spilled = undefined;
    this.#host.halfEnded(this.#id);
    this.#ended?.resolve();
    this.#onReadable?.();
  }

  #readError(failure: number): QuicError {
    if (failure !== FAILURE.reset) return this.#host.closeError ?? this.#closed('read');
    return this.#resetError(this.#host.engine.lastCode);
  }

  #resetError(errorCode: number): QuicError {
    return new QuicError(
      'ERR_QUIC_STREAM_RESET',
      `${this.#host.remoteName} reset stream ${this.#id} with application error code ${errorCode}; what it sent is incomplete`,
      { errorCode, remote: true },
    );
  }

  #closed(what: string): QuicError {
    return new QuicError(
      'ERR_QUIC_STREAM_CLOSED',
      `Cannot ${what} stream ${this.#id}: this side has stopped reading it`,
    );
  }
}

/** What an operation fails with that stood still for too long. */
export function standstill(what: string, id: number, host: StreamHost): QuicError {
  return new QuicError(
    'ERR_QUIC_STREAM_TIMEOUT',
    `Cannot ${what} stream ${id} with ${host.remoteName}: nothing moved for ${host.streamTimeout} ms (streamTimeout)`,
  );
}
