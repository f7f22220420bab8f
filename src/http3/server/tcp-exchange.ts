/** The same handler over TCP: one request of HTTP/2 or HTTP/1.1, as `node:http2` and `node:http` give it. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { fromHeadersInit, type HeadersInit, isConnectionSpecific } from '../fields.js';
import type { HandlerInfo, FetchHandling, ResolvedLimits } from './handler.js';
import { report } from './report.js';
import type { TlsDetails } from './request-info.js';

/** A request of either version. */
export type TcpRequest = IncomingMessage | Http2ServerRequest;
/** The response to it. */
export type TcpResponse = ServerResponse | Http2ServerResponse;

type TrailersGiver = HeadersInit | (() => HeadersInit | Promise<HeadersInit>);

let connectionCount = 0;
const connectionIds = new WeakMap<object, string>();

function connectionIdOf(socket: object): string {
  let id = connectionIds.get(socket);
  if (id === undefined) {
    id = `t${++connectionCount}`;
    connectionIds.set(socket, id);
  }
  return id;
}

export class TcpExchange implements HandlerInfo {
  readonly #request: TcpRequest;
  readonly #response: TcpResponse;
  readonly #handling: FetchHandling;
  readonly #limits: ResolvedLimits;
  readonly #altSvc: string | undefined;
  readonly #abort = new AbortController();
  readonly #socket: TLSSocket;
  #trailers: TrailersGiver | undefined;
  #url = '';

  constructor(
    request: TcpRequest,
    response: TcpResponse,
    handling: FetchHandling,
    limits: ResolvedLimits,
    altSvc: string | undefined,
  ) {
    this.#request = request;
    this.#response = response;
    this.#handling = handling;
    this.#limits = limits;
    this.#altSvc = altSvc;
    // HTTP/2's compatibility layer guards its socket; the session beneath has the real one.
    this.#socket = ('stream' in request ? request.stream.session?.socket : request.socket) as TLSSocket;
  }

  get httpVersion(): HandlerInfo['httpVersion'] {
    const { httpVersion } = this.#request;
    return httpVersion === '2.0' || httpVersion === '1.0' ? httpVersion : '1.1';
  }

  get remote(): HandlerInfo['remote'] {
    const { remoteAddress = '', remotePort = 0, remoteFamily } = this.#socket;
    return { address: remoteAddress, port: remotePort, family: remoteFamily === 'IPv6' ? 'IPv6' : 'IPv4' };
  }

  get local(): HandlerInfo['local'] {
    const { localAddress = '', localPort = 0 } = this.#socket;
    return { address: localAddress, port: localPort, family: localAddress.includes(':') ? 'IPv6' : 'IPv4' };
  }

