/** The server that most people want: an endpoint and its accept loop. */

import type { FetchHandler, RequestLimits, RequestStreamHandler, ServerErrorContext } from './http3/index.js';
import { Http3RequestServer } from './http3/index.js';
import { DEFAULT_ALPN, HTTP3_ALPN, noStats, toQuicStats, type QuicConfig, type QuicStats } from './quic-config.js';
import {
  QuicEndpoint,
  QuicError,
  type EndpointCloseOptions,
  type ListenOptions,
  type QuicConnection,
  type EndpointEnvironment,
  type QuicEndpointOptions,
  QuicStream,
  type SocketAddress,
} from './quic/index.js';
import { systemClock } from './quic/udp/system-clock.js';

/** Options of {@link QuicServer}. A certificate with its key is needed: `certPath` and `keyPath`, or `cert` and `key`. */
export interface QuicServerConfig
  extends QuicConfig,
    Omit<ListenOptions, 'alpn'>,
    RequestLimits,
    EndpointEnvironment,
    Pick<QuicEndpointOptions, 'ipv6Only' | 'reusePort' | 'statelessResetKey' | 'sessionCapacity'> {
  /** Address to listen on. Default `'0.0.0.0'`; `'::'` takes both families. */
  readonly host?: string | undefined;
  /** Default 4433; 0: any free port, see `address`. */
  readonly port?: number | undefined;
  /** Hears of what request handlers and response bodies throw. Default: a diagnostics channel and a process warning. */
  readonly onError?: ((error: unknown, context: ServerErrorContext) => void) | undefined;
}

/** Handlers of {@link QuicServer}; those that are absent do nothing. A rejected promise ends the connection or stream. */
export interface QuicServerHandlers {
  /** A connection is established, or has sent early data. */
  readonly connection?: ((connection: QuicConnection) => void | Promise<void>) | undefined;
  /** A request over HTTP/3, answered by a Response. With this handler `listen` speaks `h3` unless `alpn` says otherwise. */
  readonly request?: FetchHandler | undefined;
  /** A request over HTTP/3, answered on its stream: in place of `request`, at less cost (docs/http3.md). */
  readonly requestStream?: RequestStreamHandler | undefined;
  /**
   * The client opened a stream; on an HTTP/3 connection, a raw one beside its requests (docs/extensions.md). Without this handler
   * the connection handler has to take streams.
   */
  readonly stream?: ((stream: QuicStream, connection: QuicConnection) => void | Promise<void>) | undefined;
}

/**
 * QUIC server.
 *
 * @example
 *     const server = new QuicServer({ certPath: 'cert.pem', keyPath: 'key.pem' });
 *     server.handle({
 *       async stream(stream) {
 *         for await (const chunk of stream) await stream.send(chunk);
 *         await stream.finish();
 *       },
 *     });
 *     await server.listen();
 */
export class QuicServer implements AsyncDisposable {
  readonly #config: QuicServerConfig;
  #handlers: QuicServerHandlers = {};
  #requests: Http3RequestServer | undefined;
  #endpoint: Promise<QuicEndpoint> | undefined;
  #ready: QuicEndpoint | undefined;
  #stopped: Promise<void> | undefined;

  constructor(config: QuicServerConfig = {}) {
    this.#config = config;
  }

  /** Sets handlers, for connections to come; those given before and not now stay. */
  handle(handlers: QuicServerHandlers): this {
    this.#handlers = { ...this.#handlers, ...handlers };
    return this;
  }

  /** Loads the engine and binds the port, without taking connections yet. `listen` does it when needed. */
  async initialize(): Promise<void> {
    await this.#initialized();
  }

