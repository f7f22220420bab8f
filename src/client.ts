/** The client that most people want: an endpoint and a pool of connections. */

import { DEFAULT_ALPN, noStats, toQuicStats, type QuicConfig, type QuicStats } from './quic-config.js';
import {
  ConnectionPool,
  QuicEndpoint,
  QuicError,
  type ConnectOptions,
  type EndpointCloseOptions,
  type IdentityOptions,
  type OpenStreamOptions,
  type PinOptions,
  type PoolOptions,
  type QuicConnection,
  type QuicEndpointOptions,
  type QuicStream,
  type TrustOptions,
  type WaitOptions,
} from './quic/index.js';

/** Options of {@link QuicClient}; all have defaults. */
export interface QuicClientConfig
  extends QuicConfig,
    IdentityOptions,
    TrustOptions,
    PinOptions,
    Pick<ConnectOptions, 'verifyPeer' | 'rejectUnauthorized' | 'servername' | 'ciphers' | 'resumption' | 'family'>,
    Pick<PoolOptions, 'idleEviction'>,
    Pick<QuicEndpointOptions, 'keyLog' | 'network' | 'clock' | 'randomFill' | 'receiveBufferSize' | 'sendBufferSize'> {
  /** Where `connect()` without arguments goes. Defaults `'localhost'` and 4433. */
  readonly serverHost?: string | undefined;
  readonly serverPort?: number | undefined;
}

/**
 * QUIC client.
 *
 * @example
 *     const client = new QuicClient({ serverHost: 'example.org' });
 *     const connection = await client.connect();
 *     const stream = await client.createStream(connection.id);
 *     await stream.send(new TextEncoder().encode('hello'));
 *     await stream.finish();
 *     console.log(new TextDecoder().decode(await stream.receiveAll()));
 *     await client.shutdown();
 */
export class QuicClient implements AsyncDisposable {
  readonly #config: QuicClientConfig;
  #endpoint: Promise<QuicEndpoint> | undefined;
  #ready: QuicEndpoint | undefined;
  #pool: ConnectionPool | undefined;
  #shutDown: Promise<void> | undefined;

  constructor(config: QuicClientConfig = {}) {
    this.#config = config;
  }

  /** Loads the engine and binds a socket. `connect` does it when needed. @throws QuicError, EngineError */
  async initialize(): Promise<void> {
    await this.#initialized();
  }

  #initialized(): Promise<QuicEndpoint> {
    if (this.#shutDown) {
      return Promise.reject(
        new QuicError('ERR_QUIC_ENDPOINT_CLOSED', 'The client is shut down; make a new QuicClient'),
      );
    }
    this.#endpoint ??= QuicEndpoint.create({
      ...this.#config,
      maxConnections: this.#config.maxConnections ?? 100,
    }).then(
      (endpoint) => {
        this.#ready = endpoint;
        this.#pool = new ConnectionPool(endpoint, this.#config);
        return endpoint;
      },
      (error: unknown) => {
        this.#endpoint = undefined;
        throw error;
      },
    );
    return this.#endpoint;
  }

  /**
   * The connection to a server: the live one to that host and port if there is one, else a new one. With
   * `enableEarlyData` it resolves at once for a server known from before; `connection.ready` then tells of the handshake.
   *
   * @param host default: `serverHost`
   * @param port default: `serverPort`
   * @throws QuicError with a code for each cause
   */
  async connect(host?: string, port?: number, options: WaitOptions = {}): Promise<QuicConnection> {
    const endpoint = await this.#initialized();
    const { serverHost = 'localhost', serverPort = 4433, alpn = [DEFAULT_ALPN], maxConnections = 100 } = this.#config;
    const connectOptions: ConnectOptions = { ...this.#config, alpn, ownSocket: true, signal: options.signal };
    if (endpoint.connections.length >= maxConnections) this.#pool?.evictIdlest();
    if (!this.#pool) throw new QuicError('ERR_QUIC_ENDPOINT_CLOSED', 'The client is shut down; make a new QuicClient');
    return this.#pool.connect(host ?? serverHost, port ?? serverPort, connectOptions);
  }

  /** An open connection by its `id`. @throws QuicError `ERR_QUIC_CONNECTION_CLOSED` when there is none */
  connection(connectionId: string): QuicConnection {
    const found = this.#ready?.connections.find(({ id }) => id === connectionId);
    if (found) return found;
    throw new QuicError('ERR_QUIC_CONNECTION_CLOSED', `There is no open connection ${connectionId}; connect again`);
  }

  /** Opens a bidirectional stream. @throws QuicError `ERR_QUIC_STREAM_LIMIT`, or why the connection ended */
  async createStream(connectionId: string, options?: OpenStreamOptions): Promise<QuicStream> {
    return this.connection(connectionId).openBidirectionalStream(options);
  }

  /** Measured by the engine; zeros before `initialize`, the last values after `shutdown`. */
  getStats(): QuicStats {
    return this.#ready ? toQuicStats(this.#ready.stats()) : noStats();
  }

  /** Closes a connection gracefully. Closing one that has ended is no error. */
  async closeConnection(connectionId: string): Promise<void> {
    await this.#ready?.connections.find(({ id }) => id === connectionId)?.close();
  }

  /** Closes all connections gracefully and the socket; `timeout` bounds it. Calling it twice is no error. */
  shutdown(options?: EndpointCloseOptions): Promise<void> {
    this.#shutDown ??= (async () => {
      this.#pool?.stop();
      const endpoint = await this.#endpoint?.catch(() => undefined);
      await endpoint?.close(options);
    })();
    return this.#shutDown;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }
}
