/** Types around `QuicConnection`: its options, details, events and end. */

import type { QuicError } from './errors.js';
import type { ResolvedConnectionOptions } from './options.js';
import type { PathEvent, PathStatus } from './paths.js';
import type { QuicStream } from './stream.js';
import type { SocketAddress, UdpSocket } from './types/udp.js';

/** What the handshake settled. */
export interface HandshakeDetails {
  /** Negotiated application protocol, e.g. `h3`. */
  readonly alpn: string | undefined;
  /** Server name that the client asked for (SNI). */
  readonly serverName: string | undefined;
  /** e.g. `TLS_CHACHA20_POLY1305_SHA256`. */
  readonly cipher: string | undefined;
  /** Key exchange group, e.g. `X25519`. */
  readonly keyExchange: string | undefined;
  /** Whether a session was resumed; no certificates are shown then. */
  readonly resumed: boolean;
  readonly multipath: boolean;
}

/**
 * Fate of early data (0-RTT). `none`: not tried. `pending`: being sent, the server has not answered. A server knows
 * `accepted` and `none` only.
 */
export type EarlyData = 'none' | 'pending' | 'accepted' | 'rejected';

/** How a connection ended. */
export interface CloseInfo {
  /** Application error code of whoever closed it, or the transport error code. */
  readonly errorCode: number;
  readonly reason: string;
  /** Whether the remote closed it. */
  readonly remote: boolean;
  /** What pending operations failed with. */
  readonly error: QuicError;
}

/** Options of `QuicConnection.close`. */
export interface CloseOptions {
  /** Application error code, 0 to 2^53-1. Default 0. */
  readonly code?: number | undefined;
  /** Text for the remote's log. Default none. */
  readonly reason?: string | undefined;
  /** Longest wait for acknowledgement of what finished streams have sent. Default 5000 ms; 0: do not wait. */
  readonly drainTimeout?: number | undefined;
}

/** Where a client's connection is to move. */
export interface MigrateOptions {
  /** Local address. Default: the wildcard of the present family, which lets the system choose. */
  readonly address?: string | undefined;
  /** Local port. Default 0: any free one. */
  readonly port?: number | undefined;
}

/** Options of `QuicConnection.openPath`. */
export interface OpenPathOptions extends MigrateOptions {
  /** Default: the remote address of the first path. */
  readonly remote?: SocketAddress | undefined;
  /** Default `'available'`. */
  readonly status?: PathStatus | undefined;
}

export interface QuicConnectionEvents {
  /** The remote opened a stream. Without a listener, streams wait for `acceptStream`. */
  stream: [stream: QuicStream];
  /** A QUIC datagram came. Without a listener, datagrams wait for `receiveDatagram`. */
  datagram: [bytes: Uint8Array];
  /** Something happened to a path. */
  path: [event: PathEvent];
  /** A session ticket came (client): the next connection can resume, and send early data where the server allows. */
  sessionTicket: [];
  /** The handshake is confirmed (RFC 9001 4.1.2). */
  handshakeConfirmed: [];
  close: [info: CloseInfo];
}

/** What an endpoint makes a connection of. */
export interface ConnectionInit {
  readonly id: string;
  readonly handle: number;
  readonly isClient: boolean;
  readonly options: ResolvedConnectionOptions;
  readonly socket: UdpSocket;
  readonly remote: SocketAddress;
  /** The remote in messages. */
  readonly remoteName: string;
  /** Client: the server name asked for; a server learns it in the handshake. */
  readonly serverName?: string | undefined;
}
