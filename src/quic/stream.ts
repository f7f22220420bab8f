/** A QUIC stream (RFC 9000 2). */

import { checkInteger } from './options.js';
import { QuicError } from './errors.js';
import type { ReceiveHalf, ReceiveState } from './receive-half.js';
import type { SendHalf, SendState } from './send-half.js';
import type { StreamHost } from './stream-host.js';
import type { QuicErrorLike } from './types/connection.js';
import { readableStream, writableStream } from './web-streams.js';

/** Largest chunk that one `receive` returns unless told otherwise. */
const DEFAULT_RECEIVE_BYTES = 64 * 1024;

/** Options of operations that may wait. */
export interface WaitOptions {
  /** Ends the wait with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link QuicStream.receive}. */
export interface ReceiveOptions extends WaitOptions {
  /** Most bytes to return. Default 65536, from 1. */
  readonly maxBytes?: number | undefined;
}

/** What a stream has counted. */
export interface QuicStreamStats {
  /** Bytes accepted from the application for sending. */
  readonly bytesSent: number;
  /** Bytes handed to the application. */
  readonly bytesReceived: number;
  /** Bytes of `send` calls that still wait for room. */
  readonly bytesPending: number;
}

const MAX_CODE = Number.MAX_SAFE_INTEGER;

/** The second bit of a stream ID (RFC 9000 2.1). */
export function isUnidirectional(id: number): boolean {
  return Math.floor(id / 2) % 2 === 1;
}

/**
 * A stream. Bytes sent on it arrive in order and complete, or the stream ends with an error.
 *
 * @see RFC 9000 section 2 and 3
 */
export class QuicStream implements AsyncDisposable {
  /** Stream ID: 0, 4, 8... for bidirectional streams of the client, and so on (RFC 9000 2.1). */
  readonly id: number;
  /** Whether the remote opened it. */
  readonly incoming: boolean;
  /**
   * Whether it was opened in early data (0-RTT). For a server such data may be a replay by an attacker in general; this
   * package's servers accept each session ticket once, which rules that out for their own.
   */
  readonly early: boolean;
  readonly #host: StreamHost;
  readonly #receive: ReceiveHalf | undefined;
  readonly #send: SendHalf | undefined;
  #readable: ReadableStream<Uint8Array> | undefined;
  #writable: WritableStream<Uint8Array> | undefined;

  /** Streams are made by connections. */
  constructor(
    host: StreamHost,
    id: number,
    receive: ReceiveHalf | undefined,
    send: SendHalf | undefined,
    incoming: boolean,
    early: boolean,
  ) {
    this.#host = host;
    this.id = id;
    this.incoming = incoming;
    this.early = early;
    this.#receive = receive;
    this.#send = send;
  }

  get direction(): 'bidirectional' | 'unidirectional' {
    return isUnidirectional(this.id) ? 'unidirectional' : 'bidirectional';
  }

  /** @internal Absent on a unidirectional stream of this side. */
  get receiveHalf(): ReceiveHalf | undefined {
    return this.#receive;
  }

  /** @internal Absent on a unidirectional stream of the remote. */
  get sendHalf(): SendHalf | undefined {
    return this.#send;
  }

  /** `id` of the connection. */
  get connectionId(): string {
    return this.#host.id;
  }

  /** State of the receiving half; `undefined` on a unidirectional stream of this side. */
  get receiveState(): ReceiveState | undefined {
    return this.#receive?.state;
  }

  /** State of the sending half; `undefined` on a unidirectional stream of the remote. */
  get sendState(): SendState | undefined {
    return this.#send?.state;
  }

  /** What was counted so far. */
  stats(): QuicStreamStats {
    return {
      bytesSent: this.#send?.bytesSent ?? 0,
      bytesReceived: this.#receive?.bytesReceived ?? 0,
      bytesPending: this.#send?.pendingBytes ?? 0,
    };
  }

