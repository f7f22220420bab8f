/** The paths of one connection: what they are, how they change, and how a person changes them. */

import type { Engine } from '../engine/engine.js';
import { FAILURE } from '../engine/engine.js';
import { PATH_ABANDON_CAUSE } from '../engine/layout.js';
import { QuicError } from './errors.js';
import { readPathStats, type PathStats } from './stats.js';
import type { SocketAddress, UdpSocket } from './types/udp.js';
import { addressToWords, wordsToAddress } from './udp/address.js';

/** Whether a path is used for data (`available`) or only when no available one works (`backup`). */
export type PathStatus = 'available' | 'backup';

/** One path of a connection. Without multipath there is one, with the ID 0. */
export interface QuicPath {
  readonly id: number;
  readonly remote: SocketAddress;
  /** As set by this side and by the remote. */
  readonly localStatus: PathStatus | undefined;
  readonly remoteStatus: PathStatus | undefined;
  /** Our address as the remote sees it, where it tells (address discovery). */
  readonly observedAddress: SocketAddress | undefined;
  readonly stats: PathStats;
}

/** What happened to a path. */
export type PathEvent =
  /** Multipath: the path is validated and carries data from now on. */
  | { readonly type: 'established'; readonly pathId: number }
  /** Multipath: the path will not be used any more. `errorCode` is what PATH_ABANDON said. */
  | {
      readonly type: 'abandoned';
      readonly pathId: number;
      readonly cause: 'local' | 'remote' | 'timedOut' | 'networkChange';
      readonly errorCode: number;
    }
  /** Multipath: its state is gone. */
  | { readonly type: 'discarded'; readonly pathId: number }
  /** Multipath: the remote wants it used, or kept as a backup. */
  | { readonly type: 'remoteStatus'; readonly pathId: number; readonly status: PathStatus }
  /** The remote's address changed: NAT rebinding or migration (RFC 9000 9). */
  | { readonly type: 'remoteAddress'; readonly pathId: number; readonly remote: SocketAddress }
  /** This side moved to another local address. */
  | { readonly type: 'localAddress'; readonly pathId: number; readonly local: SocketAddress }
  /** The remote told this side's address as it sees it. */
  | { readonly type: 'observedAddress'; readonly pathId: number; readonly address: SocketAddress };

const CAUSES = new Map<number, 'local' | 'remote' | 'timedOut' | 'networkChange'>([
  [PATH_ABANDON_CAUSE.local, 'local'],
  [PATH_ABANDON_CAUSE.remote, 'remote'],
  [PATH_ABANDON_CAUSE.timedOut, 'timedOut'],
  [PATH_ABANDON_CAUSE.networkChange, 'networkChange'],
]);

/** Words of an abandoned path's cause. */
export function abandonCause(code: number): 'local' | 'remote' | 'timedOut' | 'networkChange' {
  return CAUSES.get(code) ?? 'timedOut';
}

function statusOf(code: number): PathStatus | undefined {
  if (code === 1) return 'available';
  return code === 2 ? 'backup' : undefined;
}

/** Reads a path; `undefined` when it does not exist. */
export function readPath(engine: Engine, connection: number, id: number): QuicPath | undefined {
  const details = engine.path(connection, id);
  const stats = readPathStats(engine, connection, id);
  const remote = details && wordsToAddress(details.remote);
  if (!details || !stats || !remote) return undefined;
  return {
    id,
    remote,
    localStatus: statusOf(details.localStatus),
    remoteStatus: statusOf(details.remoteStatus),
    observedAddress: wordsToAddress(details.observed),
    stats,
  };
}

/**
 * Opens a path from a socket to a remote address; its ID.
 *
 * @throws QuicError `ERR_QUIC_MULTIPATH_UNSUPPORTED`, `ERR_QUIC_PATH`
 */
export function openPath(
  engine: Engine,
  now: number,
  connection: number,
  remote: SocketAddress,
  socket: UdpSocket,
  status: PathStatus,
): number {
  const words = new Uint32Array(7);
  if (!addressToWords(remote.address, remote.port, words)) {
    throw new QuicError('ERR_QUIC_INVALID_OPTION', `${remote.address} is not an IP address`);
  }
  const id = engine.openPath(now, connection, words, socket.id, status === 'backup');
  if (id < 0) throw pathError(id, `open a path to ${remote.address} port ${remote.port}`);
  return id;
}

/** The error that a failed call about a path means. */
export function pathError(failure: number, what: string): QuicError {
  switch (failure) {
    case FAILURE.unsupported:
      return new QuicError(
        'ERR_QUIC_MULTIPATH_UNSUPPORTED',
        `Cannot ${what}: multipath was not negotiated. Set maxPaths to 2 or more on both sides`,
      );
    case FAILURE.pathsExhausted:
      return new QuicError(
        'ERR_QUIC_PATH',
        `Cannot ${what}: the limit of paths is reached, or the remote has not sent connection IDs for it yet. Close a path, or try again`,
      );
    case FAILURE.lastOpenPath:
      return new QuicError('ERR_QUIC_PATH', `Cannot ${what}: it is the last one. Close the connection instead`);
    case FAILURE.illegalState:
      return new QuicError('ERR_QUIC_PATH', `Cannot ${what}: only the client opens paths`);
    case FAILURE.closedPath:
      return new QuicError('ERR_QUIC_PATH', `Cannot ${what}: there is no such path`);
    default:
      return new QuicError('ERR_QUIC_CONNECTION_CLOSED', `Cannot ${what}: the connection is closed`);
  }
}