  #initialized(): Promise<QuicEndpoint> {
    if (this.#stopped) {
      return Promise.reject(new QuicError('ERR_QUIC_ENDPOINT_CLOSED', 'The server is stopped; make a new QuicServer'));
    }
    const { host = '0.0.0.0', port = 4433, maxConnections = 100 } = this.#config;
    this.#endpoint ??= QuicEndpoint.create({ ...this.#config, host, port, maxConnections }).then(
      (endpoint) => (this.#ready = endpoint),
      (error: unknown) => {
        this.#endpoint = undefined;
        throw error;
      },
    );
    return this.#endpoint;
  }

  /**
   * Takes connections from now on.
   *
   * @throws QuicError about the port, options, certificates and keys
   */
  async listen(): Promise<void> {
    const endpoint = await this.#initialized();
    try {
      const alpn = this.#config.alpn ?? (this.#servesRequests ? [HTTP3_ALPN, DEFAULT_ALPN] : [DEFAULT_ALPN]);
      await endpoint.listen({ ...this.#config, alpn }, (connection) => this.#serve(connection));
    } catch (error) {
      if (!endpoint.listening) await this.stop();
      throw error;
    }
  }

  get #servesRequests(): boolean {
    return this.#handlers.request !== undefined || this.#handlers.requestStream !== undefined;
  }

  async #serve(connection: QuicConnection): Promise<void> {
    const { stream: onStream } = this.#handlers;
    if (this.#servesRequests && connection.details.alpn === HTTP3_ALPN) this.#requestServer().accept(connection);
    else if (onStream) connection.on('stream', (stream) => void this.#serveStream(stream, connection));
    await this.#handlers.connection?.(connection);
  }

  #requestServer(): Http3RequestServer {
    const handlers = (): QuicServerHandlers => this.#handlers;
    this.#requests ??= new Http3RequestServer({
      ...this.#config,
      clock: this.#config.clock ?? systemClock,
      // Looked up at each request, so that a later handle() counts.
      fetch: (request, info) => this.#handlers.request?.(request, info) ?? new Response(null, { status: 501 }),
      get requestStream() {
        return handlers().requestStream;
      },
      http3: { enableRawStreams: this.#handlers.stream !== undefined },
      hooks: (connection) => ({
        rawStream: (stream) => {
          const found = this.connections.find(({ id }) => id === connection.id);
          if (found && stream instanceof QuicStream) void this.#serveStream(stream, found);
        },
      }),
    });
    return this.#requests;
  }

  async #serveStream(stream: QuicStream, connection: QuicConnection): Promise<void> {
    try {
      await this.#handlers.stream?.(stream, connection);
    } catch (error) {
      // The client learns by a reset; the log by a warning, unless it was the client who ended the stream.
      if (stream.sendState !== undefined) stream.reset(0);
      if (stream.receiveState !== undefined) stream.stopSending(0);
      if (!QuicError.isQuicError(error)) {
        process.emitWarning(
          `A stream handler failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
          {
            code: 'SKEIN_HANDLER',
          },
        );
      }
    }
  }

  /** Where the server listens. @throws QuicError `ERR_QUIC_INVALID_STATE` before `initialize` */
  get address(): SocketAddress {
    if (this.#ready) return this.#ready.address;
    throw new QuicError('ERR_QUIC_INVALID_STATE', 'The server is not initialized; call listen() first');
  }

  /** Open connections. */
  get connections(): readonly QuicConnection[] {
    return this.#ready?.connections ?? [];
  }

  /** Measured by the engine; zeros before `initialize`, the last values after `stop`. */
  getStats(): QuicStats {
    return this.#ready ? toQuicStats(this.#ready.stats()) : noStats();
  }

  /** Closes a connection gracefully. Closing one that has ended is no error. */
  async closeConnection(connectionId: string): Promise<void> {
    await this.connections.find(({ id }) => id === connectionId)?.close();
  }

  /** Reads certificates and keys again, for connections to come; whether anything had changed. @throws QuicError */
  async reloadCertificates(): Promise<boolean> {
    return (await this.#initialized()).reloadCertificates();
  }

  /** Stops listening, closes all connections gracefully and the socket; `timeout` bounds it. Twice is no error. */
  stop(options?: EndpointCloseOptions): Promise<void> {
    this.#stopped ??= (async () => {
      const endpoint = await this.#endpoint?.catch(() => undefined);
      endpoint?.stopListening();
      await this.#requests?.close(options?.timeout ?? 5000);
      await endpoint?.close(options);
    })();
    return this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
