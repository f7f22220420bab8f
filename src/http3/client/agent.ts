/** An undici dispatcher that speaks HTTP/3 where it is to be had, and HTTP/2 or HTTP/1.1 over TCP where it is not. */

import { Dispatcher, errors } from 'undici';
import { H3, Http3Error } from '../core/index.js';
import { AltSvcMemory } from './alt-svc.js';
import { Dispatch } from './dispatch.js';
import { HandlerAdapter } from './dispatch-handler.js';
import { servernameOf, toRequest } from './dispatch-request.js';
import type { Http3Connection } from '../connection.js';
import { Http3Pool, type Http3PoolOptions, type QuicDialer, type ServerAddress } from './pool.js';

/** Options of an agent. Times are milliseconds. */
export interface AgentOptions extends Pick<Http3PoolOptions, 'idleEviction'> {
  /**
   * When HTTP/3 is tried. `'always'`: first, for every `https` origin. `'alt-svc'`: for origins that have said over TCP that they
   * speak it (RFC 7838). `'only'`: over TCP nothing is sent. Default `'always'`.
   */
  readonly http3?: 'always' | 'alt-svc' | 'only' | undefined;
  /** How long a request waits for the QUIC handshake before it goes over TCP. Default 300; range 1 to 60,000. */
  readonly fallbackAfter?: number | undefined;
  /** How long HTTP/3 is left alone where it did not answer. Default 300,000. */
  readonly brokenFor?: number | undefined;
  /**
   * Longest time from the last byte sent to the header section of the response. Default 300,000; 0: none. A dispatch may have its own
   * (`headersTimeout`).
   */
  readonly headersTimeout?: number | undefined;
  /** Longest standstill of a response body. Default 300,000; 0: none. A dispatch may have its own (`bodyTimeout`). */
  readonly bodyTimeout?: number | undefined;
}

/** Attempts of one request, where a repetition is safe. */
const MAX_ATTEMPTS = 3;

/** The dispatcher behind `Http3Agent`, for any transport. */
export class Http3Dispatcher extends Dispatcher {
  readonly #pool: Http3Pool;
  readonly #dialer: QuicDialer;
  readonly #tcp: () => Dispatcher;
  readonly #options: AgentOptions;
  readonly #altSvc: AltSvcMemory;
  readonly #active = new Set<Dispatch>();
  #tcpUsed: Dispatcher | undefined;
  #closed: Promise<void> | undefined;
  #destroyed = false;
  #idle: (() => void) | undefined;

  /** @param tcp makes the dispatcher for requests that go over TCP */
  constructor(dialer: QuicDialer, tcp: () => Dispatcher, options: AgentOptions = {}) {
    super();
    const { fallbackAfter = 300 } = options;
    if (!(fallbackAfter >= 1 && fallbackAfter <= 60_000)) {
      throw new errors.InvalidArgumentError('fallbackAfter must be 1 to 60,000 milliseconds');
    }
    this.#dialer = dialer;
    this.#tcp = tcp;
    this.#options = options;
    this.#pool = new Http3Pool(dialer, { idleEviction: options.idleEviction });
    this.#altSvc = new AltSvcMemory(() => dialer.clock.now());
  }

  /** HTTP/3 connections that are open or being opened. */
  get connections(): number {
    return this.#pool.size;
  }

