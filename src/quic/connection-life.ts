/** The life of a connection: the handshake, the fate of early data, the confirmation, and the end, however it comes. */

import type { CloseReason } from '../engine/config.js';
import type { Engine } from '../engine/engine.js';
import { closeError, crashOf, noAnswer, type CloseContext } from './close-reason.js';
import type { ConnectionHost } from './connection-host.js';
import type { CloseInfo, CloseOptions, ConnectionInit, EarlyData } from './connection-types.js';
import { QuicError, withoutStack } from './errors.js';
import { checkInteger } from './options.js';
import { Outcome } from './outcome.js';

/** Largest application error code that is taken: whole numbers are exact up to here. */
export const MAX_CODE = Number.MAX_SAFE_INTEGER;
const DRAIN_TIMEOUT = 5000;
const DRAIN_LOOK = 10;

/** What the life of a connection means to its parts. */
export interface LifeHost {
  /** Whether finished streams have sent what is not acknowledged yet. */
  unacknowledged(): boolean;
  /** The handshake is complete. */
  established(): void;
  /** Early data was rejected: the streams that sent it fail with `error`. */
  earlyDataRejected(error: QuicError): void;
  /** The end has come; for the last time the engine knows everything. */
  ending(): void;
  /** All that waits fails with `error`. */
  cutOff(error: QuicError): void;
  /** Everything has been told. */
  ended(info: CloseInfo): void;
}

export class ConnectionLife {
  readonly ready = new Outcome<void>();
  readonly confirmed = new Outcome<void>();
  readonly resumable = new Outcome<void>();
  readonly closed = new Outcome<CloseInfo>();
  readonly #connection: ConnectionHost;
  readonly #engine: Engine;
  readonly #init: ConnectionInit;
  readonly #host: LifeHost;
  #handshaking = true;
  #earlyData: EarlyData = 'none';
  #closeError: QuicError | undefined;

