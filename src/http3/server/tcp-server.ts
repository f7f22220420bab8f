/** HTTPS over TCP beside HTTP/3: `node:http2`, which speaks HTTP/1.1 too, with the way to HTTP/3 in each response (Alt-Svc). */

import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { type FetchHandling, resolveLimits } from './handler.js';
import { TcpExchange, type TcpRequest, type TcpResponse } from './tcp-exchange.js';

/** A certificate with its key, in PEM, and the names that it answers to; no names: any. */
export interface TcpIdentity {
  readonly names: readonly string[];
  readonly certificate: string;
  readonly key: string;
}

/** Options of {@link TcpServer}. */
export interface TcpServerOptions {
  /** The first without names answers to everything. */
  readonly identities: readonly TcpIdentity[];
  /** Where HTTP/3 is found: value of the Alt-Svc field (RFC 7838). Default: none. */
  readonly altSvc?: (() => string) | undefined;
  /** TLS options beyond certificates. */
  readonly tls?:
    | (Pick<SecureContextOptions, 'ca'> & { readonly requestCert?: boolean; readonly rejectUnauthorized?: boolean })
    | undefined;
}

export class TcpServer {
  readonly #server: Http2SecureServer;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #active = new Set<Promise<void>>();
  #contexts: { readonly names: readonly string[]; readonly context: SecureContext }[] = [];

  constructor(handling: FetchHandling, options: TcpServerOptions) {
    const limits = resolveLimits(handling);
    const [first] = options.identities;
    this.#server = createSecureServer({
      ...options.tls,
      allowHTTP1: true,
      cert: first?.certificate,
      key: first?.key,
      minVersion: 'TLSv1.2',
      maxHeaderListPairs: 256,
      settings: { maxHeaderListSize: limits.maxFieldSectionSize, maxConcurrentStreams: 100 },
      SNICallback: (name, done) => done(null, this.#contextFor(name)),
    });
    this.setIdentities(options.identities);
    // HTTP/1.1 connections that dawdle are ended by node:http, those of HTTP/2 by the idle timeout.
    const http1 = this.#server as unknown as {
      headersTimeout: number;
      requestTimeout: number;
      keepAliveTimeout: number;
    };
    http1.headersTimeout = limits.headersTimeout;
    http1.requestTimeout = 0;
    this.#server.on('request', (request: TcpRequest, response: TcpResponse) => {
      const exchange = new TcpExchange(request, response, handling, limits, options.altSvc?.());
      const run = exchange.run();
      this.#active.add(run);
      void run.then(() => this.#active.delete(run));
    });
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('session', (session) => {
      this.#sessions.add(session);
      session.on('error', () => undefined);
      session.once('close', () => this.#sessions.delete(session));
    });
    // Failed handshakes are the business of whoever shook hands.
    this.#server.on('tlsClientError', () => undefined);
    this.#server.on('sessionError', () => undefined);
  }

  /** Uses other certificates for connections to come. */
  setIdentities(identities: readonly TcpIdentity[]): void {
    const [first] = identities;
    if (first) this.#server.setSecureContext({ cert: first.certificate, key: first.key });
    this.#contexts = identities
      .filter(({ names }) => names.length > 0)
      .map(({ names, certificate, key }) => ({ names, context: createSecureContext({ cert: certificate, key }) }));
  }

  #contextFor(name: string): SecureContext | undefined {
    const wanted = name.toLowerCase();
    const wildcard = `*.${wanted.split('.').slice(1).join('.')}`;
    return (
      this.#contexts.find(({ names }) => names.includes(wanted)) ??
      this.#contexts.find(({ names }) => names.includes(wildcard))
    )?.context;
  }

  /** @throws the error of `node:net`, such as EADDRINUSE */
  listen(port: number, host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, host }, () => {
        this.#server.off('error', reject);
        this.#server.on('error', () => undefined);
        resolve();
      });
    });
  }

  /** Finishes what is under way, at most for `timeout` milliseconds, and closes. */
  async close(timeout: number): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    for (const session of this.#sessions) session.close();
    const idle = setTimeout(() => this.#cutOff(), timeout);
    await Promise.all(this.#active);
    // Connections of HTTP/1.1 that are kept alive would hold the server open; what they were sent has a moment to leave.
    for (const socket of this.#sockets) socket.end();
    await closed;
    clearTimeout(idle);
  }

  #cutOff(): void {
    for (const session of this.#sessions) session.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }
}
