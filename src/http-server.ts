/** A web server: HTTP/3 over QUIC, and the same handler over TCP on the same port number. */

import type { RequestHandling } from './http3/index.js';
import { Http3RequestServer } from './http3/index.js';
import { TcpServer } from './http3/server/tcp-server.js';
import {
  type ListenOptions,
  type QuicConnection,
  QuicEndpoint,
  type EndpointEnvironment,
  type QuicEndpointOptions,
  QuicError,
  type SocketAddress,
} from './quic/index.js';
import { loadIdentity, serverName } from './quic/tls/identity.js';
import { systemClock } from './quic/udp/system-clock.js';

/** Options of {@link createServer}. A certificate with its key is needed: `cert` and `key`, or `certPath` and `keyPath`. */
export interface HttpServerOptions
  extends RequestHandling,
    Omit<ListenOptions, 'alpn' | 'streamTimeout'>,
    EndpointEnvironment,
    Pick<QuicEndpointOptions, 'ipv6Only' | 'maxConnections' | 'statelessResetKey' | 'sessionCapacity'> {
  /** Address to listen on. Default `'0.0.0.0'`; `'::'` takes both families. */
  readonly host?: string | undefined;
  /** Port of UDP and TCP. Default 4433; 0: any that is free in both, see `port`. */
  readonly port?: number | undefined;
  /**
   * Whether HTTP/2 and HTTP/1.1 are served over TCP on the same port number, by `fetch`, so that browsers find HTTP/3 (Alt-Svc,
   * RFC 7838). Default true.
   */
  readonly tcp?: boolean | undefined;
  /** How long clients may remember that HTTP/3 is here, in seconds. Default 86,400; 0: Alt-Svc is not sent. */
  readonly altSvcMaxAge?: number | undefined;
}

/** Attempts to find one port number that is free for UDP and TCP. */
const PORT_ATTEMPTS = 20;

/** Options of {@link HttpServer.close}. */
export interface HttpServerCloseOptions {
  /** Longest time for what is under way, in milliseconds; then it is cut off. Default 10,000; 0: at once. */
  readonly timeout?: number | undefined;
}