  constructor(connection: ConnectionHost, init: ConnectionInit, host: LifeHost) {
    this.#connection = connection;
    this.#engine = connection.engine;
    this.#init = init;
    this.#host = host;
    if (init.isClient && this.#engine.hasEarlyData(init.handle)) this.#earlyData = 'pending';
  }

  get handshaking(): boolean {
    return this.#handshaking;
  }

  get earlyData(): EarlyData {
    return this.#earlyData;
  }

  /** Whether what is sent now is early data. */
  get isEarly(): boolean {
    return this.#handshaking && this.#earlyData === 'pending';
  }

  /** Why the connection has ended, or is about to: a crash of the engine is known before the connection is told of it. */
  get closeError(): QuicError | undefined {
    return this.#closeError ?? crashOf(this.#engine);
  }

  get #context(): CloseContext {
    const { remoteName, options } = this.#init;
    return { remote: remoteName, handshaking: this.#handshaking, idleTimeout: options.idleTimeout };
  }

  /** @throws QuicError `ERR_QUIC_CONNECTION_CLOSED`, `ERR_QUIC_ENGINE` */
  assertOpen(what: string): void {
    const { closeError: cause } = this;
    if (!cause) return;
    if (cause.code === 'ERR_QUIC_ENGINE') throw cause;
    throw new QuicError('ERR_QUIC_CONNECTION_CLOSED', `Cannot ${what}: ${cause.message}`, { cause });
  }

  // The handshake.

  /** A server got a stream in early data: that is as good as a complete handshake. */
  earlyStream(): void {
    if (this.#init.isClient || !this.#handshaking) return;
    this.#earlyData = 'accepted';
    this.#connection.established(this.#init.handle);
  }

  connected(earlyAccepted: boolean): void {
    this.#handshaking = false;
    if (this.#earlyData === 'pending') {
      this.#earlyData = earlyAccepted ? 'accepted' : 'rejected';
      if (!earlyAccepted) {
        this.#host.earlyDataRejected(
          new QuicError(
            'ERR_QUIC_EARLY_DATA_REJECTED',
            `${this.#init.remoteName} rejected early data: what this stream sent was not delivered. Open a new stream and send it again`,
            { remote: true },
          ),
        );
      }
    }
    this.ready.resolve();
    this.#connection.established(this.#init.handle);
    this.#host.established();
  }

  /** The handshake took longer than `connectionTimeout`. */
  handshakeTimedOut(): void {
    if (this.#handshaking) this.closeNow(0, '', noAnswer(this.#context, this.#init.options.connectionTimeout));
  }

  // The end.

  /** Lets what was sent leave, waits for acknowledgements and the confirmation, then closes. */
  async close({ code = 0, reason = '', drainTimeout = DRAIN_TIMEOUT }: CloseOptions): Promise<void> {
    checkInteger('the error code', code, 0, MAX_CODE);
    const { clock } = this.#connection;
    const end = clock.now() + drainTimeout;
    // CONNECTION_CLOSE drops what has not left.
    const flushed = drainTimeout > 0 && !this.closeError ? this.#connection.flushed() : undefined;
    if (flushed) await this.#within(flushed, drainTimeout);
    while (!this.closeError && this.#host.unacknowledged() && clock.now() < end) {
      await new Promise<void>((resolve) => void clock.setTimer(DRAIN_LOOK, resolve));
    }
    // Before the confirmation a server may not have the client's Finished yet: then the close fails its handshake, and brings
    // neither code nor reason (RFC 9000 10.2.3).
    if (this.#init.isClient && !this.#handshaking) await this.#within(this.confirmed.promise, end - clock.now());
    this.closeNow(code, reason, undefined);
    await this.closed.promise;
  }

  /** Until a promise has settled, at most so many milliseconds. */
  #within(promise: Promise<void>, timeout: number): Promise<void> {
    if (timeout <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#connection.clock.setTimer(timeout, resolve);
      const over = (): void => {
        timer.cancel();
        resolve();
      };
      promise.then(over, over);
    });
  }

  closeNow(code: number, reason: string, error: QuicError | undefined): void {
    if (this.#closeError) return;
    const crash = crashOf(this.#engine);
    if (crash) {
      this.fail(crash);
      return;
    }
    this.#engine.close(this.#connection.clock.now(), this.#init.handle, code, reason);
    const why = error ?? withoutStack(() => closeError({ kind: 'local' }, this.#context));
    this.#end({ errorCode: code, reason, remote: false, error: why });
    this.#connection.wake();
  }

  /**
   * The engine says that the connection is over.
   *
   * @param plainCode the application error code, where the remote's application closed with that and no words
   */
  lost(plainCode: number | undefined): void {
    const reason: CloseReason =
      plainCode === undefined
        ? this.#engine.closeReason(this.#init.handle)
        : { kind: 'application', remote: true, code: String(plainCode), reason: '' };
    const error = withoutStack(() => closeError(reason, this.#context));
    const text = 'reason' in reason ? reason.reason : error.message;
    this.#end({ errorCode: error.errorCode ?? 0, reason: text, remote: error.remote, error });
  }

  /** The engine crashed, or the network is gone. */
  fail(error: QuicError): void {
    if (!this.#engine.crash && !this.#closeError)
      this.#engine.close(this.#connection.clock.now(), this.#init.handle, 0, '');
    this.#end({ errorCode: error.errorCode ?? 0, reason: error.message, remote: false, error });
  }

  #end(info: CloseInfo): void {
    if (this.#closeError) return;
    this.#host.ending();
    this.#closeError = info.error;
    this.#host.cutOff(info.error);
    this.ready.reject(info.error);
    this.confirmed.reject(info.error);
    this.resumable.reject(info.error);
    this.#connection.ended(this.#init.handle, info);
    this.closed.resolve(info);
    this.#host.ended(info);
  }
}
