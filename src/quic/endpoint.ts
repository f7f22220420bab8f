/** A QUIC endpoint: one UDP socket that can listen and dial at once, and the engine behind it. */

import type { Engine } from '../engine/engine.js';
import { EVENT, NO_CONNECTION } from '../engine/layout.js';
import { busyPollOf } from './busy-poll.js';
import { crashOf } from './close-reason.js';
import type { QuicConnection } from './connection.js';
import { ConnectionTable } from './connection-table.js';
import { createEngine } from './create-engine.js';
import { EndpointConnections } from './endpoint-connections.js';
import { EndpointLogs } from './endpoint-logs.js';
import { Dialer } from './dialer.js';
import type { ConnectOptions, EndpointCloseOptions, ListenOptions, QuicEndpointOptions } from './endpoint-options.js';
import { readEndpointStats, type EndpointStats } from './endpoint-stats.js';
import { QuicError } from './errors.js';
import { Listener, type ConnectionHandlers } from './listener.js';
import {
  checkInteger,
  OptionsResolver,
  pathMtuBound,
  resolveConnectionOptions,
  type ResolvedConnectionOptions,
} from './options.js';
import { NetworkWatch } from './network-watch.js';
import { Pump } from './pump.js';
import { SocketSet } from './sockets.js';
import type { Clock, SocketAddress, UdpNetwork } from './types/udp.js';
import { selectNetwork } from './udp/select-network.js';
import { systemClock } from './udp/system-clock.js';

/** Time that the last packets of closed connections get, beyond which the sockets close. */
const DRAIN_LIMIT = 1000;

export class QuicEndpoint implements AsyncDisposable {
  /** The UDP backend in use (option `udp`); undefined on a `network` of one's own. */
  readonly udp: 'dgram' | 'native' | undefined;
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #pump: Pump;
  readonly #sockets: SocketSet;
  readonly #base: ResolvedConnectionOptions;
  readonly #dialled: OptionsResolver;
  readonly #maxConnections: number;
  readonly #dialer: Dialer;
  readonly #logs: EndpointLogs;
  readonly #connections: EndpointConnections;
  #listener: Listener | undefined;
  #closed: Promise<void> | undefined;
  #unref = false;

