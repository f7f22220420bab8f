/** A QUIC endpoint: one UDP socket that can listen and dial at once, and the engine behind it. */

import { connectionStart } from '../observe/channels.js';
import { Engine } from '../engine/engine.js';
import { EVENT, NO_CONNECTION } from '../engine/layout.js';
import { fromRefusal } from './close-reason.js';
import type { ConnectionInit, MigrateOptions } from './connection-types.js';
import { QuicConnection } from './connection.js';
import { ConnectionTable } from './connection-table.js';
import { EndpointLogs } from './endpoint-logs.js';
import { Dialer } from './dialer.js';
import type { ConnectOptions, ListenOptions, QuicEndpointOptions } from './endpoint-options.js';
import { QuicError } from './errors.js';
import { Listener, type ConnectionHandlers } from './listener.js';
import { checkInteger, pathMtuBound, resolveConnectionOptions, type ResolvedConnectionOptions } from './options.js';
import { NetworkWatch } from './network-watch.js';
import { Pump } from './pump.js';
import { SocketSet } from './sockets.js';
import type { Clock, SocketAddress, UdpSocket } from './types/udp.js';
import { DgramNetwork } from './udp/dgram-network.js';
import { systemClock } from './udp/system-clock.js';

/** Options of {@link QuicEndpoint.close}. */
export interface EndpointCloseOptions {
  /** Longest time for everything, in milliseconds. Default 5000. */
  readonly timeout?: number | undefined;
  /** Application error code and reason for the remotes. Defaults 0 and none. */
  readonly code?: number | undefined;
  readonly reason?: string | undefined;
}

/** What an endpoint has counted. */
export interface EndpointStats {
  /** Connections ever made, and those open now; `handshaking` of them are not yet established. */
  readonly totalConnections: number;
  readonly activeConnections: number;
  readonly handshaking: number;
  /** Sums over all connections there are and were. */
  readonly totalStreams: number;
  readonly activeStreams: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly packetsLost: number;
  /** Mean of the smoothed round-trip times of the open connections, in milliseconds; 0 without one. */
  readonly rttMs: number;
  /** Attempts of clients that were not accepted. */
  readonly attemptsRefused: number;
  readonly attemptsRetried: number;
  readonly attemptsIgnored: number;
  /** Memory of the engine in bytes. */
  readonly engineMemory: number;
}

/** Time that the last packets of closed connections get, beyond which the sockets close. */
const DRAIN_LIMIT = 1000;

let endpoints = 0;

export class QuicEndpoint implements AsyncDisposable {
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #pump: Pump;
  readonly #sockets: SocketSet;
  readonly #base: ResolvedConnectionOptions;
  readonly #maxConnections: number;
  readonly #dialer: Dialer;
  readonly #logs: EndpointLogs;
  readonly #name = `e${++endpoints}`;
  readonly #table = new ConnectionTable();
  readonly #connectionHost: ConstructorParameters<typeof QuicConnection>[0];
  #listener: Listener | undefined;
  #closed: Promise<void> | undefined;
  #unref = false;

  private constructor(engine: Engine, clock: Clock, options: QuicEndpointOptions, base: ResolvedConnectionOptions) {
    this.#engine = engine;
    this.#clock = clock;
    this.#base = base;
    this.#maxConnections = options.maxConnections ?? 10_000;
    this.#logs = new EndpointLogs(options.keyLog);
    const watch = new NetworkWatch({
      connections: this.#table.open,
      hasAddress: (socket) => this.#sockets.hasAddress(socket),
    });
    this.#pump = new Pump(engine, clock, {
      onEvent: (kind, connection, a, b, c, d) => this.#onEvent(kind, connection, a, b, c, d),
      socketOf: (handle) => (handle === NO_CONNECTION ? 0 : (this.#table.get(handle)?.socket.id ?? 0)),
      onSocketError: (socket, error, fatal) => watch.socketError(socket, error, fatal),
      onCrash: (error) => this.#onCrash(error),
      onTimeout: (now) => watch.check(now),
    });
    // Whichever call crashes: the pump finds out in its next turn, and ends the connections.
    engine.onCrash = () => this.#pump.wake();
    this.#sockets = new SocketSet(options.network ?? new DgramNetwork(), this.#pump, options);
    this.#connectionHost = this.#makeConnectionHost();
    this.#dialer = new Dialer(this.#dialerHost());
  }

