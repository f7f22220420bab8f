/** One request of undici on its way over HTTP/3. */

import type { Dispatcher } from 'undici';
import { errors } from 'undici';
import type { Clock, ClockTimer } from '../../quic/types/udp.js';
import type { Http3Connection } from '../connection.js';
import type { FieldSection } from '../core/index.js';
import { H3, Http3Error } from '../core/index.js';
import type { Http3Receiver } from '../receiver.js';
import type { Http3Stream } from '../stream.js';
import { HandlerAdapter } from './dispatch-handler.js';
import type { DispatchRequest } from './dispatch-request.js';
import { requestFields } from './exchange.js';
import { sendBody } from './outgoing-body.js';

/** A request that may be sent again: the server has done nothing with it. */
export interface TryAgain {
  readonly error: Error;
  /** Only after the handshake: it came too early (425, RFC 8470). */
  readonly afterHandshake: boolean;
  /** Nothing of it was sent: not even a body that can be read only once has been touched. */
  readonly unsent: boolean;
}

/** Longest waits, in milliseconds; 0: none. */
export interface DispatchTimeouts {
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
}

export class Dispatch implements Http3Receiver {
  readonly origin: URL;
  readonly request: DispatchRequest;
  readonly #adapter: HandlerAdapter;
  readonly #clock: Clock;
  readonly #timeouts: DispatchTimeouts;
  #stream: Http3Stream | undefined;
  #timer: ClockTimer | undefined;
  #settle: ((outcome: 'over' | TryAgain) => void) | undefined;
  #responded = false;
  /** Whether the handler has been told of the end. */
  over = false;

  constructor(
    origin: URL,
    request: DispatchRequest,
    handler: Dispatcher.DispatchHandler,
    clock: Clock,
    timeouts: DispatchTimeouts,
  ) {
    this.origin = origin;
    this.request = request;
    this.#clock = clock;
    this.#timeouts = timeouts;
    this.#adapter = new HandlerAdapter(handler, {
      abort: (reason) => this.abort(reason),
      resume: () => this.#resume(),
    });
  }

  /** Sends the request on a connection. Resolves when it is over, or when it may be sent again. Never rejects. */
  send(connection: Http3Connection): Promise<'over' | TryAgain> {
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#guard(() => this.#adapter.start());
      if (this.over) resolve('over');
      else void this.#send(connection);
    });
  }

  async #send(connection: Http3Connection): Promise<void> {
    const { method, path, fields, body } = this.request;
    const authority = this.request.authority ?? this.origin.host;
    const message = requestFields({ method, authority, path, fields, body });
    try {
      const stream = await connection.request(message.head, message.fields, body === undefined);
      if (this.over) {
        stream.cancel(H3.H3_REQUEST_CANCELLED);
        return;
      }
      this.#stream = stream;
      this.#wait(this.#timeouts.headersTimeout, () => new errors.HeadersTimeoutError());
      stream.receive(this);
      if (body !== undefined) {
        sendBody(stream, body).catch((error: unknown) => {
          // Stopped by a server that has answered, or will (RFC 9114 section 4.1): its response decides.
          if (stream.sendOver && Http3Error.isHttp3Error(error)) return;
          this.abort(error instanceof Error ? error : new Error(String(error)));
        });
      }
    } catch (error) {
      this.#failed(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #failed(error: Error): void {
    if (this.over) return;
    const code = Http3Error.isHttp3Error(error) ? error.code : undefined;
    // @rfc 9114#5.4-1 whatever else ended it may have been processed: it is not sent again
    if (!this.#responded && (code === 'ERR_HTTP3_REQUEST_REJECTED' || code === 'ERR_HTTP3_GOING_AWAY')) {
      this.#tryAgain({ error, afterHandshake: false, unsent: this.#stream === undefined });
      return;
    }
    this.fail(error);
  }

  /** Not what came early to whoever passes it on: its own client has to repeat it (RFC 8470 section 5.2). */
  #mayRepeatEarly(): boolean {
    return this.request.replayable && !this.request.fields.some(({ name }) => name === 'early-data');
  }

  #tryAgain(outcome: TryAgain): void {
    this.#timer?.cancel();
    this.#stream = undefined;
    this.#settle?.(outcome);
  }

  /** Tells the handler that the request has failed. */
  fail(error: Error): void {
    if (this.over) return;
    this.#end();
    this.#guard(() => this.#adapter.error(asUndici(error)));
  }

  /** Cancels the request. */
  abort(reason: Error): void {
    if (this.over) return;
    const stream = this.#stream;
    this.fail(reason);
    stream?.cancel(H3.H3_REQUEST_CANCELLED);
  }

  #end(): void {
    this.over = true;
    this.#timer?.cancel();
    this.#settle?.('over');
  }

  /** A handler that throws fails its own request. */
  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      if (this.over) throw error;
      this.abort(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #wait(milliseconds: number, error: () => Error): void {
    this.#timer?.cancel();
    if (milliseconds === 0) return;
    this.#timer = this.#clock.setTimer(milliseconds, () => this.abort(error()));
    this.#timer.unref();
  }

  #resume(): void {
    this.#watchBody();
    this.#stream?.resume();
  }

  /** Bytes had come when the body was looked at last. */
  #seen = -1;

  // One timer for many chunks: it looks whether any have come since.
  #watchBody(): void {
    const { bodyTimeout } = this.#timeouts;
    if (bodyTimeout === 0 || this.over) return;
    this.#seen = this.#stream?.contentReceived ?? 0;
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(bodyTimeout, () => {
      if (!this.#stream || this.#stream.contentReceived !== this.#seen || !this.#stream.flowing) this.#watchBody();
      else this.abort(new errors.BodyTimeoutError());
    });
    this.#timer.unref();
  }

  // From the stream.

  informational(status: number, fields: FieldSection): void {
    this.#guard(() => void this.#adapter.headers(status, fields));
  }

  response(status: number, fields: FieldSection): void {
    if (status === 425 && this.#stream?.quic.early === true && this.#mayRepeatEarly()) {
      const stream = this.#stream;
      this.#tryAgain({
        error: new Error('The server does not answer this in early data (425)'),
        afterHandshake: true,
        unsent: false,
      });
      stream.cancel(H3.H3_REQUEST_CANCELLED);
      return;
    }
    this.#responded = true;
    let goOn = true;
    this.#guard(() => (goOn = this.#adapter.headers(status, fields)));
    if (!this.over) this.#watchBody();
    if (!goOn) this.#stream?.rest();
  }

  data(bytes: Uint8Array): boolean {
    if (this.over) return true;
    let goOn = true;
    this.#guard(() => (goOn = this.#adapter.data(bytes)));
    return goOn;
  }

  trailers(fields: FieldSection): void {
    this.#adapter.trailers(fields);
  }

  end(): void {
    if (this.over) return;
    this.over = true;
    try {
      this.#adapter.complete();
    } catch (error) {
      // A handler may refuse what it has got, for instance to have it tried again.
      this.over = false;
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
    this.#end();
  }

  aborted(error: Http3Error): void {
    this.#failed(error);
  }
}

/**
 * A connection or stream that the network or the server ended is undici's `SocketError` (`UND_ERR_SOCKET`), whatever carried it: that
 * is what undici's retry looks for. Its `cause` is the error of HTTP/3.
 */
function asUndici(error: Error): Error {
  if (!Http3Error.isHttp3Error(error) || !(error.remote || error.code === 'ERR_HTTP3_CLOSED')) return error;
  const failure = new errors.SocketError(error.message);
  failure.cause = error;
  return failure;
}
