/** The sockets of an endpoint: its own, and those that single connections dial, move or open paths with. */

import type { QuicEndpointOptions } from './endpoint-options.js';
import { QuicError } from './errors.js';
import { checkInteger } from './options.js';
import type { Pump } from './pump.js';
import type { Clock, SocketAddress, UdpNetwork, UdpSocket } from './types/udp.js';
import { isWildcard } from './udp/address.js';

const MIB = 1024 * 1024;
/** Datagrams that were on their way to the former address still come; they are taken for this long. */
const LINGER = 1000;

export class SocketSet {
  readonly #network: UdpNetwork;
  readonly #pump: Pump;
  readonly #options: QuicEndpointOptions;
  readonly #all = new Set<UdpSocket>();
  /** By the handle of a connection: the sockets beside the endpoint's own that it alone uses. */
  readonly #owned = new Map<number, Set<UdpSocket>>();
  #main: UdpSocket | undefined;
  #lastId = 0;
  #keepAlive = false;

  constructor(network: UdpNetwork, pump: Pump, options: QuicEndpointOptions) {
    this.#network = network;
    this.#pump = pump;
    this.#options = options;
    checkInteger('port', options.port ?? 0, 0, 65_535);
    checkInteger('receiveBufferSize', options.receiveBufferSize ?? 1, 1, 2 ** 30);
    checkInteger('sendBufferSize', options.sendBufferSize ?? 1, 1, 2 ** 30);
  }

  /** The endpoint's own socket. */
  get main(): UdpSocket {
    if (!this.#main) throw new QuicError('ERR_QUIC_ENDPOINT_CLOSED', 'The endpoint has no socket');
    return this.#main;
  }

  async bindMain(): Promise<void> {
    const { host = '0.0.0.0', port = 0, ipv6Only = false, reusePort } = this.#options;
    this.#main = await this.#bind({ address: host, port, ipv6Only, ...(reusePort === undefined ? {} : { reusePort }) });
  }

  async #bind(
    where: Pick<Parameters<UdpNetwork['bind']>[0], 'address' | 'port' | 'ipv6Only' | 'connectTo' | 'reusePort'>,
  ): Promise<UdpSocket> {
    const socket = await this.#network.bind({
      ...where,
      id: ++this.#lastId,
      receiveBufferBytes: this.#options.receiveBufferSize ?? 4 * MIB,
      sendBufferBytes: this.#options.sendBufferSize ?? 4 * MIB,
      sink: this.#pump,
    });
    this.#all.add(socket);
    this.#pump.addSocket(socket);
    if (this.#keepAlive) socket.ref();
    else socket.unref();
    return socket;
  }

  /** The socket to dial a remote from. @throws QuicError when the endpoint's own is of the other family */
  async towards(remote: SocketAddress, own: boolean): Promise<UdpSocket> {
    if (own) {
      const address = remote.family === 'IPv6' ? '::' : '0.0.0.0';
      return this.#bind({ address, port: 0, ipv6Only: false, connectTo: remote });
    }
    const { main } = this;
    const v6 = main.local.family === 'IPv6';
    if (remote.family === 'IPv6' ? v6 : !v6 || (main.local.address === '::' && this.#options.ipv6Only !== true))
      return main;
    throw new QuicError(
      'ERR_QUIC_ADDRESS_NOT_AVAILABLE',
      `Cannot reach ${remote.address} from a socket bound to ${main.local.address}: bind the endpoint to '::' for both families`,
    );
  }

  /** A further socket for a connection with the remote. */
  bindFurther(
    remote: SocketAddress,
    where: { readonly address?: string | undefined; readonly port?: number | undefined },
  ): Promise<UdpSocket> {
    const wildcard = remote.family === 'IPv6' ? '::' : '0.0.0.0';
    return this.#bind({ address: where.address ?? wildcard, port: where.port ?? 0, ipv6Only: false });
  }

  /** Notes that a socket serves one connection, and closes with it. */
  own(connection: number, socket: UdpSocket): void {
    if (socket === this.#main) return;
    const owned = this.#owned.get(connection);
    if (owned === undefined) this.#owned.set(connection, new Set([socket]));
    else owned.add(socket);
  }

  /** The connection has moved on from a socket; it closes a little later, unless it is in use again by then. */
  release(connection: number, socket: UdpSocket, clock: Clock, inUse: () => boolean): void {
    const owned = this.#owned.get(connection);
    if (owned?.has(socket) !== true) return;
    clock
      .setTimer(LINGER, () => {
        if (inUse()) return;
        owned.delete(socket);
        this.discard(socket);
      })
      .unref();
  }

  /** The connection is over. */
  releaseAll(connection: number): void {
    for (const socket of this.#owned.get(connection) ?? []) this.discard(socket);
    this.#owned.delete(connection);
  }

  /** Closes a socket, unless it is the endpoint's own. */
  discard(socket: UdpSocket): void {
    if (socket === this.#main || !this.#all.delete(socket)) return;
    this.#pump.removeSocket(socket);
    void socket.close();
  }

  /** Whether the local address of a socket still exists. */
  hasAddress(socket: UdpSocket): boolean {
    return isWildcard(socket.local.address) || this.#network.hasLocalAddress(socket.local.address);
  }

  maxPayloadTowards(remote: SocketAddress): number | undefined {
    return this.#network.maxPayloadTowards(this.main.local, remote);
  }

  setKeepAlive(keepAlive: boolean): void {
    if (keepAlive === this.#keepAlive) return;
    this.#keepAlive = keepAlive;
    for (const socket of this.#all) {
      if (keepAlive) socket.ref();
      else socket.unref();
    }
  }

  async closeAll(): Promise<void> {
    const sockets = [...this.#all];
    this.#all.clear();
    this.#owned.clear();
    for (const socket of sockets) this.#pump.removeSocket(socket);
    await Promise.all(sockets.map((socket) => socket.close()));
  }
}