  /**
   * Makes an endpoint and binds its socket.
   *
   * @throws QuicError `ERR_QUIC_ADDRESS_IN_USE`, `ERR_QUIC_ADDRESS_NOT_AVAILABLE`, `ERR_QUIC_PERMISSION`,
   *   `ERR_QUIC_INVALID_OPTION`; EngineError `ERR_ENGINE_LOAD`
   */
  static async create(options: QuicEndpointOptions = {}): Promise<QuicEndpoint> {
    const base = resolveConnectionOptions(options);
    checkInteger('maxConnections', options.maxConnections ?? 1, 1, 1_000_000);
    checkInteger('sessionCapacity', options.sessionCapacity ?? 1, 1, 10_000_000);
    const clock = options.clock ?? systemClock;
    let seed: string | null = null;
    if (options.randomFill) {
      const bytes = new Uint8Array(32);
      options.randomFill(bytes);
      seed = Buffer.from(bytes).toString('hex');
    }
    const config = {
      seed,
      statelessResetKey: options.statelessResetKey ? Buffer.from(options.statelessResetKey).toString('hex') : null,
      maxUdpPayload: 65_527,
      greaseQuicBit: true,
      sessionCapacity: options.sessionCapacity ?? 10_000,
    };
    let engine: Engine;
    try {
      engine = await Engine.create(config, clock.wallTime(), options.randomFill);
    } catch (error) {
      throw fromRefusal(error);
    }
    const endpoint = new QuicEndpoint(engine, clock, options, base);
    await endpoint.#sockets.bindMain();
    endpoint.#updateKeepAlive();
    return endpoint;
  }