  private constructor(
    engine: Engine,
    clock: Clock,
    network: Awaited<ReturnType<typeof networkOf>>,
    options: QuicEndpointOptions,
    base: ResolvedConnectionOptions,
  ) {
    this.udp = network.name;
    this.#engine = engine;
    this.#clock = clock;
    this.#base = base;
    this.#dialled = new OptionsResolver(base);
    this.#maxConnections = options.maxConnections ?? 10_000;
    this.#logs = new EndpointLogs(options.keyLog);
    const table = new ConnectionTable();
    const watch = new NetworkWatch({
      connections: table.open,
      hasAddress: (socket) => this.#sockets.hasAddress(socket),
    });
    const busyPoll = busyPollOf(options);
    this.#pump = new Pump(engine, clock, busyPoll, {
      onEvent: (kind, connection, a, b, c, d) => this.#onEvent(kind, connection, a, b, c, d),
      socketOf: (handle) => (handle === NO_CONNECTION ? 0 : (table.get(handle)?.socket.id ?? 0)),
      onSocketError: (socket, error, fatal) => watch.socketError(socket, error, fatal),
      onCrash: () => this.#onCrash(),
      onTimeout: (now) => watch.check(now),
    });
    // Whichever call crashes: the pump finds out in its next turn, and ends the connections.
    engine.onCrash = () => this.#pump.wake();
    this.#sockets = new SocketSet(network.network, this.#pump, options);
    this.#connections = new EndpointConnections(
      {
        engine,
        clock,
        pump: this.#pump,
        sockets: this.#sockets,
        logs: this.#logs,
        assertOpen: () => this.#assertOpen(),
        accepted: (connection) => {
          if (this.#listener) this.#listener.dispatch(connection);
          else connection.destroy();
        },
        changed: () => this.#updateKeepAlive(),
      },
      table,
    );
    this.#dialer = new Dialer(this.#dialerHost());
  }

  /**
   * Makes an endpoint and binds its socket.
   *
   * @throws QuicError `ERR_QUIC_ADDRESS_IN_USE`, `ERR_QUIC_ADDRESS_NOT_AVAILABLE`, `ERR_QUIC_PERMISSION`,
   *   `ERR_QUIC_UDP_UNAVAILABLE`, `ERR_QUIC_INVALID_OPTION`; EngineError `ERR_ENGINE_LOAD`
   */
  static async create(options: QuicEndpointOptions = {}): Promise<QuicEndpoint> {
    const base = resolveConnectionOptions(options);
    checkInteger('maxConnections', options.maxConnections ?? 1, 1, 1_000_000);
    const clock = options.clock ?? systemClock;
    const network = await networkOf(options);
    const engine = await createEngine(options, clock);
    const endpoint = new QuicEndpoint(engine, clock, network, options, base);
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
      adoptDialled: (dialled) => this.#connections.adopt({ ...dialled, isClient: true }),
    };
  }

  // What it is.

  /** Address that the endpoint's own socket is bound to. */
  get address(): SocketAddress {
    return this.#sockets.main.local;
  }

  /** Open connections. */
  get connections(): readonly QuicConnection[] {
    return [...this.#connections.table.open];
  }

  get listening(): boolean {
    return this.#listener !== undefined;
  }

  /** @internal `ERR_QUIC_ENGINE`, once the engine has crashed. */
  get crash(): QuicError | undefined {
    return crashOf(this.#engine);
  }

  /** What the engine has counted and measured. */
  stats(): EndpointStats {
    return readEndpointStats(this.#engine, this.#connections.table, this.#listener?.turnedAway);
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
        return endpoint.#connections.table.open.size;
      },
      get handshakes(): number {
        return endpoint.#connections.table.handshakes;
      },
      mtuBoundTowards: (remote, options) => this.#mtuBound(remote, options),
      adopt: (handle, remote, options) => {
        const remoteName = `${remote.family === 'IPv6' ? `[${remote.address}]` : remote.address}:${remote.port}`;
        this.#connections.adopt({ handle, isClient: false, remote, remoteName, options, socket: this.#sockets.main });
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
    this.#assertAlive();
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
    return this.#dialer.connect(host, port, options, this.#dialled.resolve(options));
  }

  #assertOpen(): void {
    this.#assertAlive();
    if (this.#closed) throw new QuicError('ERR_QUIC_ENDPOINT_CLOSED', 'The endpoint is closed; make a new one');
  }

  #assertAlive(): void {
    const { crash } = this;
    if (crash) throw crash;
  }

  #assertRoom(): void {
    this.#assertOpen();
    if (this.#connections.table.open.size < this.#maxConnections) return;
    throw new QuicError(
      'ERR_QUIC_TOO_MANY_CONNECTIONS',
      `The endpoint holds ${this.#connections.table.open.size} connections, its maxConnections; close some or raise the limit`,
    );
  }

  #mtuBound(remote: SocketAddress, options: ResolvedConnectionOptions): number {
    return pathMtuBound(options, () => this.#sockets.maxPayloadTowards(remote));
  }

  // What the engine tells.

  #onEvent(kind: number, handle: number, a: number, b: number, c: number, d: number): void {
    if (kind === EVENT.incoming) {
      if (this.#listener) this.#listener.incoming(handle, a);
      else this.#engine.incomingRefuse(handle);
    } else if (kind === EVENT.keyLog) this.#logs.keys(this.#engine.takeKeyLog());
    else this.#connections.handleEvent(kind, handle, a, b, c, d);
  }

  #onCrash(): void {
    this.#listener = undefined;
    if (this.crash) this.#connections.failAll(this.crash);
    void this.#sockets.closeAll();
  }

  // The end.

  #updateKeepAlive(): void {
    const busy = !this.#unref && (this.#listener !== undefined || this.#connections.table.open.size > 0);
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
    const ends = [...this.#connections.table.open].map((connection) =>
      connection.close({ code, reason, drainTimeout: timeout }),
    );
    await Promise.all(ends);
    await new Promise<void>((resolve) => {
      const limit = this.#clock.setTimer(Math.min(timeout, DRAIN_LIMIT), resolve);
      this.#connections.table.whenDrained(() => {
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

/** The network that the options ask for. */
async function networkOf({
  network,
  udp,
}: QuicEndpointOptions): Promise<{ readonly network: UdpNetwork; readonly name: 'dgram' | 'native' | undefined }> {
  if (network === undefined) return selectNetwork(udp);
  if (udp === undefined) return { network, name: undefined };
  throw new QuicError('ERR_QUIC_INVALID_OPTION', 'udp chooses a network, and network is one: give one of both');
}
