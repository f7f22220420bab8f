/** What errors of sockets and vanished addresses mean for the connections of an endpoint. */

import { errorChannel } from '../observe/channels.js';
import type { QuicConnection } from './connection.js';
import { QuicError } from './errors.js';
import type { UdpSocket } from './types/udp.js';
import { formatSocketAddress, unmapAddress } from './udp/address.js';

/** A connection whose local address has vanished looks for another at most this often. */
const CHECK_INTERVAL = 1000;

/** ICMP said that the port is closed (Windows: ECONNRESET). Only sockets that are connected to a remote learn it. */
const REFUSED = new Set(['ECONNREFUSED', 'ECONNRESET']);
/** The operating system, or a router by ICMP, knows no way to the remote, or does not let datagrams through. */
const NO_WAY = new Set([
  'ENETUNREACH',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'EINVAL',
  'EACCES',
  'EPERM',
]);

/** What the watch asks of its endpoint. */
export interface NetworkWatchHost {
  readonly connections: ReadonlySet<QuicConnection>;
  /** Whether the local address of a socket still exists. */
  hasAddress(socket: UdpSocket): boolean;
}

export class NetworkWatch {
  readonly #host: NetworkWatchHost;
  #checkedAt = -Infinity;

  constructor(host: NetworkWatchHost) {
    this.#host = host;
  }

  /** A socket failed to send or receive; `fatal`: it is of no use any more. */
  socketError(socket: UdpSocket, error: NodeJS.ErrnoException, fatal: boolean): void {
    if (errorChannel.hasSubscribers) errorChannel.publish({ error });
    for (const connection of [...this.#host.connections]) {
      if (connection.socket !== socket) continue;
      if (fatal) moveOrFail(connection, error);
      else if (isAbout(connection, error) && isUnanswered(connection)) giveUp(connection, error);
    }
  }

  /** Something waited in vain: maybe because a local address is gone, which a socket bound to it does not tell. */
  check(now: number): void {
    if (now - this.#checkedAt < CHECK_INTERVAL) return;
    this.#checkedAt = now;
    for (const connection of [...this.#host.connections]) {
      if (!connection.isClient || connection.handshaking || this.#host.hasAddress(connection.socket)) continue;
      moveOrFail(connection, new Error(`the local address ${connection.localAddress.address} is gone`));
    }
  }
}

/** Whether an error of a socket concerns the remote of this connection; sockets may serve many. */
function isAbout(connection: QuicConnection, error: NodeJS.ErrnoException): boolean {
  if (connection.socket.connectedTo) return true;
  const { address, port } = error as { address?: string; port?: number };
  const remote = connection.remoteAddress;
  return address !== undefined && port === remote.port && unmapAddress(address) === remote.address;
}

/**
 * Whether a client has heard nothing of its server yet. From the first answer on, errors of the network are hints that
 * anybody can forge or that pass: QUIC repeats what was lost, and the idle timeout ends what is dead.
 */
function isUnanswered(connection: QuicConnection): boolean {
  return connection.isClient && connection.handshaking && connection.stats().bytesReceived === 0;
}

function giveUp(connection: QuicConnection, cause: NodeJS.ErrnoException): void {
  const { code = '' } = cause;
  const { address, port } = connection.remoteAddress;
  if (REFUSED.has(code)) {
    const message = `Nobody listens on UDP port ${port} of ${address} (the port was refused). Check that the server runs, and its port`;
    connection.fail(new QuicError('ERR_QUIC_UNREACHABLE', message, { cause }));
  } else if (NO_WAY.has(code)) {
    const message = `Cannot reach ${formatSocketAddress({ address, port })} over UDP: ${code}. Look at the address, the route to it, and the firewalls`;
    connection.fail(new QuicError('ERR_QUIC_UNREACHABLE', message, { cause }));
  }
}

/** The network of a client's socket is gone: go on from another address, if there is one. */
function moveOrFail(connection: QuicConnection, error: Error): void {
  const failure = new QuicError('ERR_QUIC_SOCKET', `The UDP socket of the connection failed: ${error.message}`, {
    cause: error,
  });
  if (!connection.isClient || connection.handshaking) connection.fail(failure);
  else connection.migrate().catch(() => connection.fail(failure));
}
