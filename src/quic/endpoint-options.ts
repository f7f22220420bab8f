/** Options of endpoints, of listening and of connecting. */

import type { RandomFill } from '../engine/random.js';
import type { ConnectionOptions } from './options.js';
import type { IdentityOptions, PinOptions, TlsMaterialOptions, TrustOptions } from './tls/options.js';
import type { Clock, UdpNetwork } from './types/udp.js';
import type { UdpBackend } from './udp/select-network.js';

/**
 * Takes lines of the NSS key log format, each with its newline. Whoever has them can decrypt the traffic.
 */
export type KeyLogHook = (lines: string) => void;

/** Options of {@link QuicEndpoint.create}. */
export interface QuicEndpointOptions extends ConnectionOptions {
  /** Address to bind. Default `'0.0.0.0'`; `'::'` takes IPv6 and IPv4, unless `ipv6Only`. */
  readonly host?: string | undefined;
  /** Port to bind. Default 0: any free one. */
  readonly port?: number | undefined;
  /** With an IPv6 address: whether IPv4 is left out. Default false. */
  readonly ipv6Only?: boolean | undefined;
  /** Share the port with other sockets (SO_REUSEPORT, where the runtime has it). Default false. */
  readonly reusePort?: boolean | undefined;
  /** Kernel buffers to ask for, in bytes. Default 4 MiB each; the kernel may grant less, and windows follow what it grants. */
  readonly receiveBufferSize?: number | undefined;
  readonly sendBufferSize?: number | undefined;
  /** Connections that the endpoint holds at a time, dialled and accepted. Default 10000, 1 to 1,000,000. */
  readonly maxConnections?: number | undefined;
  /**
   * Secret of at least 16 bytes from which stateless reset tokens are made (RFC 9000 10.3). Give the same one after a
   * restart, and remotes learn at once that their connections are gone. Default: random.
   */
  readonly statelessResetKey?: Uint8Array | undefined;
  /** Sessions that a server remembers for resumption; the oldest are forgotten. Default 10000. */
  readonly sessionCapacity?: number | undefined;
  /** Gets TLS secrets. Default: none, unless the environment variable SSLKEYLOGFILE names a file. */
  readonly keyLog?: KeyLogHook | undefined;
  /**
   * How the endpoint reaches UDP:
   *
   * - `'dgram'` (default): by `node:dgram`, everywhere.
   * - `'native'`: by the system calls of Linux, called through `node:ffi` (Node >= 26.6, Linux on x64 or arm64, main
   *   thread). Many datagrams go to and come from the kernel with one call (GSO, GRO), ECN is used (RFC 9000 13.4), and
   *   datagrams are never fragmented, not even by the local machine. `node:ffi` is experimental: Node prints a warning.
   *   Where it cannot be used, which a self-test finds out, `create` fails with `ERR_QUIC_UDP_UNAVAILABLE` and says why.
   * - `'auto'`: `'native'` where it can be used, else `'dgram'`. `QuicEndpoint.udp` tells which.
   *
   * The environment variable SKEIN_UDP changes the default.
   */
  readonly udp?: UdpBackend | undefined;
  /**
   * How long, in milliseconds, the event loop is kept awake for the answer to what has just been sent, where the answers before have all
   * come as fast: from another process of this machine, or a near neighbour. Exchanges one at a time then take a third of the time and half of the
   * CPU time, since a processor that was asleep is slow at first. On a path of more delay, and on an idle connection, nothing waits
   * awake. Default 0.15, 0 (never) to 10. The environment variable SKEIN_BUSY_POLL changes the default.
   */
  readonly busyPoll?: number | undefined;
  /** Network, time and randomness, for simulations (`skein/testing`). Defaults: the real ones. */
  readonly network?: UdpNetwork | undefined;
  readonly clock?: Clock | undefined;
  readonly randomFill?: RandomFill | undefined;
}

/** What clients and servers of every kind pass on to their endpoint: how it reaches the network, and who hears its secrets. */
export type EndpointEnvironment = Pick<
  QuicEndpointOptions,
  'keyLog' | 'udp' | 'busyPoll' | 'network' | 'clock' | 'randomFill' | 'receiveBufferSize' | 'sendBufferSize'
>;

