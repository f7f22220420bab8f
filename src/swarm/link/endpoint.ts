/** The QUIC endpoint of a member: one socket that listens for other members and dials them. */

import {
  QuicEndpoint,
  QuicError,
  type ConnectOptions,
  type ConnectionOptions,
  type QuicConnection,
  type QuicEndpointOptions,
  type SocketAddress,
} from '../../quic/index.js';
import type { EndpointStats } from '../../quic/index.js';
import { SwarmError } from '../errors.js';
import type { SwarmIdentity } from '../security/identity.js';
import { SWARM_ALPN } from '../wire/codes.js';

/** What an endpoint of a swarm is made of. */
export interface SwarmEndpointOptions
  extends Pick<
    QuicEndpointOptions,
    'network' | 'clock' | 'randomFill' | 'keyLog' | 'qlogDir' | 'maxConnections' | 'statelessResetKey'
  > {
  readonly identity: SwarmIdentity;
  readonly host: string;
  readonly port: number;
  /** CA that certificates of members must lead to; `undefined`: any certificate, since the secret decides. */
  readonly ca: string | undefined;
  /** Milliseconds of silence after which a remote is given up. */
  readonly lease: number;
}

/** How a member is dialled. */
export interface DialOptions {
  /** SHA-256 of the certificate that the remote must show; `undefined`: it proves itself otherwise. */
  readonly fingerprint?: string | undefined;
  /** Verify the certificate against the CA and the host's name. */
  readonly verify?: boolean | undefined;
  readonly earlyData?: boolean | undefined;
  /** Milliseconds of silence after which QUIC forgets the connection, unless the remote says less. Default: twice the lease. */
  readonly idleTimeout?: number | undefined;
  /** Longest handshake in milliseconds. Default: twice the lease, at least 5000. */
  readonly connectionTimeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Longer than any lease that makes sense, in milliseconds. */
const LONGEST_SILENCE = 2 * 3_600_000;
/** Exchanges that one remote may have under way on one connection. */
const MAX_STREAMS = 1000;

export class SwarmEndpoint {
  readonly #endpoint: QuicEndpoint;
  readonly #options: SwarmEndpointOptions;

  private constructor(endpoint: QuicEndpoint, options: SwarmEndpointOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
  }

  /** Binds, and listens: `accept` gets every connection whose handshake is complete, or whose early data has come. */
  static async create(
    options: SwarmEndpointOptions,
    accept: (connection: QuicConnection) => void,
  ): Promise<SwarmEndpoint> {
    const { host, port, network, clock, randomFill, keyLog, qlogDir, maxConnections, statelessResetKey } = options;
    const endpoint = await QuicEndpoint.create({
      ...connectionOptions(options.lease),
      host,
      port,
      network,
      clock,
      randomFill,
      keyLog,
      qlogDir,
      maxConnections,
      statelessResetKey,
    });
    const { cert, key } = options.identity;
    await endpoint.listen(
      {
        alpn: [SWARM_ALPN],
        cert,
        key,
        ca: options.ca,
        requestCert: true,
        rejectUnauthorized: options.ca !== undefined,
        keepAliveInterval: 0,
        // Whoever dials says how long silence may last: it knows the lease of the swarm, and the smaller value counts.
        idleTimeout: LONGEST_SILENCE,
      },
      accept,
    );
    return new SwarmEndpoint(endpoint, options);
  }

  get address(): SocketAddress {
    return this.#endpoint.address;
  }

  /** The dialling side keeps the connection alive: its PINGs and their acknowledgements renew the lease of both. */
  async dial(host: string, port: number, options: DialOptions): Promise<QuicConnection> {
    const { identity, ca, lease } = this.#options;
    const connect: ConnectOptions = {
      alpn: [SWARM_ALPN],
      cert: identity.cert,
      key: identity.key,
      ca,
      verifyPeer: options.verify ?? false,
      certificatePins: options.fingerprint === undefined ? undefined : [options.fingerprint],
      ownSocket: true,
      keepAliveInterval: Math.max(1, Math.floor(lease / 3)),
      enableEarlyData: options.earlyData ?? false,
      idleTimeout: options.idleTimeout ?? 2 * lease,
      connectionTimeout: options.connectionTimeout,
      signal: options.signal,
    };
    try {
      return await this.#endpoint.connect(host, port, connect);
    } catch (error) {
      throw dialError(error, `${host}:${port}`);
    }
  }

  stats(): EndpointStats {
    return this.#endpoint.stats();
  }

  /** Lets the process exit although this endpoint is open. */
  unref(): void {
    this.#endpoint.unref();
  }

  close(code: number, reason: string, timeout: number): Promise<void> {
    return this.#endpoint.close({ code, reason, timeout });
  }
}

/** A connection that did not come about, or not for long: whether nobody was there, or a certificate was not to somebody's liking. */
export function dialError(error: unknown, where: string): unknown {
  if (!QuicError.isQuicError(error)) return error;
  const { code, message, remote } = error;
  if (code.startsWith('ERR_QUIC_CERTIFICATE_') || code === 'ERR_QUIC_TLS') {
    return new SwarmError('ERR_SWARM_AUTHENTICATION', `No connection to ${where}: ${message}`, {
      remote,
      cause: error,
    });
  }
  return new SwarmError('ERR_SWARM_UNREACHABLE', `Cannot reach ${where}: ${message}`, { cause: error });
}

function connectionOptions(lease: number): ConnectionOptions {
  return {
    // Who is silent for a lease is given up by the swarm; QUIC forgets a little later what nobody looks at.
    idleTimeout: 2 * lease,
    connectionTimeout: Math.max(2 * lease, 5000),
    // Exchanges have deadlines of their own.
    streamTimeout: 0,
    maxConcurrentStreams: MAX_STREAMS,
    // Messages are small mostly, and somebody waits for each.
    streamCopies: true,
  };
}