  /** Sends a request; see undici's `Dispatcher.dispatch`. Always true: what waits is bounded by whoever asks. */
  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const dispatch = this.#begin(options, handler);
    if (dispatch === undefined) return this.#viaTcp(options, handler);
    if (dispatch === 'failed') return true;
    this.#active.add(dispatch);
    this.#pool.hold();
    void this.#run(dispatch, options, handler).finally(() => {
      this.#active.delete(dispatch);
      this.#pool.release();
      if (this.#active.size === 0) this.#idle?.();
    });
    return true;
  }

  /** Undefined: the request goes over TCP. */
  #begin(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): Dispatch | 'failed' | undefined {
    try {
      if (this.#destroyed) throw new errors.ClientDestroyedError();
      if (this.#closed) throw new errors.ClientClosedError();
      if (options.origin === undefined) throw new errors.InvalidArgumentError('origin is needed');
      const origin = new URL(options.origin);
      const http3 = origin.protocol === 'https:' && !options.upgrade && options.method !== 'CONNECT';
      if (http3 && this.#serverOf(origin, servernameOf(options))) {
        const { headersTimeout = 300_000, bodyTimeout = 300_000 } = this.#options;
        return new Dispatch(origin, toRequest(options), handler, this.#dialer.clock, {
          headersTimeout: options.headersTimeout ?? headersTimeout,
          bodyTimeout: options.bodyTimeout ?? bodyTimeout,
        });
      }
      if (this.#options.http3 !== 'only') return undefined;
      throw new errors.NotSupportedError(`${origin.origin}: nothing but requests over HTTP/3 is allowed here`);
    } catch (error) {
      new HandlerAdapter(handler, { abort: () => undefined, resume: () => undefined }).error(asError(error));
      return 'failed';
    }
  }

  /** Where HTTP/3 of an origin is to be tried; undefined: nowhere for now. */
  #serverOf(origin: URL, given: string | undefined): ServerAddress | undefined {
    const known = this.#altSvc.get(origin.origin);
    const { http3 = 'always' } = this.#options;
    const host = origin.hostname.replace(/^\[|\]$/g, '');
    if (known === 'broken' && http3 !== 'only') return undefined;
    if (known && known !== 'broken') {
      if (known.host === '' || known.host === host) return { host, port: known.port, servername: given };
      return { host: known.host, port: known.port, servername: given ?? host };
    }
    return http3 === 'alt-svc' ? undefined : { host, port: Number(origin.port || 443), servername: given };
  }

  #viaTcp(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    this.#tcpUsed ??= this.#tcp();
    const { origin } = new URL(options.origin ?? '');
    return this.#tcpUsed.dispatch(
      options,
      listening(handler, (value) => this.#altSvc.learn(origin, value)),
    );
  }

  async #run(
    dispatch: Dispatch,
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): Promise<void> {
    let attempt = 1;
    for (;;) {
      const connection = await this.#connection(dispatch);
      if (connection === 'tcp') {
        if (!dispatch.over) this.#viaTcp(options, handler);
        return;
      }
      if (connection === 'failed') return;
      const outcome = await dispatch.send(connection);
      if (outcome === 'over') return;
      // 425 (RFC 8470) or a rejected request: nothing was done with it.
      if (++attempt > MAX_ATTEMPTS || !(outcome.unsent || dispatch.request.replayable)) {
        dispatch.fail(outcome.error);
        return;
      }
      if (outcome.afterHandshake) await connection.quic.ready.catch(() => undefined);
    }
  }

  /** The connection for a request, or that it has to go over TCP because QUIC does not connect in time. */
  async #connection(dispatch: Dispatch): Promise<Http3Connection | 'tcp' | 'failed'> {
    const { origin } = dispatch;
    const server = this.#serverOf(origin, dispatch.request.servername);
    if (!server) return 'tcp';
    const { http3, fallbackAfter = 300, brokenFor = 300_000 } = this.#options;
    try {
      const connecting = this.#pool.connect(server);
      const found = http3 === 'only' ? await connecting : await this.#within(connecting, fallbackAfter);
      if (found === undefined) {
        this.#altSvc.broke(origin.origin, brokenFor);
        // It may still connect: from then on it is used.
        connecting.then(
          () => this.#altSvc.works(origin.origin),
          () => undefined,
        );
        return 'tcp';
      }
      // @rfc 9114#10.9-1 RFC 8470: only what may be repeated goes in early data, and a 425 is asked again after the handshake
      if (!dispatch.request.safe) await found.quic.ready;
      return found;
    } catch (error) {
      if (http3 === 'only' || isAboutTrust(error)) {
        dispatch.fail(asError(error));
        return 'failed';
      }
      this.#altSvc.broke(origin.origin, brokenFor);
      return 'tcp';
    }
  }

  #within<T>(promise: Promise<T>, milliseconds: number): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const timer = this.#dialer.clock.setTimer(milliseconds, () => resolve(undefined));
      promise.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  /** Takes no more requests; resolves when those under way are over and the connections closed. */
  override close(): Promise<void>;
  override close(callback: () => void): void;
  override close(callback?: () => void): Promise<void> | void {
    this.#closed ??= this.#close();
    if (callback === undefined) return this.#closed;
    void this.#closed.then(callback, callback);
  }

  async #close(): Promise<void> {
    if (this.#active.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    await Promise.all([this.#pool.close(true), this.#tcpUsed?.close()]);
  }

  /** Ends everything at once; requests fail with `error`. */
  override destroy(): Promise<void>;
  override destroy(error: Error | null): Promise<void>;
  override destroy(callback: () => void): void;
  override destroy(error: Error | null, callback: () => void): void;
  override destroy(error?: Error | null | (() => void), callback?: () => void): Promise<void> | void {
    const done = typeof error === 'function' ? error : callback;
    const reason = typeof error === 'object' && error ? error : new errors.ClientDestroyedError();
    this.#destroyed = true;
    for (const dispatch of this.#active) dispatch.abort(reason);
    const destroyed = Promise.all([this.#pool.close(false), this.#tcpUsed?.destroy(reason)]).then(() => undefined);
    this.#closed ??= destroyed;
    if (done === undefined) return destroyed;
    void destroyed.then(done, done);
  }
}

/** A certificate that is not trusted must not be got around by another protocol: whoever shows it is told of. */
function isAboutTrust(error: unknown): boolean {
  return error instanceof Error && String((error as { code?: unknown }).code).startsWith('ERR_QUIC_CERTIFICATE');
}

function asError(error: unknown): Error {
  return error instanceof Error
    ? error
    : new Http3Error('ERR_HTTP3_INTERNAL_ERROR', String(error), { errorCode: H3.H3_INTERNAL_ERROR });
}

/** The handler, with an ear for Alt-Svc in what comes over TCP. */
function listening(handler: Dispatcher.DispatchHandler, learn: (value: string) => void): Dispatcher.DispatchHandler {
  if (typeof handler.onRequestStart === 'function') {
    return new Proxy(handler, {
      get(target, name): unknown {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        if (name !== 'onResponseStart') return value.bind(target) as unknown;
        return (...parameters: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>): void => {
          const altSvc = parameters[2]['alt-svc'];
          if (typeof altSvc === 'string') learn(altSvc);
          target.onResponseStart?.(...parameters);
        };
      },
    });
  }
  return new Proxy(handler, {
    get(target, name): unknown {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name !== 'onHeaders') return value.bind(target) as unknown;
      return (...parameters: Parameters<NonNullable<Dispatcher.DispatchHandler['onHeaders']>>): boolean | undefined => {
        const [, headers] = parameters;
        for (let at = 0; at + 1 < headers.length; at += 2) {
          if (headers[at]?.toString('latin1').toLowerCase() === 'alt-svc') learn(String(headers[at + 1]));
        }
        return target.onHeaders?.(...parameters);
      };
    },
  });
}