  #dialerHost(): ConstructorParameters<typeof Dialer>[0] {
    return {
      engine: this.#engine,
      clock: this.#clock,
      keyLog: this.#logs.wantsKeys,
      assertRoom: () => this.#assertRoom(),
      socketTo: (remote, own) => this.#sockets.towards(remote, own),
      discard: (socket) => this.#sockets.discard(socket),
      mtuBoundTowards: (remote, options) => this.#mtuBound(remote, options),
      adoptDialled: (dialled) => this.#adopt({ ...dialled, isClient: true }),
    };
  }

  // What it is.

  /** Address that the endpoint's own socket is bound to. */
  get address(): SocketAddress {
    return this.#sockets.main.local;
  }

  /** Open connections. */
  get connections(): readonly QuicConnection[] {
    return [...this.#table.open];
  }

  get listening(): boolean {
    return this.#listener !== undefined;
  }

  /** What the engine has counted and measured. */
  stats(): EndpointStats {
    const sums = this.#table.sums();
    const { refused, retried, ignored } = this.#listener?.turnedAway ?? { refused: 0, retried: 0, ignored: 0 };
    return {
      totalConnections: this.#table.total,
      activeConnections: this.#table.open.size,
      handshaking: this.#table.handshakes,
      totalStreams: sums.streams,
      activeStreams: sums.activeStreams,
      bytesReceived: sums.received,
      bytesSent: sums.sent,
      packetsLost: sums.lost,
      rttMs: sums.rttMs,
      attemptsRefused: refused,
      attemptsRetried: retried,
      attemptsIgnored: ignored,
      engineMemory: this.#engine.memoryBytes,
    };
  }

  /** Lets the process exit although the endpoint is listening or connected; `ref` undoes it. */
  unref(): this {
    this.#unref = true;
    this.#updateKeepAlive();
    return this;
  }

  ref(): this {
    this.#unref = false;
    this.#updateKeepAlive();
    return this;
  }

  // Listening and dialling.

  /**
   * Accepts connections. `handlers` is one function for all application protocols named in `alpn`, or an object of
   * handlers by protocol.
   *
   * @throws QuicError about options, certificates and keys; `ERR_QUIC_INVALID_STATE` when listening already
   */
  async listen(options: ListenOptions, handlers: ConnectionHandlers): Promise<void> {
    this.#assertOpen();
    if (this.#listener)
      throw new QuicError('ERR_QUIC_INVALID_STATE', 'The endpoint is listening already; stop it first');
    const resolved = resolveConnectionOptions(options, this.#base);
    this.#listener = await Listener.start(this.#listenerHost(), options, handlers, resolved);
    this.#updateKeepAlive();
  }

  #listenerHost(): Parameters<typeof Listener.start>[0] {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- the getters below look at the endpoint as it is then
    const endpoint = this;
    return {
      engine: this.#engine,
      maxConnections: this.#maxConnections,
      receiveBuffer: this.#sockets.main.receiveBufferBytes,
      keyLog: this.#logs.wantsKeys,
      now: () => this.#clock.now(),
      get connections(): number {
        return endpoint.#table.open.size;
      },
      get handshakes(): number {
        return endpoint.#table.handshakes;
      },
      mtuBoundTowards: (remote, options) => this.#mtuBound(remote, options),
      adopt: (handle, remote, options) => {
        const remoteName = `${remote.family === 'IPv6' ? `[${remote.address}]` : remote.address}:${remote.port}`;
        this.#adopt({ handle, isClient: false, remote, remoteName, options, socket: this.#sockets.main });
      },
    };
  }

  /** Stops accepting; connections that are there go on. */
  stopListening(): void {
    this.#listener = undefined;
    if (!this.#engine.crash) this.#engine.stopListening();
    this.#updateKeepAlive();
  }

  /**
   * Reads certificates, keys and CA files again, for connections to come. Resolves to whether anything had changed.
   *
   * @throws QuicError `ERR_QUIC_TLS_*`; what was in use stays in use then
   */
  async reloadCertificates(): Promise<boolean> {
    if (!this.#listener) throw new QuicError('ERR_QUIC_INVALID_STATE', 'The endpoint is not listening');
    return this.#listener.reload();
  }

  /**
   * Connects. Resolves when the handshake is complete, or at once when early data can be sent to a server known from
   * before (`enableEarlyData`); then `connection.ready` tells of the handshake.
   *
   * @throws QuicError with a code for each cause; AbortSignal's reason
   */
  async connect(host: string, port: number, options: ConnectOptions): Promise<QuicConnection> {
    this.#assertOpen();
    return this.#dialer.connect(host, port, options, resolveConnectionOptions(options, this.#base));
  }

  #assertOpen(): void {
    if (this.#engine.crash) throw crashed(this.#engine.crash);
    if (this.#closed) throw new QuicError('ERR_QUIC_ENDPOINT_CLOSED', 'The endpoint is closed; make a new one');
  }

  #assertRoom(): void {
    this.#assertOpen();
    if (this.#table.open.size < this.#maxConnections) return;
    throw new QuicError(
      'ERR_QUIC_TOO_MANY_CONNECTIONS',
      `The endpoint holds ${this.#table.open.size} connections, its maxConnections; close some or raise the limit`,
    );
  }

  #mtuBound(remote: SocketAddress, options: ResolvedConnectionOptions): number {
    return pathMtuBound(options, this.#sockets.maxPayloadTowards(remote));
  }

  // Connections.

  #adopt(init: Omit<ConnectionInit, 'id'>): QuicConnection {
    const id = `${this.#name}c${++this.#table.total}`;
    const connection = new QuicConnection(this.#connectionHost, { ...init, id });
    this.#table.add(init.handle, connection);
    this.#sockets.own(init.handle, init.socket);
    const { connectionTimeout } = init.options;
    if (connectionTimeout > 0) {
      const timer = this.#clock.setTimer(connectionTimeout, () => {
        this.#pump.afterInput(() => connection.handshakeTimedOut());
      });
      timer.unref();
      const cancel = (): void => timer.cancel();
      connection.ready.then(cancel, cancel);
    }
    if (connectionStart.hasSubscribers) connectionStart.publish({ connection });
    this.#updateKeepAlive();
    this.#pump.wake();
    return connection;
  }

  #makeConnectionHost(): ConstructorParameters<typeof QuicConnection>[0] {
    return {
      engine: this.#engine,
      clock: this.#clock,
      wake: () => this.#pump.wake(),
      bindFor: (handle, options) => this.#bindFor(handle, options),
      leaving: (socket) => this.#pump.leaveSocket(socket),
      released: (handle, socket) =>
        this.#sockets.release(handle, socket, this.#clock, () => this.#table.get(handle)?.socket === socket),
      established: (handle) => this.#established(handle),
      ended: (handle, info) => {
        this.#table.ended(handle, info);
        this.#updateKeepAlive();
      },
      writeQlog: (handle, bytes) => {
        const connection = this.#table.get(handle);
        if (connection) this.#logs.qlog(connection, bytes);
      },
    };
  }

  async #bindFor(handle: number, options: MigrateOptions): Promise<UdpSocket> {
    this.#assertOpen();
    const connection = this.#table.get(handle);
    if (!connection)
      throw new QuicError('ERR_QUIC_CONNECTION_CLOSED', 'Cannot bind a socket: the connection is closed');
    const socket = await this.#sockets.bindFurther(connection.remoteAddress, options);
    this.#sockets.own(handle, socket);
    return socket;
  }

  #established(handle: number): void {
    const connection = this.#table.established(handle);
    if (!connection) return;
    if (this.#listener) this.#listener.dispatch(connection);
    else connection.destroy();
  }

  #onEvent(kind: number, handle: number, a: number, b: number, c: number, d: number): void {
    if (kind === EVENT.incoming) {
      if (this.#listener) this.#listener.incoming(handle, a);
      else this.#engine.incomingRefuse(handle);
      return;
    }
    if (kind === EVENT.keyLog) {
      this.#logs.keys(this.#engine.takeKeyLog());
      return;
    }
    const connection = this.#table.get(handle);
    if (!connection) return;
    if (kind === EVENT.drained) this.#drained(handle, connection);
    else connection.handleEvent(kind, a, b, c, d);
  }

  #drained(handle: number, connection: QuicConnection): void {
    this.#table.drained(handle);
    this.#sockets.releaseAll(handle);
    this.#logs.drained(connection);
    this.#updateKeepAlive();
  }

  // Trouble.

  #onCrash(cause: unknown): void {
    const error = crashed(cause);
    this.#listener = undefined;
    for (const connection of [...this.#table.open]) connection.fail(error);
    this.#table.abandon();
    this.#updateKeepAlive();
    void this.#sockets.closeAll();
  }

  // The end.

  #updateKeepAlive(): void {
    const busy = !this.#unref && (this.#listener !== undefined || this.#table.open.size > 0);
    this.#sockets.setKeepAlive(busy);
    this.#pump.setKeepAlive(busy);
  }

  /**
   * Stops listening, closes every connection gracefully, and then the sockets. Resolves when all is done, or `timeout`
   * has passed; what it says to the remotes is sent in any case.
   */
  close(options: EndpointCloseOptions = {}): Promise<void> {
    this.#closed ??= this.#close(options);
    return this.#closed;
  }

  async #close({ timeout = 5000, code = 0, reason = '' }: EndpointCloseOptions): Promise<void> {
    this.stopListening();
    const ends = [...this.#table.open].map((connection) => connection.close({ code, reason, drainTimeout: timeout }));
    await Promise.all(ends);
    await new Promise<void>((resolve) => {
      const limit = this.#clock.setTimer(Math.min(timeout, DRAIN_LIMIT), resolve);
      this.#table.whenDrained(() => {
        limit.cancel();
        resolve();
      });
    });
    this.#pump.finish();
    await Promise.all([this.#sockets.closeAll(), this.#logs.close()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function crashed(cause: unknown): QuicError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new QuicError('ERR_QUIC_ENGINE', message, { cause });
}
