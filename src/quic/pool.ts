/** One connection per host, port and application protocol: shared while it lives, forgotten when it ends. */

import type { QuicConnection } from './connection.js';
import type { ConnectOptions } from './endpoint-options.js';
import type { QuicEndpoint } from './endpoint.js';
import { checkAlpn, checkInteger } from './options.js';
import type { Clock, ClockTimer } from './types/udp.js';
import { systemClock } from './udp/system-clock.js';

/** Options of a {@link ConnectionPool}. */
export interface PoolOptions {
  /** A connection without streams is closed after this time, in milliseconds. Default 30000; 0: never. */
  readonly idleEviction?: number | undefined;
  /** For simulations. Default: the real clock. */
  readonly clock?: Clock | undefined;
}

interface Entry {
  /** Settles when the handshake does; shared by all who ask meanwhile. */
  readonly connecting: Promise<QuicConnection>;
  connection: QuicConnection | undefined;
  idleSince: number;
}

const DEFAULT_IDLE_EVICTION = 30_000;

/** What makes two wishes the same. */
function keyOf(host: string, port: number, alpn: readonly string[]): string {
  return `${host.toLowerCase()} ${port} ${alpn.join(' ')}`;
}

export class ConnectionPool {
  readonly #endpoint: QuicEndpoint;
  readonly #clock: Clock;
  readonly #idleEviction: number;
  readonly #entries = new Map<string, Entry>();
  #timer: ClockTimer | undefined;

  constructor(endpoint: QuicEndpoint, options: PoolOptions = {}) {
    this.#endpoint = endpoint;
    this.#clock = options.clock ?? systemClock;
    this.#idleEviction = options.idleEviction ?? DEFAULT_IDLE_EVICTION;
    checkInteger('idleEviction', this.#idleEviction, 0, 0x7fffffff);
  }

  /** Connections held, those still in the handshake included. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * The live connection to the server, or a new one. Callers that come while the handshake runs share it; the signal of
   * each ends its own wait only.
   *
   * @throws QuicError as `QuicEndpoint.connect` does
   */
  async connect(host: string, port: number, options: ConnectOptions): Promise<QuicConnection> {
    const { signal, ...rest } = options;
    signal?.throwIfAborted();
    checkAlpn(options.alpn);
    const key = keyOf(host, port, options.alpn);
    let entry = this.#entries.get(key);
    if (entry?.connection?.isClosed) {
      this.#entries.delete(key);
      entry = undefined;
    }
    entry ??= this.#begin(key, host, port, rest);
    entry.idleSince = this.#clock.now();
    return signal ? raceSignal(entry.connecting, signal) : entry.connecting;
  }

  #begin(key: string, host: string, port: number, options: ConnectOptions): Entry {
    const connecting = this.#endpoint.connect(host, port, options);
    const entry: Entry = { connecting, connection: undefined, idleSince: this.#clock.now() };
    this.#entries.set(key, entry);
    const forget = (): void => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    };
    connecting.then((connection) => {
      entry.connection = connection;
      void connection.closed.then(forget);
      this.#watch();
    }, forget);
    return entry;
  }

  #watch(): void {
    if (this.#idleEviction === 0 || this.#timer) return;
    this.#timer = this.#clock.setTimer(this.#idleEviction / 2, () => this.#evict());
    this.#timer.unref();
  }

  #evict(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    for (const entry of this.#entries.values()) {
      const { connection } = entry;
      if (!connection) continue;
      if (connection.activeStreams > 0) entry.idleSince = now;
      else if (now - entry.idleSince >= this.#idleEviction) void connection.close({ reason: 'idle' });
    }
    if (this.#entries.size > 0) this.#watch();
  }

  /** Closes the connection that has been idle for longest, to make room; false when all are in use. */
  evictIdlest(): boolean {
    let idlest: Entry | undefined;
    for (const entry of this.#entries.values()) {
      const idle = entry.connection && entry.connection.activeStreams === 0;
      if (idle && (!idlest || entry.idleSince < idlest.idleSince)) idlest = entry;
    }
    idlest?.connection?.destroy();
    return idlest !== undefined;
  }

  /** Stops evicting; the endpoint closes the connections. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#entries.clear();
  }
}

function raceSignal<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