/** Options of {@link QuicEndpoint.close}. */
export interface EndpointCloseOptions {
  /** Longest time for everything, in milliseconds. Default 5000. */
  readonly timeout?: number | undefined;
  /** Application error code and reason for the remotes. Defaults 0 and none. */
  readonly code?: number | undefined;
  readonly reason?: string | undefined;
}

/** When a server answers a first flight with Retry, to make the client prove its address (RFC 9000 8.1.2). */
export type RetryPolicy = 'never' | 'always' | { readonly fromHandshakes: number };

/** What a server may do with an attempt before it costs anything. */
export type IncomingVerdict = 'accept' | 'refuse' | 'retry' | 'ignore';

/** An attempt of a client. */
export interface IncomingAttempt {
  readonly remote: { readonly address: string; readonly port: number };
  /** Whether the client has proved its address by a token. */
  readonly addressValidated: boolean;
  /** Handshakes under way at this endpoint. */
  readonly handshakes: number;
}

/** Options of {@link QuicEndpoint.listen}. */
export interface ListenOptions extends TlsMaterialOptions, ConnectionOptions {
  /** Application protocols spoken, best first. Default: the keys of the handlers. */
  readonly alpn?: readonly string[] | undefined;
  /** TLS 1.3 cipher suites, best first. Default ChaCha20-Poly1305, AES-128-GCM, AES-256-GCM. */
  readonly ciphers?: readonly string[] | undefined;
  /** Whether clients are asked for a certificate. Default false. */
  readonly requestCert?: boolean | undefined;
  /** With `requestCert`: refuse clients that show none, or one that does not verify. Default true. */
  readonly rejectUnauthorized?: boolean | undefined;
  /** Default `{ fromHandshakes: 100 }`: from the hundredth concurrent handshake on. */
  readonly retry?: RetryPolicy | undefined;
  /** Decides on each attempt; `undefined` leaves it to `retry` and the limits. */
  readonly onIncoming?: ((attempt: IncomingAttempt) => IncomingVerdict | undefined) | undefined;
  /** Handshakes under way at a time; beyond, first flights are ignored, and clients try again. Default 1000. */
  readonly maxHandshakes?: number | undefined;
  /** Session tickets sent after a handshake, each good for one resumption. Default 2, 0 to 16. */
  readonly sessionTickets?: number | undefined;
  /** Whether clients may change their address (RFC 9000 9). Default true. */
  readonly migration?: boolean | undefined;
  /** Address validation tokens (NEW_TOKEN) sent to each client. Default 2, 0 to 16. */
  readonly validationTokens?: number | undefined;
  /** How long tokens are good for, in milliseconds. Defaults 15000 (Retry) and 1209600000 (NEW_TOKEN, two weeks). */
  readonly retryTokenLifetime?: number | undefined;
  readonly validationTokenLifetime?: number | undefined;
  /**
   * Addresses that clients should move to after the handshake (RFC 9000 9.6), e.g. `192.0.2.1:4433`. Whether they do is
   * up to them; skein's own client stays. Default none.
   */
  readonly preferredAddress?: { readonly ipv4?: string | undefined; readonly ipv6?: string | undefined } | undefined;
}

/** Options of {@link QuicEndpoint.connect}. */
export interface ConnectOptions extends IdentityOptions, TrustOptions, PinOptions, ConnectionOptions {
  /** Application protocols offered, best first. */
  readonly alpn: readonly string[];
  /** Whether the server's certificate is verified: chain, name, dates. Default true. Pins hold in any case. */
  readonly verifyPeer?: boolean | undefined;
  /** As in `node:tls`: another name for `verifyPeer`. */
  readonly rejectUnauthorized?: boolean | undefined;
  /** Name that the certificate must be for, and that is asked for by SNI. Default: the host. */
  readonly servername?: string | undefined;
  /** TLS 1.3 cipher suites offered. Default all three. */
  readonly ciphers?: readonly string[] | undefined;
  /** Whether tickets and tokens of earlier connections are used, and new ones kept. Default true. */
  readonly resumption?: boolean | undefined;
  /** Use a socket of its own, connected to the remote: sends cost less, and refused ports are noticed. Default false. */
  readonly ownSocket?: boolean | undefined;
  /** Address families to use. Default both. */
  readonly family?: 4 | 6 | undefined;
  /** Gives up with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}