/** A server made by {@link createServer}. */
export class HttpServer implements AsyncDisposable {
  readonly #options: HttpServerOptions;
  readonly #requests: Http3RequestServer;
  #listening: Promise<this> | undefined;
  #endpoint: QuicEndpoint | undefined;
  #tcp: TcpServer | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#requests = new Http3RequestServer({ ...options, clock: options.clock ?? systemClock });
  }

  /**
   * Binds the ports and takes requests from now on.
   *
   * @throws QuicError about the port, options, certificates and keys; the error of `node:net` about the TCP port
   */
  listen(): Promise<this> {
    if (this.#closed) {
      return Promise.reject(new QuicError('ERR_QUIC_ENDPOINT_CLOSED', 'The server is closed; make a new one'));
    }
    this.#listening ??= this.#listen();
    return this.#listening;
  }

  async #listen(): Promise<this> {
    const { port = 4433 } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const endpoint = await this.#bindUdp();
      try {
        if (this.#options.tcp !== false && !this.#options.network) await this.#bindTcp(endpoint.address.port);
        this.#endpoint = endpoint;
        await endpoint.listen({ ...this.#options, alpn: ['h3'], streamTimeout: 0 }, (connection) =>
          this.#accept(connection),
        );
        return this;
      } catch (error) {
        await endpoint.close({ timeout: 0 });
        const taken = (error as { code?: unknown }).code === 'EADDRINUSE';
        if (port === 0 && taken && attempt < PORT_ATTEMPTS) continue;
        await this.#tcp?.close(0);
        this.#listening = undefined;
        throw error;
      }
    }
  }

  #bindUdp(): Promise<QuicEndpoint> {
    const { host = '0.0.0.0', port = 4433 } = this.#options;
    return QuicEndpoint.create({ ...this.#options, host, port });
  }

  async #bindTcp(port: number): Promise<void> {
    const options = this.#options;
    const { fetch } = options;
    if (fetch === undefined) {
      throw new QuicError(
        'ERR_QUIC_INVALID_OPTION',
        'Requests over TCP are answered by fetch: give it beside requestStream, or leave TCP out (tcp: false)',
      );
    }
    const { altSvcMaxAge = 86_400, host = '0.0.0.0', requestCert, rejectUnauthorized } = options;
    const altSvc = altSvcMaxAge === 0 ? undefined : () => `h3=":${port}"; ma=${altSvcMaxAge}`;
    const tcp = new TcpServer(
      { ...options, fetch },
      {
        identities: await this.#identities(),
        altSvc,
        tls: { ...(requestCert === true && { requestCert, rejectUnauthorized: rejectUnauthorized !== false }) },
      },
    );
    await tcp.listen(port, host);
    this.#tcp = tcp;
  }

  async #identities(): Promise<Awaited<ReturnType<typeof loadAll>>> {
    return loadAll(this.#options);
  }

  #accept(connection: QuicConnection): void {
    this.#requests.accept(connection);
  }

  /** Where the server listens. @throws QuicError `ERR_QUIC_INVALID_STATE` before `listen` */
  get address(): SocketAddress {
    if (this.#endpoint) return this.#endpoint.address;
    throw new QuicError('ERR_QUIC_INVALID_STATE', 'The server does not listen yet; call listen() first');
  }

  /** Port of UDP and TCP. @throws QuicError as {@link address} */
  get port(): number {
    return this.address.port;
  }

  /** Open QUIC connections. */
  get connections(): readonly QuicConnection[] {
    return this.#endpoint?.connections ?? [];
  }

  /** Requests over HTTP/3 in the making. */
  get activeRequests(): number {
    return this.#requests.activeRequests;
  }

  /** Lets the process exit although the server listens on UDP. */
  unref(): this {
    this.#endpoint?.unref();
    return this;
  }

  /** Reads certificates and keys again, for connections to come; whether anything had changed. @throws QuicError */
  async reloadCertificates(): Promise<boolean> {
    await this.listen();
    const changed = (await this.#endpoint?.reloadCertificates()) ?? false;
    if (changed) this.#tcp?.setIdentities(await this.#identities());
    return changed;
  }

  /**
   * Takes no new requests, finishes those under way (GOAWAY on HTTP/3), and closes. Twice is no error.
   */
  close({ timeout = 10_000 }: HttpServerCloseOptions = {}): Promise<void> {
    this.#closed ??= this.#close(timeout);
    return this.#closed;
  }

  async #close(timeout: number): Promise<void> {
    await this.#listening?.catch(() => undefined);
    this.#endpoint?.stopListening();
    await Promise.all([this.#requests.close(timeout), this.#tcp?.close(timeout)]);
    await this.#endpoint?.close({ code: 0x100, timeout: Math.min(timeout, 1000) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

async function loadAll(
  options: HttpServerOptions,
): Promise<{ names: readonly string[]; certificate: string; key: string }[]> {
  const main = await loadIdentity(options);
  if (!main) {
    throw new QuicError(
      'ERR_QUIC_INVALID_OPTION',
      'A server needs a certificate: give cert and key, or certPath and keyPath',
    );
  }
  const others = Object.entries(options.sni ?? {}).map(([name, identity]) =>
    loadIdentity(identity, [serverName(name)], `sni["${name}"].`),
  );
  const loaded = await Promise.all(others);
  return [main, ...loaded.filter((identity) => identity !== undefined)];
}

/**
 * Makes a web server whose handler takes a `Request` and returns a `Response`.
 *
 * @example
 *     const server = createServer({ certPath: 'cert.pem', keyPath: 'key.pem', port: 443, fetch: () => new Response('hello') });
 *     await server.listen();
 */
export function createServer(options: HttpServerOptions): HttpServer {
  return new HttpServer(options);
}
