/** The paths of one connection, and what a person does with them. */

import type { Engine } from '../engine/engine.js';
import { FAILURE } from '../engine/engine.js';
import { EVENT } from '../engine/layout.js';
import type { ConnectionHost } from './connection-host.js';
import { MAX_CODE, type ConnectionLife } from './connection-life.js';
import type { ConnectionInit, MigrateOptions, OpenPathOptions } from './connection-types.js';
import { QuicError } from './errors.js';
import { checkInteger } from './options.js';
import {
  abandonCause,
  openPath,
  pathError,
  readPath,
  type PathEvent,
  type PathStatus,
  type QuicPath,
} from './paths.js';
import type { SocketAddress, UdpSocket } from './types/udp.js';
import { wordsToAddress } from './udp/address.js';

export class PathControl {
  readonly #host: ConnectionHost;
  readonly #engine: Engine;
  readonly #handle: number;
  readonly #life: ConnectionLife;
  readonly #init: ConnectionInit;
  readonly #emit: (event: PathEvent) => void;
  /** Sockets that paths beyond the first were opened from. */
  readonly #sockets = new Map<number, UdpSocket>();
  #socket: UdpSocket;
  #remote: SocketAddress;

  constructor(host: ConnectionHost, init: ConnectionInit, life: ConnectionLife, emit: (event: PathEvent) => void) {
    this.#host = host;
    this.#engine = host.engine;
    this.#handle = init.handle;
    this.#init = init;
    this.#life = life;
    this.#socket = init.socket;
    this.#remote = init.remote;
    this.#emit = emit;
  }

  /** The socket of the first path. */
  get socket(): UdpSocket {
    return this.#socket;
  }

  /** The remote's address on the first path. */
  get remote(): SocketAddress {
    return this.#remote;
  }

  list(): QuicPath[] {
    return this.#engine.paths(this.#handle).flatMap((id) => readPath(this.#engine, this.#handle, id) ?? []);
  }

  /** Goes on from another local address or port, once the handshake is confirmed. */
  async migrate(options: MigrateOptions): Promise<void> {
    this.#assertMigratable();
    // RFC 9000 9 forbids it earlier: a server that still waits for our Finished drops what comes from elsewhere.
    await this.#life.confirmed.promise;
    const socket = await this.#host.bindFor(this.#handle, options);
    if (this.#life.closeError) this.#host.released(this.#handle, socket);
    this.#assertMigratable();
    this.#moveTo(socket);
  }

  #assertMigratable(): void {
    this.#life.assertOpen('migrate');
    const { isClient, remoteName } = this.#init;
    if (isClient && !this.#life.handshaking) return;
    const why = isClient ? 'the handshake is not complete' : 'only the client migrates (RFC 9000 9)';
    throw new QuicError('ERR_QUIC_MIGRATION', `Cannot migrate the connection with ${remoteName}: ${why}`);
  }

  #moveTo(socket: UdpSocket): void {
    const before = this.#socket;
    this.#host.leaving(before);
    this.#socket = socket;
    this.#engine.networkChanged(this.#host.clock.now(), this.#handle);
    this.#host.released(this.#handle, before);
    this.#host.wake();
    this.#emit({ type: 'localAddress', pathId: 0, local: socket.local });
  }

  /** @param multipath asked for once the connection is known to be open */
  async open(options: OpenPathOptions, multipath: () => boolean): Promise<number> {
    this.#life.assertOpen('open a path');
    if (!multipath()) throw pathError(FAILURE.unsupported, 'open a path');
    const socket = await this.#host.bindFor(this.#handle, options);
    try {
      const remote = options.remote ?? this.#remote;
      const id = openPath(
        this.#engine,
        this.#host.clock.now(),
        this.#handle,
        remote,
        socket,
        options.status ?? 'available',
      );
      this.#sockets.set(id, socket);
      this.#host.wake();
      return id;
    } catch (error) {
      this.#host.released(this.#handle, socket);
      throw error;
    }
  }

  close(pathId: number, code: number): void {
    checkInteger('the error code', code, 0, MAX_CODE);
    this.#life.assertOpen('close a path');
    const result = this.#engine.closePath(this.#host.clock.now(), this.#handle, pathId, code);
    if (result < 0) throw pathError(result, `close path ${pathId}`);
    this.#host.wake();
  }

  setStatus(pathId: number, status: PathStatus): void {
    this.#life.assertOpen('change a path');
    const result = this.#engine.setPathStatus(this.#handle, pathId, status === 'backup');
    if (result < 0) throw pathError(result, `change path ${pathId}`);
    this.#host.wake();
  }

  /** An event of the engine about a path; `code` is the 62-bit number of its last two words. */
  handleEvent(kind: number, pathId: number, detail: number, code: number): void {
    switch (kind) {
      case EVENT.pathEstablished:
        this.#emit({ type: 'established', pathId });
        return;
      case EVENT.pathAbandoned:
        this.#emit({ type: 'abandoned', pathId, cause: abandonCause(detail), errorCode: code });
        return;
      case EVENT.pathDiscarded:
        this.#discarded(pathId);
        return;
      case EVENT.pathRemoteStatus:
        this.#emit({ type: 'remoteStatus', pathId, status: detail === 1 ? 'backup' : 'available' });
        return;
      case EVENT.pathMigrated:
        this.#remoteMoved(pathId);
        return;
      case EVENT.observedAddress: {
        const details = this.#engine.path(this.#handle, pathId);
        const address = details && wordsToAddress(details.observed);
        if (address) this.#emit({ type: 'observedAddress', pathId, address });
        return;
      }
    }
  }

  #discarded(pathId: number): void {
    const socket = this.#sockets.get(pathId);
    this.#sockets.delete(pathId);
    if (socket && socket !== this.#socket) this.#host.released(this.#handle, socket);
    this.#emit({ type: 'discarded', pathId });
  }

  #remoteMoved(pathId: number): void {
    const details = this.#engine.path(this.#handle, pathId);
    const remote = details && wordsToAddress(details.remote);
    if (!remote) return;
    this.#remote = remote;
    this.#emit({ type: 'remoteAddress', pathId, remote });
  }
}
