/** The sending half of a stream (RFC 9000 3.1). A write is accepted by the engine's bounded send buffer, in part or in
 * whole; the part not yet accepted stays here, and each byte goes to the engine exactly once. */

import { FAILURE } from '../engine/engine.js';
import { QuicError } from './errors.js';
import { standstill } from './receive-half.js';
import type { StreamHost } from './stream-host.js';
import type { QuicErrorLike } from './types/connection.js';
import { Waiter } from './waiter.js';

/** `open`; `finishing`: FIN asked for, not all acknowledged; `finished`: acknowledged; `stopped`: by STOP_SENDING. */
export type SendState = 'open' | 'finishing' | 'finished' | 'reset' | 'stopped' | 'failed';

class PendingWrite {
  readonly bytes: Uint8Array;
  offset: number;
  readonly waiter: Waiter<void>;

  constructor(bytes: Uint8Array, offset: number, waiter: Waiter<void>) {
    this.bytes = bytes;
    this.offset = offset;
    this.waiter = waiter;
  }
}

/** No writes wait: nobody adds to it. Most streams never need another, and an empty array for each is work for the collector. */
const NONE: PendingWrite[] = [];

const DONE: Promise<void> = Promise.resolve();

export class SendHalf {
  readonly #host: StreamHost;
  readonly #id: number;
  #state: SendState = 'open';
  #queue = NONE;
  #finishAfterQueue = false;
  #finishWaiter: Waiter<void> | undefined;
  #acknowledged: Waiter<void> | undefined;
  #error: QuicError | undefined;
  #ended: Waiter<void> | undefined;
  #onSent: ((error?: QuicErrorLike) => void) | undefined;
  /** Bytes that the engine has accepted. */
  bytesSent = 0;
  /** What the host said when the first of them were. */
  #round = -1;

  constructor(host: StreamHost, id: number) {
    this.#host = host;
    this.#id = id;
  }

  get state(): SendState {
    return this.#state;
  }