  /** Resolves when both halves have ended, in whatever way. */
  get closed(): Promise<void> {
    return Promise.all([this.#receive?.ended, this.#send?.ended]).then(() => undefined);
  }

  // Sending.

  /**
   * Sends bytes. Resolves when all are accepted into the connection's send buffer (`sendWindow`), which is when the next
   * should be given: that is the backpressure. They are sent and repeated until acknowledged or the connection ends.
   * The array must not be changed before.
   *
   * @throws QuicError `ERR_QUIC_STREAM_STOPPED`, `ERR_QUIC_STREAM_CLOSED`, `ERR_QUIC_STREAM_DIRECTION`,
   *   `ERR_QUIC_STREAM_TIMEOUT`, or why the connection ended. An abort in the middle of the bytes resets the stream.
   */
  send(bytes: Uint8Array, options?: WaitOptions): Promise<void> {
    if (!this.#send) return Promise.reject(this.#direction('send on'));
    if (!(bytes instanceof Uint8Array)) {
      return Promise.reject(
        new QuicError('ERR_QUIC_INVALID_OPTION', 'send takes a Uint8Array or Buffer; encode text with TextEncoder'),
      );
    }
    return this.#send.write(bytes, options?.signal);
  }

  /** Sends what fits without waiting; how many bytes were accepted. @throws QuicError as {@link send} */
  trySend(bytes: Uint8Array): number {
    if (!this.#send) throw this.#direction('send on');
    return this.#send.tryWrite(bytes);
  }

  /**
   * As {@link trySend}, of the last bytes: if all of them are accepted, FIN goes with them, for less than by {@link end}. If not, the sending half
   * is as open as before. @throws QuicError as {@link send}
   */
  trySendLast(bytes: Uint8Array): number {
    if (!this.#send) throw this.#direction('send on');
    return this.#send.tryWriteLast(bytes);
  }

  /** Ends the sending half with FIN, behind all writes. Resolves when the engine has taken it. @throws QuicError */
  finish(): Promise<void> {
    return this.#send ? this.#send.finish() : Promise.reject(this.#direction('finish'));
  }

  /** As {@link finish}, without a promise: whether the remote got it all shows in {@link acknowledged}. No effect once ended. */
  end(): void {
    if (!this.#send) throw this.#direction('finish');
    this.#send.endSoon();
  }

  /** Resolves when the remote has acknowledged everything up to the FIN; rejects when it will not. */
  get acknowledged(): Promise<void> {
    return this.#send ? this.#send.acknowledged : Promise.reject(this.#direction('send on'));
  }

  /**
   * What {@link acknowledged} tells, without a promise: called once, with nothing when everything up to the FIN is acknowledged, or soon
   * after it is certain that it will not be, with why. One listener.
   */
  set onSent(listener: ((error?: QuicErrorLike) => void) | undefined) {
    if (!this.#send) throw this.#direction('send on');
    this.#send.onSent = listener;
  }

  /** Abandons the sending half: RESET_STREAM with an application error code (0 to 2^53-1). No effect once ended. */
  reset(code = 0): void {
    checkInteger('the error code', code, 0, MAX_CODE);
    if (!this.#send) throw this.#direction('reset');
    this.#send.reset(code);
  }

  /** Streams of higher priority are sent first. Default 0, from -2^31 to 2^31-1. */
  setPriority(priority: number): void {
    checkInteger('the priority', priority, -(2 ** 31), 2 ** 31 - 1);
    if (!this.#send) throw this.#direction('prioritize');
    if (!this.#host.closeError) this.#host.engine.setPriority(this.#host.handle, this.id, priority);
  }

  /** The sending half as a WHATWG stream: `close` finishes, `abort(code)` resets. */
  get writable(): WritableStream<Uint8Array> {
    const half = this.#send;
    if (!half) throw this.#direction('send on');
    this.#writable ??= writableStream(half);
    return this.#writable;
  }

  // Receiving.

  /**
   * The next bytes; an empty array at the end of the stream. Calls may overlap and are served in order.
   *
   * @throws QuicError `ERR_QUIC_STREAM_RESET`, `ERR_QUIC_STREAM_CLOSED` after `stopSending`,
   *   `ERR_QUIC_STREAM_DIRECTION`, `ERR_QUIC_STREAM_TIMEOUT`, or why the connection ended
   */
  receive(options?: ReceiveOptions): Promise<Uint8Array> {
    if (!this.#receive) return Promise.reject(this.#direction('receive on'));
    const maxBytes = options?.maxBytes ?? DEFAULT_RECEIVE_BYTES;
    if (options?.maxBytes !== undefined) checkInteger('maxBytes', maxBytes, 1, MAX_CODE);
    return this.#receive.receive(maxBytes, options?.signal);
  }

  /** The next bytes without waiting: empty at the end, `undefined` when none are there. @throws QuicError */
  tryReceive(maxBytes = DEFAULT_RECEIVE_BYTES): Uint8Array | undefined {
    if (!this.#receive) throw this.#direction('receive on');
    return this.#receive.read(maxBytes);
  }

  /**
   * As {@link tryReceive}, into memory of the caller's from `at` to its end, without an array for each piece. How many bytes; 0 at the end
   * of the stream, -1 when none are there now. @throws QuicError; RangeError when there is no room
   */
  tryReceiveInto(into: Uint8Array, at = 0): number {
    if (!this.#receive) throw this.#direction('receive on');
    if (!(at >= 0 && at < into.length)) throw new RangeError(`There is no room from ${at} on in ${into.length} bytes`);
    return this.#receive.readInto(into, at);
  }

  /** Called whenever `tryReceive` may have something new, its end or its error included. One listener. */
  set onReadable(listener: (() => void) | undefined) {
    if (!this.#receive) throw this.#direction('receive on');
    this.#receive.onReadable = listener;
  }

  /** Gives up reading: STOP_SENDING with an application error code (0 to 2^53-1). No effect once ended. */
  stopSending(code = 0): void {
    checkInteger('the error code', code, 0, MAX_CODE);
    if (!this.#receive) throw this.#direction('stop');
    this.#receive.stop(code);
  }

  /** The receiving half as a WHATWG byte stream: `cancel(code)` stops the sender. */
  get readable(): ReadableStream<Uint8Array> {
    const half = this.#receive;
    if (!half) throw this.#direction('receive on');
    this.#readable ??= readableStream(half);
    return this.#readable;
  }

  /** Chunk by chunk to the end; leaving the loop early stops the sender. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    let ended = false;
    try {
      for (;;) {
        const bytes = await this.receive();
        if (bytes.length === 0) {
          ended = true;
          return;
        }
        yield bytes;
      }
    } finally {
      if (!ended) this.#receive?.stop(0);
    }
  }

  /** All bytes to the end of the stream in one array, at most `limit` (default 64 MiB). @throws QuicError as {@link receive} */
  async receiveAll(limit = 64 * 1024 * 1024): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const chunk = await this.receive({ maxBytes: 256 * 1024 });
      if (chunk.length === 0) break;
      length += chunk.length;
      if (length > limit) {
        this.stopSending(0);
        throw new QuicError('ERR_QUIC_INVALID_STATE', `Stream ${this.id} is longer than the limit of ${limit} bytes`);
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, length);
  }

  // Ending.

  /**
   * Ends the stream on this side: finishes the sending half, and stops the receiving half if it was not read to its end.
   * Resolves when all that was sent is acknowledged. Closing twice is no error.
   */
  async close(): Promise<void> {
    this.#receive?.stop(0);
    if (this.#send?.state === 'open') await this.#send.finish();
    if (this.#send?.state === 'finishing') await this.#send.acknowledged;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #direction(what: string): QuicError {
    const side = this.incoming ? 'of the remote' : 'of this side';
    return new QuicError(
      'ERR_QUIC_STREAM_DIRECTION',
      `Cannot ${what} stream ${this.id}: it is a unidirectional stream ${side}`,
    );
  }
}
