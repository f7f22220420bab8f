/** The client that most people want: an endpoint and a pool of connections. */

import { Http3Connection, sendRequest } from './http3/index.js';
import type {
  HeadersInit,
  OutgoingBody,
  RememberedSettings,
  SendRequestOptions,
  WholeResponse,
} from './http3/index.js';
import { DEFAULT_ALPN, HTTP3_ALPN, noStats, toQuicStats, type QuicConfig, type QuicStats } from './quic-config.js';
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
  type EndpointEnvironment,
  QuicStream,
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
    EndpointEnvironment {
  /** Where `connect()` without arguments goes. Defaults `'localhost'` and 4433. */
  readonly serverHost?: string | undefined;
  readonly serverPort?: number | undefined;
}

const MAX_KNOWN_SERVERS = 1000;

/** What is remembered of a server, beside its session tickets. */
interface KnownServer {
  readonly alpn: string | undefined;
  readonly settings: RememberedSettings | undefined;
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
  readonly #http3 = new WeakMap<QuicConnection, Http3Connection>();
  /** By server: what early data has to keep to. The oldest is forgotten. */
  readonly #known = new Map<string, KnownServer>();
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
    const {
      serverHost = 'localhost',
      serverPort = 4433,
      alpn = [HTTP3_ALPN, DEFAULT_ALPN],
      maxConnections = 100,
    } = this.#config;
    const connectOptions: ConnectOptions = { ...this.#config, alpn, ownSocket: true, signal: options.signal };
    if (endpoint.connections.length >= maxConnections) this.#pool?.evictIdlest();
    if (!this.#pool) throw new QuicError('ERR_QUIC_ENDPOINT_CLOSED', 'The client is shut down; make a new QuicClient');
    const connection = await this.#pool.connect(host ?? serverHost, port ?? serverPort, connectOptions);
    connection.ready.then(
      () => this.#remember(connection, { alpn: connection.details.alpn, settings: undefined }),
      () => undefined,
    );
    return connection;
  }

  #remember(connection: QuicConnection, known: KnownServer): void {
    const name = authorityOf(connection);
    const before = this.#known.get(name);
    this.#known.delete(name);
    this.#known.set(name, { ...known, settings: known.settings ?? before?.settings });
    if (this.#known.size <= MAX_KNOWN_SERVERS) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }

  /** The negotiated protocol. In early data it is that of the last time: a server that chooses another rejects the data. */
  async #alpnOf(connection: QuicConnection): Promise<string | undefined> {
    if (connection.handshaking) {
      const known = connection.earlyData === 'pending' ? this.#known.get(authorityOf(connection)) : undefined;
      if (known) return known.alpn;
      await connection.ready;
    }
    return connection.details.alpn;
  }

  /** An open connection by its `id`. @throws QuicError `ERR_QUIC_CONNECTION_CLOSED` when there is none */
  connection(connectionId: string): QuicConnection {
    const found = this.#ready?.connections.find(({ id }) => id === connectionId);
    if (found) return found;
    if (this.#ready?.crash) throw this.#ready.crash;
    throw new QuicError('ERR_QUIC_CONNECTION_CLOSED', `There is no open connection ${connectionId}; connect again`);
  }

  /**
   * Opens a bidirectional stream; on an HTTP/3 connection, a raw one beside its requests (docs/extensions.md).
   *
   * @throws QuicError `ERR_QUIC_STREAM_LIMIT`, or why the connection ended; Http3Error `ERR_HTTP3_UNSUPPORTED` on an HTTP/3
   *   connection whose server has not announced that it takes raw streams
   */
  async createStream(connectionId: string, options?: OpenStreamOptions): Promise<QuicStream> {
    const connection = this.connection(connectionId);
    if ((await this.#alpnOf(connection)) !== HTTP3_ALPN) return connection.openBidirectionalStream(options);
    const stream = await this.#http3Of(connection).openRawStream(options);
    if (stream instanceof QuicStream) return stream;
    throw new QuicError('ERR_QUIC_INVALID_STATE', 'The stream is none of this package');
  }

  /**
   * Sends an HTTP/3 request and reads the whole response.
   *
   * @param path path and query, from the first slash
   * @throws QuicError `ERR_QUIC_ALPN` when the connection does not speak `h3`, or why it ended; Http3Error
   */
  async sendRequest(
    connectionId: string,
    method: string,
    path: string,
    headers?: HeadersInit,
    body?: OutgoingBody,
    options?: SendRequestOptions,
  ): Promise<WholeResponse> {
    const connection = this.connection(connectionId);
    const alpn = connection.handshaking ? await this.#alpnOf(connection) : connection.details.alpn;
    if (alpn !== HTTP3_ALPN) {
      throw new QuicError(
        'ERR_QUIC_ALPN',
        `Cannot send a request: the connection speaks ${alpn ?? 'no application protocol'}, not h3; the server may have no handler for requests`,
      );
    }
    return sendRequest(this.#http3Of(connection), authorityOf(connection), method, path, headers, body, options);
  }

  #http3Of(connection: QuicConnection): Http3Connection {
    let http3 = this.#http3.get(connection);
    if (!http3) {
      const rememberedSettings = this.#known.get(authorityOf(connection))?.settings;
      const made = new Http3Connection(connection, { enableRawStreams: true, rememberedSettings });
      made.receivedSettings.then(
        () => this.#remember(connection, { alpn: HTTP3_ALPN, settings: made.rememberedSettings }),
        () => undefined,
      );
      http3 = made;
      this.#http3.set(connection, http3);
    }
    return http3;
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

/** What requests name as their server: the name asked for, or its address. */
function authorityOf({ details, remoteAddress }: QuicConnection): string {
  const { address, family, port } = remoteAddress;
  const host = details.serverName ?? (family === 'IPv6' ? `[${address}]` : address);
  return port === 443 ? host : `${host}:${port}`;
}
