/** Serves requests on any number of HTTP/3 connections, watches over slow clients, and ends gracefully. */

import type { QuicConnectionLike } from '../../quic/types/connection.js';
import type { Clock, ClockTimer } from '../../quic/types/udp.js';
import { StreamIndex } from '../../wire/index.js';
import { H3 } from '../core/index.js';
import type { Http3CoreOptions, Priority } from '../core/index.js';
import { Http3Connection, type Http3ConnectionHooks } from '../connection.js';
import type { Http3Stream } from '../stream.js';
import type { Exchange } from './exchange.js';
import { FetchExchange } from './fetch-exchange.js';
import { type RequestHandling, type ResolvedLimits, resolveLimits } from './handler.js';
import { StreamExchange } from './stream-exchange.js';

/** Looks per shortest timeout. */
const LOOKS_PER_TIMEOUT = 4;
/** How long a client gets to learn of GOAWAY before the last requests are numbered: this, or two round trips. */
const ANNOUNCE_MS = 20;

/** Options of {@link Http3RequestServer}. */
export interface Http3RequestServerOptions extends RequestHandling {
  /** Time for timeouts. */
  readonly clock: Clock;
  /**
   * Options of the HTTP/3 layer. They hold as long as the server, and so do the sessions that early data stands on: a server with
   * other settings knows none of them, and takes no early data. @rfc 9114#7.2.4.2-5
   */
  readonly http3?: Omit<Http3CoreOptions, 'role' | 'rememberedSettings' | 'maxFieldSectionSize'> | undefined;
  /** Takes CONNECT and extended CONNECT requests (RFC 9220). Default: they are answered with 501. */
  readonly connect?: ((stream: Http3Stream, connection: Http3Connection) => void) | undefined;
  /** Further hooks of each connection. */
  readonly hooks?: ((connection: QuicConnectionLike) => Omit<Http3ConnectionHooks, 'request'>) | undefined;
}

/** The serving side of HTTP/3 for connections that somebody else accepts. */
export class Http3RequestServer {
  readonly #options: Http3RequestServerOptions;
  readonly #limits: ResolvedLimits;
  readonly #clock: Clock;
  readonly #connections = new Set<Http3Connection>();
  /** By a number of their own. */
  readonly #exchanges = new StreamIndex<Exchange>();
  #exchangeCount = 0;
  /** Exchanges that are about to run. */
  #begun: Exchange[] = [];
  #timer: ClockTimer | undefined;
  #looks = 0;
  readonly #lookMs: number;
  #closing = false;
  readonly #idle: (() => void)[] = [];

  /** @throws TypeError without a handler; RangeError for a limit out of range */
  constructor(options: Http3RequestServerOptions) {
    if (options.fetch === undefined && options.requestStream === undefined) {
      throw new TypeError('A server of requests needs a handler: fetch or requestStream');
    }
    this.#options = options;
    this.#limits = resolveLimits(options);
    this.#clock = options.clock;
    const { headersTimeout, bodyTimeout, sendTimeout, handlerTimeout } = this.#limits;
    const shortest = [headersTimeout, bodyTimeout, sendTimeout, handlerTimeout].filter((timeout) => timeout > 0);
    this.#lookMs = shortest.length === 0 ? 0 : Math.max(10, Math.min(...shortest) / LOOKS_PER_TIMEOUT);
  }

  /** Connections that are served. */
  get connections(): ReadonlySet<Http3Connection> {
    return this.#connections;
  }

  /** Requests in the making. */
  get activeRequests(): number {
    return this.#exchanges.size;
  }

  /** Serves a connection whose ALPN is `h3`. */
  accept(quic: QuicConnectionLike): Http3Connection {
    const { http3, hooks, connect } = this.#options;
    const options = { ...http3, maxFieldSectionSize: this.#limits.maxFieldSectionSize };
    const connection = new Http3Connection(quic, options, {
      ...hooks?.(quic),
      request: (stream, priority) => {
        if (stream.head.method === 'CONNECT' && connect) connect(stream, connection);
        else this.#serve(connection, stream, priority);
      },
    });
    this.#connections.add(connection);
    void quic.closed.then(() => this.#connections.delete(connection));
    connection.start().catch(() => void quic.close({ code: H3.H3_INTERNAL_ERROR, drainTimeout: 0 }));
    if (this.#closing) void this.#shutDown(connection);
    this.#watch();
    return connection;
  }

  #serve(connection: Http3Connection, stream: Http3Stream, _priority: Priority): void {
    const Answered = this.#options.requestStream === undefined ? FetchExchange : StreamExchange;
    const exchange = new Answered(++this.#exchangeCount, connection, stream, this.#options, this.#limits, this.#over);
    this.#exchanges.set(exchange.number, exchange);
    if (this.#begun.push(exchange) === 1) queueMicrotask(this.#runBegun);
  }

  /** Requests that came in one turn are handled when all has been read that came with them. */
  readonly #runBegun = (): void => {
    const begun = this.#begun;
    this.#begun = [];
    for (const exchange of begun) exchange.run();
  };

  readonly #over = (exchange: Exchange): void => {
    this.#exchanges.delete(exchange.number);
    if (this.#exchanges.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  };

  // Slow clients.

  #watch(): void {
    if (this.#timer || this.#lookMs === 0) return;
    this.#timer = this.#clock.setTimer(this.#lookMs, () => this.#look());
    this.#timer.unref();
  }

  #look(): void {
    this.#timer = undefined;
    this.#looks++;
    for (const exchange of this.#exchanges.values()) exchange.watch(this.#looks, this.#lookMs);
    const { headersTimeout } = this.#limits;
    if (headersTimeout > 0) {
      for (const connection of this.#connections) {
        connection.expireHeaders(this.#looks, Math.ceil(headersTimeout / this.#lookMs));
      }
    }
    if (this.#connections.size > 0) this.#watch();
  }

  // The end.

  /**
   * Takes no new requests, finishes those under way, and closes the connections. What is not over after `timeout`
   * milliseconds is cut off. Default 10,000; 0: at once.
   */
  async close(timeout = 10_000): Promise<void> {
    this.#closing = true;
    const ends = Promise.all([...this.#connections].map((connection) => this.#shutDown(connection)));
    const served = this.#exchanges.size === 0 ? undefined : new Promise<void>((resolve) => this.#idle.push(resolve));
    await this.#within(Promise.all([ends, served]), timeout);
    const rest = [...this.#connections].map((connection) =>
      connection.quic.close({ code: H3.H3_NO_ERROR, reason: 'the server stops', drainTimeout: 0 }),
    );
    await Promise.all(rest);
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  async #shutDown(connection: Http3Connection): Promise<void> {
    connection.goAway('announce');
    await this.#pause(Math.max(ANNOUNCE_MS, 2 * connection.rttMs));
    connection.goAway('final');
    await connection.drained;
    // Which lets the last GOAWAY leave, even where nothing else is under way.
    await connection.close(H3.H3_NO_ERROR, 'the server stops');
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.setTimer(milliseconds, resolve));
  }

  async #within(work: Promise<unknown>, timeout: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#clock.setTimer(timeout, resolve);
      const over = (): void => {
        timer.cancel();
        resolve();
      };
      work.then(over, over);
    });
  }
}
