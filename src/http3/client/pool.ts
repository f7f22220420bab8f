/** One HTTP/3 connection per server: made when needed, shared, replaced when it takes no more requests. */

import type { QuicConnectionLike } from '../../quic/types/connection.js';
import type { Clock, ClockTimer } from '../../quic/types/udp.js';
import { Http3Connection } from '../connection.js';
import type { Http3CoreOptions, RememberedSettings } from '../core/index.js';
import { H3 } from '../core/index.js';

/** Makes QUIC connections whose ALPN is `h3`. */
export interface QuicDialer {
  /**
   * Resolves when requests can be sent: after the handshake, or before it in early data.
   *
   * @param servername whom the certificate must name, where that is not `host`
   * @throws QuicErrorLike
   */
  connect(host: string, port: number, servername: string | undefined): Promise<QuicConnectionLike>;
  /** Whether open connections keep the process alive. */
  setKeepAlive(keepAlive: boolean): void;
  /** Closes the sockets. */
  close(): Promise<void>;
  readonly clock: Clock;
}

/** Where a server is, and who it has to be. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** Name of the origin, where an alternative service stands for it. */
  readonly servername?: string | undefined;
}

/** Options of {@link Http3Pool}. */
export interface Http3PoolOptions {
  /** A connection without requests is closed after this time, in milliseconds. Default 30,000; 0: never. */
  readonly idleEviction?: number | undefined;
  readonly http3?: Omit<Http3CoreOptions, 'role' | 'rememberedSettings'> | undefined;
}

interface Entry {
  readonly connecting: Promise<Http3Connection>;
  connection: Http3Connection | undefined;
  idleLooks: number;
}

/** Servers whose settings are remembered for early data. */
const MAX_REMEMBERED = 1000;

export class Http3Pool {
  readonly #dialer: QuicDialer;
  readonly #options: Http3PoolOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #remembered = new Map<string, RememberedSettings>();
  #timer: ClockTimer | undefined;
  #users = 0;

  constructor(dialer: QuicDialer, options: Http3PoolOptions = {}) {
    this.#dialer = dialer;
    this.#options = options;
  }

  /** Connections that are open or being opened. */
  get size(): number {
    return this.#entries.size;
  }

  /** The connection there is, if it can take a request at once. */
  ready(server: ServerAddress): Http3Connection | undefined {
    const entry = this.#entries.get(keyOf(server));
    return entry?.connection?.acceptsRequests === true ? entry.connection : undefined;
  }

  /** The connection to a server, or a new one. @throws QuicErrorLike */
  connect(server: ServerAddress): Promise<Http3Connection> {
    const key = keyOf(server);
    const entry = this.#entries.get(key);
    if (entry && (entry.connection === undefined || entry.connection.acceptsRequests)) {
      entry.idleLooks = 0;
      return entry.connecting;
    }
    return this.#begin(key, server);
  }

  #begin(key: string, server: ServerAddress): Promise<Http3Connection> {
    const connecting = this.#dial(key, server);
    const entry: Entry = { connecting, connection: undefined, idleLooks: 0 };
    this.#entries.set(key, entry);
    const forget = (): void => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    };
    connecting.then((connection) => {
      entry.connection = connection;
      void connection.quic.closed.then(forget);
      this.#watch();
    }, forget);
    return connecting;
  }

  async #dial(key: string, { host, port, servername }: ServerAddress): Promise<Http3Connection> {
    const quic = await this.#dialer.connect(host, port, servername);
    const connection = new Http3Connection(
      quic,
      {
        ...this.#options.http3,
        rememberedSettings: this.#remembered.get(key),
      },
      {
        goingAway: () => this.#leave(key, connection),
      },
    );
    connection.receivedSettings.then(
      () => this.#remember(key, connection.rememberedSettings),
      () => undefined,
    );
    connection.start().catch(() => undefined);
    return connection;
  }

  #remember(key: string, settings: RememberedSettings | undefined): void {
    if (!settings) return;
    this.#remembered.delete(key);
    this.#remembered.set(key, settings);
    if (this.#remembered.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#remembered.keys()) {
      this.#remembered.delete(oldest);
      return;
    }
  }

  /** The server takes no more requests: what is under way is finished, and the connection closed. */
  #leave(key: string, connection: Http3Connection): void {
    if (this.#entries.get(key)?.connection === connection) this.#entries.delete(key);
    void connection.drained.then(() => connection.close(H3.H3_NO_ERROR));
  }

  // The process lives as long as somebody waits for something.

  /** Somebody begins to use the pool. */
  hold(): void {
    if (this.#users++ === 0) this.#dialer.setKeepAlive(true);
  }

  /** The same somebody is done. */
  release(): void {
    if (--this.#users === 0) this.#dialer.setKeepAlive(false);
  }

  // Eviction.

  #watch(): void {
    const { idleEviction = 30_000 } = this.#options;
    if (idleEviction === 0 || this.#timer) return;
    this.#timer = this.#dialer.clock.setTimer(idleEviction / 2, () => this.#evict());
    this.#timer.unref();
  }

  #evict(): void {
    this.#timer = undefined;
    for (const [key, entry] of this.#entries) {
      if (!entry.connection) continue;
      if (entry.connection.openRequests > 0) entry.idleLooks = 0;
      else if (++entry.idleLooks > 2) {
        this.#entries.delete(key);
        void entry.connection.close(H3.H3_NO_ERROR, 'idle');
      }
    }
    if (this.#entries.size > 0) this.#watch();
  }

  /** Closes every connection: after its requests, or at once. */
  async close(graceful: boolean): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    // What is not connected yet has no requests: it ends with the sockets.
    const connections = entries.map(({ connection }) => connection).filter((connection) => connection !== undefined);
    await Promise.all(
      connections.map(async (connection) => {
        if (graceful) {
          connection.goAway('final');
          await connection.drained;
        }
        await connection.close(H3.H3_NO_ERROR);
      }),
    );
    await this.#dialer.close();
  }
}

/** @rfc 9114#3.3-1 @rfc 9114#3.3-2 no connection is used for an origin that its certificate was not checked for. */
function keyOf({ host, port, servername }: ServerAddress): string {
  return `${servername ?? host} ${host} ${port}`;
}