  get connectionId(): string {
    return connectionIdOf(this.#socket);
  }

  readonly early = false;

  get tls(): TlsDetails {
    const socket = this.#socket;
    const certificate = socket.getPeerX509Certificate?.();
    return {
      alpn: typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : undefined,
      cipher: socket.getCipher?.().standardName,
      serverName:
        typeof (socket as { servername?: unknown }).servername === 'string'
          ? (socket as unknown as { servername: string }).servername
          : undefined,
      resumed: socket.isSessionReused?.() ?? false,
      peerCertificates: certificate ? [certificate.raw] : [],
    };
  }

  get trailers(): Promise<Headers> {
    const request = this.#request;
    return new Promise((resolve, reject) => {
      const done = (): void => resolve(new Headers(request.trailers as Record<string, string>));
      if (request.readableEnded || request.complete) done();
      else {
        request.once('end', done);
        request.once('close', () => reject(new Error('The request was cut off')));
      }
    });
  }

  earlyHints(headers: HeadersInit): void {
    if (this.#response.headersSent) return;
    const hints: Record<string, string | string[]> = {};
    for (const { name, value } of fromHeadersInit(headers)) {
      const before = hints[name];
      hints[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
    }
    // The method insists on Link; without it there is nothing to hint at.
    if (hints['link'] !== undefined) this.#response.writeEarlyHints(hints);
  }

  sendTrailers(trailers: TrailersGiver): void {
    this.#trailers = trailers;
  }

  /** Serves the request. Never rejects. */
  async run(): Promise<void> {
    const response = this.#response;
    response.once('close', () => {
      if (!response.writableEnded || !response.writableFinished) this.#abort.abort(new Error('The client has gone'));
    });
    response.on('error', () => undefined);
    this.#request.on('error', () => undefined);
    try {
      const request = this.#makeRequest();
      if (!request) return;
      await this.#respond(request);
    } catch (error) {
      if (!this.#abort.signal.aborted) report(this.#handling, error, this.#context('body'));
      response.destroy(error instanceof Error ? error : undefined);
    }
  }

  #makeRequest(): Request | undefined {
    const incoming = this.#request;
    const { maxBodySize } = this.#limits;
    const headers: [string, string][] = [];
    for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2) {
      const name = incoming.rawHeaders[at] ?? '';
      if (!name.startsWith(':')) headers.push([name, incoming.rawHeaders[at + 1] ?? '']);
    }
    const authority =
      ('authority' in incoming ? incoming.authority : undefined) ?? incoming.headers.host ?? 'localhost';
    const method = incoming.method ?? 'GET';
    const target = incoming.url ?? '/';
    if (maxBodySize > 0 && Number(incoming.headers['content-length'] ?? 0) > maxBodySize) {
      this.#plain(413, `The body is larger than ${maxBodySize} bytes\n`);
      return undefined;
    }
    try {
      this.#url = target.startsWith('/')
        ? `https://${authority}${target}`
        : target === '*'
          ? `https://${authority}/`
          : target;
      const init = { method, headers, signal: this.#abort.signal };
      const hasBody = method !== 'GET' && method !== 'HEAD' && !incoming.readableEnded;
      if (!hasBody) return new Request(this.#url, init);
      const body = Readable.toWeb(incoming) as ReadableStream<Uint8Array>;
      return new Request(this.#url, { ...init, body: limited(body, maxBodySize), duplex: 'half' });
    } catch {
      this.#plain(method === 'TRACE' || method === 'CONNECT' ? 501 : 400, 'The request is not understood\n');
      return undefined;
    }
  }

  async #respond(request: Request): Promise<void> {
    let response: Response;
    try {
      response = await this.#handling.fetch(request, this);
      if (typeof response !== 'object' || !(response.status >= 200))
        throw new TypeError('The handler returned no Response');
      if (response.bodyUsed) throw new TypeError('The handler returned a Response whose body was used already');
    } catch (error) {
      if (!this.#abort.signal.aborted) report(this.#handling, error, this.#context('handler'));
      this.#plain(500, 'Internal Server Error\n');
      return;
    }
    await this.#write(response);
  }

  async #write(response: Response): Promise<void> {
    const out = this.#response;
    const headers: Record<string, string | string[]> = {};
    for (const [name, value] of response.headers) {
      if (name !== 'set-cookie' && !isConnectionSpecific(name)) headers[name] = value;
    }
    const cookies = response.headers.getSetCookie();
    if (cookies.length > 0) headers['set-cookie'] = cookies;
    if (this.#altSvc !== undefined) headers['alt-svc'] ??= this.#altSvc;
    if (this.#trailers !== undefined && this.httpVersion === '1.1') headers['transfer-encoding'] = 'chunked';
    const { body } = response;
    const reader = this.#request.method === 'HEAD' ? undefined : body?.getReader();
    (out as ServerResponse).writeHead(response.status, headers);
    if (reader) await this.#pump(reader);
    else if (body) await body.cancel();
    if (this.#trailers !== undefined) {
      const given = this.#trailers;
      const fields = fromHeadersInit(typeof given === 'function' ? await given() : given);
      out.addTrailers(Object.fromEntries(fields.map(({ name, value }) => [name, value])));
    }
    out.end();
  }

  async #pump(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const out = this.#response as ServerResponse;
    const { signal } = this.#abort;
    const { sendTimeout } = this.#limits;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        if (!(value instanceof Uint8Array)) throw new TypeError('A body is made of Uint8Arrays');
        signal.throwIfAborted();
        if (!out.write(value)) await drained(out, signal, sendTimeout);
      }
    } catch (error) {
      reader.cancel(error).catch(() => undefined);
      throw error;
    }
  }

  #plain(status: number, text: string): void {
    if (this.#response.headersSent) return;
    const headers = { 'content-type': 'text/plain;charset=UTF-8', 'content-length': String(Buffer.byteLength(text)) };
    (this.#response as ServerResponse).writeHead(status, headers);
    (this.#response as ServerResponse).end(text);
  }

  #context(phase: 'handler' | 'body'): Parameters<typeof report>[2] {
    return { phase, method: this.#request.method ?? 'GET', url: this.#url, remote: this.remote };
  }
}

/** Until there is room again; rejects when the client goes away or takes nothing for too long. */
function drained(out: ServerResponse, signal: AbortSignal, timeout: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer =
      timeout > 0
        ? setTimeout(
            () => over(new Error(`The client took none of the response for sendTimeout, ${timeout} ms`)),
            timeout,
          )
        : undefined;
    const onDrain = (): void => over();
    const onAbort = (): void => over(signal.reason as Error);
    const over = (error?: Error): void => {
      clearTimeout(timer);
      out.off('drain', onDrain);
      signal.removeEventListener('abort', onAbort);
      if (error) reject(error);
      else resolve();
    };
    out.once('drain', onDrain);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** A body that fails beyond `limit` bytes; 0: any number. */
function limited(body: ReadableStream<Uint8Array>, limit: number): ReadableStream<Uint8Array> {
  if (limit === 0) return body;
  let received = 0;
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller): void {
        received += chunk.length;
        if (received > limit)
          controller.error(new Error(`The request body is larger than maxBodySize, ${limit} bytes`));
        else controller.enqueue(chunk);
      },
    }),
  );
}
