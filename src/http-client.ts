/** The client side of HTTP/3 on real sockets: an undici dispatcher, and `fetch` through it. */

import { Agent } from 'undici';
import type { AgentOptions } from './http3/client/agent.js';
import { Http3Dispatcher } from './http3/client/agent.js';
import type { QuicDialer } from './http3/client/pool.js';
import { runtimeFetch } from './http3/client/runtime-fetch.js';
import {
  type ConnectOptions,
  type ConnectionOptions,
  type IdentityOptions,
  type PinOptions,
  type QuicConnection,
  QuicEndpoint,
  type EndpointEnvironment,
  type QuicEndpointOptions,
  QuicError,
  type TrustOptions,
} from './quic/index.js';
import { systemClock } from './quic/udp/system-clock.js';

/** Options of {@link Http3Agent}: trust, identity and transport as for a `QuicClient`, and when HTTP/3 is used. */
export interface Http3AgentOptions
  extends AgentOptions,
    Omit<ConnectionOptions, 'streamTimeout'>,
    IdentityOptions,
    TrustOptions,
    PinOptions,
    Pick<ConnectOptions, 'verifyPeer' | 'rejectUnauthorized' | 'servername' | 'ciphers' | 'resumption' | 'family'>,
    EndpointEnvironment,
    Pick<QuicEndpointOptions, 'maxConnections'> {}

/** Dials from one endpoint, made at the first call. */
class EndpointDialer implements QuicDialer {
  readonly clock: QuicDialer['clock'];
  readonly #options: Http3AgentOptions;
  #endpoint: Promise<QuicEndpoint> | undefined;
  #keepAlive = false;

  constructor(options: Http3AgentOptions) {
    this.#options = options;
    this.clock = options.clock ?? systemClock;
  }

  async connect(host: string, port: number, servername: string | undefined): Promise<QuicConnection> {
    this.#endpoint ??= this.#create();
    const endpoint = await this.#endpoint;
    const own = servername === undefined ? {} : { servername };
    return endpoint.connect(host, port, {
      ...this.#options,
      ...own,
      alpn: ['h3'],
      ownSocket: true,
      streamTimeout: 0,
      maxConcurrentStreams: this.#options.maxConcurrentStreams ?? 1000,
    });
  }

  async #create(): Promise<QuicEndpoint> {
    try {
      const endpoint = await QuicEndpoint.create(this.#options);
      return this.#keepAlive ? endpoint : endpoint.unref();
    } catch (error) {
      this.#endpoint = undefined;
      throw error;
    }
  }

  setKeepAlive(keepAlive: boolean): void {
    this.#keepAlive = keepAlive;
    this.#endpoint?.then(
      (endpoint) => (this.#keepAlive ? endpoint.ref() : endpoint.unref()),
      () => undefined,
    );
  }

  async close(): Promise<void> {
    const endpoint = await this.#endpoint?.catch(() => undefined);
    await endpoint?.close({ code: 0x100, timeout: 1000 });
  }
}

/** The same identity and trust for TCP, as far as `node:tls` knows them. */
function tcpAgent(options: Http3AgentOptions): Agent {
  const verify = options.verifyPeer ?? options.rejectUnauthorized ?? true;
  if (options.certificatePins !== undefined || options.publicKeyPins !== undefined) {
    throw new QuicError('ERR_QUIC_INVALID_OPTION', "Pins are checked over QUIC only: use them with http3: 'only'");
  }
  if (options.certPath !== undefined || options.keyPath !== undefined || options.caPath !== undefined) {
    throw new QuicError(
      'ERR_QUIC_INVALID_OPTION',
      "For requests over TCP give cert, key and ca themselves, or use http3: 'only'",
    );
  }
  return new Agent({
    allowH2: true,
    connect: {
      rejectUnauthorized: verify,
      ...(options.ca !== undefined && { ca: options.ca as string }),
      ...(options.cert !== undefined && { cert: options.cert as string, key: options.key as string }),
      ...(options.passphrase !== undefined && { passphrase: options.passphrase }),
      ...(options.servername !== undefined && { servername: options.servername }),
    },
  });
}

/**
 * An undici `Dispatcher` that speaks HTTP/3, and falls back to HTTP/2 or HTTP/1.1 over TCP where QUIC does not connect in time.
 *
 * @example
 *     import { setGlobalDispatcher } from 'undici';
 *     setGlobalDispatcher(new Http3Agent());
 *     const response = await fetch('https://example.org/');
 */
export class Http3Agent extends Http3Dispatcher {
  /** @throws InvalidArgumentError of undici */
  constructor(options: Http3AgentOptions = {}) {
    super(new EndpointDialer(options), () => tcpAgent(options), options);
  }
}

/** What `fetch` takes beside a standard `RequestInit`. */
export interface FetchInit extends Omit<RequestInit, 'dispatcher'> {
  /** Which agent sends the request: TLS options and timeouts are its own. Default: one that all calls share. */
  readonly dispatcher?: Http3Agent | undefined;
}

let shared: Http3Agent | undefined;

/**
 * The standard `fetch`, over HTTP/3 where the server speaks it: redirects, decompression, streaming bodies and AbortSignal are
 * the runtime's own, and content coded by zstd is decoded also where the runtime's `fetch` does not (Node 20 and 22). Needs a runtime whose `fetch` takes undici's dispatchers: Node.
 *
 * @throws TypeError as `fetch` does, with what happened as its `cause`; QuicError `ERR_QUIC_INVALID_STATE` on other runtimes
 */
export async function fetch(input: string | URL | Request, init: FetchInit = {}): Promise<Response> {
  if (process.versions['undici'] === undefined || process.versions['bun'] !== undefined) {
    throw new QuicError(
      'ERR_QUIC_INVALID_STATE',
      "This runtime's fetch takes no dispatcher; use QuicClient.sendRequest instead",
    );
  }
  const dispatcher = init.dispatcher ?? (shared ??= new Http3Agent());
  // With `window: null` and redirects refused, the runtime sends a streamed body without keeping a copy for a second try.
  return runtimeFetch(input, { window: null, ...init }, dispatcher);
}