  /** Bytes waiting for room in the engine's send buffer. */
  get pendingBytes(): number {
    let sum = 0;
    for (const write of this.#queue) sum += write.bytes.length - write.offset;
    return sum;
  }

  /** Resolves when this half has ended, in whatever way. */
  get ended(): Promise<void> {
    this.#ended ??= new Waiter<void>();
    if (this.#state !== 'open' && this.#state !== 'finishing') this.#ended.resolve();
    return this.#ended.promise;
  }

  /** Gives up a wait that stands still at its `patience`-th look after the first; whether any wait is left. */
  checkTimeout(look: number, patience: number): boolean {
    const waiter = this.#queue[0]?.waiter;
    if (waiter === undefined) return false;
    if (waiter.since === 0) waiter.since = look;
    if (look - waiter.since < patience) return true;
    waiter.reject(standstill('send on', this.#id, this.#host));
    this.reset(0);
    return false;
  }

  /** Whether FIN was sent or is on its way, and not all is acknowledged yet. */
  get unacknowledged(): boolean {
    return this.#state === 'finishing';
  }

  /** Resolves when the remote has acknowledged all data and the FIN; rejects when that will not happen. */
  get acknowledged(): Promise<void> {
    if (!this.#acknowledged) {
      this.#acknowledged = new Waiter<void>();
      this.#acknowledged.promise.catch(() => undefined);
      if (this.#state === 'finished') this.#acknowledged.resolve();
      else if (this.#error) this.#acknowledged.reject(this.#error);
    }
    return this.#acknowledged.promise;
  }

  /** As much as fits now; how many bytes were accepted. */
  tryWrite(bytes: Uint8Array): number {
    this.#assertOpen();
    return this.#queue.length > 0 ? 0 : this.#push(bytes, 0);
  }

  /** See `QuicStream.trySendLast`. */
  tryWriteLast(bytes: Uint8Array): number {
    this.#assertOpen();
    if (this.#queue.length > 0) return 0;
    const taken = this.#push(bytes, 0, true);
    if (taken < bytes.length) return taken;
    // FIN of nothing has gone nowhere yet.
    if (taken === 0) this.endSoon();
    else {
      this.#state = 'finishing';
      this.#host.finished(this.#round);
    }
    return taken;
  }

  /** Resolves when all bytes are accepted. The array must not be changed before. */
  write(bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    try {
      signal?.throwIfAborted();
      this.#assertOpen();
      const offset = this.#queue.length > 0 ? 0 : this.#push(bytes, 0);
      if (offset === bytes.length && this.#queue.length === 0) return DONE;
      const waiter = new Waiter<void>(signal, () => this.#abortWrite(waiter));
      const write = new PendingWrite(bytes, offset, waiter);
      if (this.#queue === NONE) this.#queue = [write];
      else this.#queue.push(write);
      this.#host.watch(this.#id);
      return waiter.promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  // A write that was accepted in part cannot be taken back: the stream would have a hole. So it is reset.
  #abortWrite(waiter: Waiter<void>): void {
    const index = this.#queue.findIndex((write) => write.waiter === waiter);
    const write = this.#queue[index];
    if (!write) return;
    this.#queue.splice(index, 1);
    if (write.offset > 0 || this.#queue.length > index) this.reset(0);
  }

  #assertOpen(): void {
    if (this.#state === 'open' && !this.#host.closeError) return;
    throw this.#error ?? this.#host.closeError ?? this.#closed();
  }

  #closed(): QuicError {
    const why = this.#state === 'reset' ? 'this side reset it' : 'this side finished it';
    return new QuicError('ERR_QUIC_STREAM_CLOSED', `Cannot send on stream ${this.#id}: ${why}`);
  }

  /** Writes from `offset` until all is accepted or the engine has no room; the new offset. With `fin`, FIN goes with the last byte. */
  #push(bytes: Uint8Array, offset: number, fin = false): number {
    const { engine, handle } = this.#host;
    let at = offset;
    while (at < bytes.length) {
      const taken = engine.write(handle, this.#id, bytes, at, fin);
      if (taken > 0) {
        at += taken;
        this.bytesSent += taken;
      } else if (taken === FAILURE.blocked || taken === 0) break;
      else throw this.#writeFailed(taken);
    }
    if (at === offset) return at;
    // FIN with the first bytes: nothing was begun that is not finished.
    if (this.bytesSent > at - offset || (fin && at === bytes.length)) this.#host.wake();
    else this.#round = this.#host.begun();
    return at;
  }

  #writeFailed(failure: number): QuicError {
    if (failure === FAILURE.stopped) {
      this.stopped(this.#host.engine.lastCode);
      if (this.#error) return this.#error;
    }
    return this.#host.closeError ?? this.#closed();
  }

  /** The engine has room again. */
  drain(): void {
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      const before = first.offset;
      try {
        first.offset = this.#push(first.bytes, before);
      } catch {
        return;
      }
      if (first.offset > before) first.waiter.since = 0;
      if (first.offset < first.bytes.length) return;
      this.#queue.shift();
      first.waiter.resolve();
    }
    if (this.#finishAfterQueue) this.#sendFin();
  }

  /** FIN behind all writes; resolves when the engine has taken it. */
  finish(): Promise<void> {
    if (this.#state === 'finishing' || this.#state === 'finished') return this.#finishWaiter?.promise ?? DONE;
    try {
      this.#assertOpen();
    } catch (error) {
      return Promise.reject(error);
    }
    this.#state = 'finishing';
    if (this.#queue.length === 0) {
      try {
        this.#sendFin();
      } catch (error) {
        return Promise.reject(error);
      }
      return DONE;
    }
    this.#finishAfterQueue = true;
    this.#finishWaiter = new Waiter<void>();
    return this.#finishWaiter.promise;
  }

  /** See `QuicStream.end`. */
  endSoon(): void {
    if (this.#state !== 'open' || this.#host.closeError) return;
    this.#state = 'finishing';
    if (this.#queue.length === 0) this.#sendFin();
    else this.#finishAfterQueue = true;
  }

  #sendFin(): void {
    this.#finishAfterQueue = false;
    const { engine, handle } = this.#host;
    const result = engine.finish(handle, this.#id);
    if (result === FAILURE.stopped) this.stopped(engine.lastCode);
    this.#host.finished(this.#round);
    this.#finishWaiter?.resolve();
  }

  /** Everything was acknowledged. */
  allAcknowledged(): void {
    if (this.#state !== 'finishing') return;
    this.#state = 'finished';
    this.#acknowledged?.resolve();
    this.#settleEnd();
  }

  /** RESET_STREAM. */
  reset(code: number): void {
    if (this.#state !== 'open' && this.#state !== 'finishing') return;
    if (!this.#host.closeError) {
      const { engine, handle } = this.#host;
      engine.reset(handle, this.#id, code);
      this.#host.wake();
    }
    this.#end(
      'reset',
      new QuicError('ERR_QUIC_STREAM_CLOSED', `Stream ${this.#id} was reset by this side with code ${code}`, {
        errorCode: code,
      }),
    );
  }

  /** STOP_SENDING came; RFC 9000 3.5 wants a RESET_STREAM in answer. */
  stopped(code: number): void {
    if (this.#state !== 'open' && this.#state !== 'finishing') return;
    const { engine, handle, remoteName } = this.#host;
    engine.reset(handle, this.#id, code);
    this.#host.wake();
    this.#end(
      'stopped',
      new QuicError(
        'ERR_QUIC_STREAM_STOPPED',
        `${remoteName} stopped reading stream ${this.#id} with application error code ${code}; what was sent may not have been read`,
        { errorCode: code, remote: true },
      ),
    );
  }

  /** See `QuicStream.onSent`. */
  set onSent(listener: ((error?: QuicErrorLike) => void) | undefined) {
    this.#onSent = listener;
    if (this.#state !== 'open' && this.#state !== 'finishing') this.#tellSent();
  }

  #tellSent(): void {
    const listener = this.#onSent;
    if (!listener) return;
    this.#onSent = undefined;
    const error = this.#error;
    // A failure not at once: it may have been found out in the middle of a write.
    if (error) queueMicrotask(() => listener(error));
    else listener();
  }

  /** The connection is gone, or early data was rejected. */
  fail(error: QuicError): void {
    if (this.#state === 'open' || this.#state === 'finishing') this.#end('failed', error);
  }

  #end(state: SendState, error: QuicError): void {
    this.#state = state;
    this.#error = error;
    const queue = this.#queue;
    this.#queue = NONE;
    this.#finishAfterQueue = false;
    for (const write of queue) write.waiter.reject(error);
    if (this.#finishWaiter) {
      this.#finishWaiter.promise.catch(() => undefined);
      this.#finishWaiter.reject(error);
    }
    this.#acknowledged?.reject(error);
    this.#settleEnd();
  }

  #settleEnd(): void {
    this.#host.halfEnded(this.#id);
    this.#ended?.resolve();
    this.#tellSent();
  }
}
