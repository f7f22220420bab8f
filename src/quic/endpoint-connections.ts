/** The connections of an endpoint: how they are made, what they need of it, and which event of the engine is whose. */

import type { Engine } from '../engine/engine.js';
import { EVENT } from '../engine/layout.js';
import { connectionStart } from '../observe/channels.js';
import type { ConnectionHost } from './connection-host.js';
import type { ConnectionTable } from './connection-table.js';
import type { ConnectionInit, MigrateOptions } from './connection-types.js';
import { QuicConnection } from './connection.js';
import type { EndpointLogs } from './endpoint-logs.js';
import { QuicError } from './errors.js';
import { HandshakeTimer } from './handshake-timer.js';
import type { Pump } from './pump.js';
import type { SocketSet } from './sockets.js';
import type { Clock, UdpSocket } from './types/udp.js';

/** What the connections ask of their endpoint. */
export interface ConnectionsHost {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly pump: Pump;
  readonly sockets: SocketSet;
  readonly logs: EndpointLogs;
  /** @throws QuicError `ERR_QUIC_ENDPOINT_CLOSED`, `ERR_QUIC_ENGINE` */
  assertOpen(): void;
  /** A connection of a client is established, or has sent early data, and wants its handler. */
  accepted(connection: QuicConnection): void;
  /** Connections have come or gone. */
  changed(): void;
}

let endpoints = 0;

export class EndpointConnections {
  readonly table: ConnectionTable;
  readonly #host: ConnectionsHost;
  readonly #name = `e${++endpoints}`;
  readonly #connectionHost: ConnectionHost;
  readonly #handshakes: HandshakeTimer;

  constructor(host: ConnectionsHost, table: ConnectionTable) {
    this.#host = host;
    this.table = table;
    this.#connectionHost = this.#makeConnectionHost();
    this.#handshakes = new HandshakeTimer(host.clock, host.pump, table);
  }

  /** Makes a connection of what the engine has dialled or accepted. */
  adopt(init: Omit<ConnectionInit, 'id'>): QuicConnection {
    const { clock, pump, sockets } = this.#host;
    const id = `${this.#name}c${++this.table.total}`;
    const connection = new QuicConnection(this.#connectionHost, { ...init, id });
    const { connectionTimeout } = init.options;
    const deadline = connectionTimeout > 0 ? clock.now() + connectionTimeout : Infinity;
    this.table.add(init.handle, connection, deadline);
    this.#handshakes.watch(deadline);
    sockets.own(init.handle, init.socket);
    if (connectionStart.hasSubscribers) connectionStart.publish({ connection });
    this.#host.changed();
    pump.wake();
    return connection;
  }

  #makeConnectionHost(): ConnectionHost {
    const { engine, clock, pump, sockets, logs } = this.#host;
    return {
      engine,
      clock,
      wake: () => pump.wake(),
      flushed: () => pump.flushed(),
      begun: () => pump.begun(),
      finished: (round) => pump.finished(round),
      bindFor: (handle, options) => this.#bindFor(handle, options),
      leaving: (socket) => pump.leaveSocket(socket),
      released: (handle, socket) =>
        sockets.release(handle, socket, clock, () => this.table.get(handle)?.socket === socket),
      established: (handle) => {
        const connection = this.table.established(handle);
        if (connection) this.#host.accepted(connection);
      },
      ended: (handle, info) => {
        this.table.ended(handle, info);
        this.#host.changed();
      },
      writeQlog: (handle, bytes) => {
        const connection = this.table.get(handle);
        if (connection) logs.qlog(connection, bytes);
      },
    };
  }

  async #bindFor(handle: number, options: MigrateOptions): Promise<UdpSocket> {
    this.#host.assertOpen();
    const connection = this.table.get(handle);
    const { sockets } = this.#host;
    const socket = connection && (await sockets.bindFurther(connection.remoteAddress, options));
    // It may be over by now, and would never let go of what it owns.
    if (socket && this.table.get(handle) === connection) {
      sockets.own(handle, socket);
      return socket;
    }
    if (socket) sockets.discard(socket);
    throw new QuicError('ERR_QUIC_CONNECTION_CLOSED', 'Cannot bind a socket: the connection is closed');
  }

  /** An event of the engine about the connection with this handle. */
  handleEvent(kind: number, handle: number, a: number, b: number, c: number, d: number): void {
    const connection = this.table.get(handle);
    if (!connection) return;
    if (kind === EVENT.drained) this.#drained(handle, connection);
    else connection.handleEvent(kind, a, b, c, d);
  }

  #drained(handle: number, connection: QuicConnection): void {
    this.table.drained(handle);
    this.#host.sockets.releaseAll(handle);
    this.#host.logs.drained(connection);
    this.#host.changed();
  }

  /** The engine crashed: no event will come any more. */
  failAll(error: QuicError): void {
    for (const connection of [...this.table.open]) connection.fail(error);
    this.table.abandon();
    this.#host.changed();
  }
}
