/** One request and its response over HTTP/3: from the field section to the last byte, or to whatever ends it before. */

import { H3, Http3Error } from '../core/index.js';
import type { FieldLine } from '../core/index.js';
import type { Http3Connection } from '../connection.js';
import { fromHeadersInit, type HeadersInit } from '../fields.js';
import type { Http3Stream } from '../stream.js';
import type { HandlerInfo, RequestHandling, ResolvedLimits, TlsDetails } from './handler.js';
import { makeRequest, type SignalOwner } from './lazy-request.js';
import { report } from './report.js';
import { MessageBody } from '../message-body.js';
import { BodyError, BROKEN_OFF, type SendProgress, writePlain, writeResponse } from './response-writer.js';

type TrailersGiver = HeadersInit | (() => HeadersInit | Promise<HeadersInit>);

export class Exchange implements HandlerInfo, SignalOwner {
  readonly #connection: Http3Connection;
  readonly #stream: Http3Stream;
  readonly #handling: RequestHandling;
  readonly #limits: ResolvedLimits;
  readonly #onOver: (exchange: Exchange) => void;
  /** Made when somebody looks at the signal of the request. */
  #abort: AbortController | undefined;
  #aborted = false;
  #abortReason: unknown;
  readonly #progress: SendProgress = { sending: false, pieces: 0, giveUp: undefined };
  #body: MessageBody | undefined;
  #trailers: TrailersGiver | undefined;
  #url = '';
  #tls: TlsDetails | undefined;
  #answered = false;
  #over = false;
  /** For whoever watches over standstill: what was seen last, and at which look. */
  #seen = -1;
  #seenAt = 0;
  #begunAt = 0;

  /** @param onOver called when nothing of the exchange is left */
  constructor(
    connection: Http3Connection,
    stream: Http3Stream,
    handling: RequestHandling,
    limits: ResolvedLimits,
    onOver: (exchange: Exchange) => void,
  ) {
    this.#connection = connection;
    this.#stream = stream;
    this.#handling = handling;
    this.#limits = limits;
    this.#onOver = onOver;
  }

  // What the handler is told.

  readonly httpVersion = '3.0';

  get remote(): HandlerInfo['remote'] {
    return this.#connection.quic.remoteAddress;
  }

  get local(): HandlerInfo['local'] {
    return this.#connection.quic.localAddress;
  }

  get connectionId(): string {
    return this.#connection.quic.id;
  }

  get early(): boolean {
    return this.#stream.quic.early;
  }

  get tls(): TlsDetails {
    if (!this.#tls) {
      const { alpn, cipher, serverName, resumed } = this.#connection.quic.details;
      this.#tls = { alpn, cipher, serverName, resumed, peerCertificates: this.#connection.quic.peerCertificates };
    }
    return this.#tls;
  }

  get trailers(): Promise<Headers> {
    return this.#body ? this.#body.receivedTrailers : Promise.resolve(new Headers());
  }

  earlyHints(headers: HeadersInit): void {
    if (this.#answered || this.#stream.sendOver) return;
    this.#stream.sendHeaders([{ name: ':status', value: '103' }, ...fromHeadersInit(headers)]);
  }

  sendTrailers(trailers: TrailersGiver): void {
    this.#trailers = trailers;
  }

  /** The signal of the request: aborted when the client goes away, cancels it, or is given up. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#aborted) this.#abort.abort(this.#abortReason);
    }
    return this.#abort.signal;
  }

  // Its course.

  /** Serves the request. Without promises of its own where the handler and QUIC want none. Never throws. */
  run(): void {
    this.#stream.onGone = (error) => this.#gone(error);
    try {
      const request = this.#makeRequest();
      const pending = request && this.#respond(request);
      if (pending === undefined) this.#finish();
      else {
        pending.then(
          () => this.#finish(),
          (error: unknown) => this.#finishWith(error),
        );
      }
    } catch (error) {
      this.#finishWith(error);
    }
  }

  #finish(): void {
    this.#over = true;
    // What is left of the request is not wanted any more (RFC 9114 section 4.1).
    if (!this.#stream.receiveOver) this.#stream.stopSending(H3.H3_NO_ERROR);
    this.#onOver(this);
  }

  #finishWith(error: unknown): void {
    this.#failed(error);
    this.#finish();
  }

  #gone(error: Http3Error): void {
    this.#body?.fail(error);
    this.#progress.giveUp?.(error);
    if (!this.#over) this.#setAborted(error);
  }

  #setAborted(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#abortReason = reason;
    this.#abort?.abort(reason);
  }

  #makeRequest(): Request | undefined {
    const { head, fields, contentLength } = this.#stream;
    const { maxBodySize } = this.#limits;
    if (head.method === 'CONNECT' || head.method === 'TRACE' || head.path === undefined) {
      this.#answer(501, `${head.method} is not implemented here\n`);
      return undefined;
    }
    if (maxBodySize > 0 && (contentLength ?? 0) > maxBodySize) {
      this.#answer(413, `The body is larger than ${maxBodySize} bytes\n`);
      return undefined;
    }
    const path = head.path === '*' ? '/' : head.path;
    this.#url = `${head.scheme ?? 'https'}://${head.authority ?? 'localhost'}${path}`;
    const hasBody = head.method !== 'GET' && head.method !== 'HEAD' && !this.#stream.isBare;
    try {
      const parts = { url: this.#url, method: head.method, fields };
      if (!hasBody) return makeRequest(parts, this);
      this.#body = new MessageBody(this.#stream, { maxBytes: maxBodySize, tooLarge: () => this.#tooLarge() });
      return makeRequest({ ...parts, body: this.#body.readable }, this);
    } catch {
      // The authority or path is no URL, or the method none that Fetch knows.
      this.#answer(400, 'The request is not understood\n');
      return undefined;
    }
  }

  #tooLarge(): void {
    const { maxBodySize } = this.#limits;
    const error = new Http3Error(
      'ERR_HTTP3_EXCESSIVE_LOAD',
      `The request body is larger than maxBodySize, ${maxBodySize} bytes`,
    );
    this.#body?.fail(error);
    if (!this.#answered) this.#answer(413, `The body is larger than ${maxBodySize} bytes\n`);
    this.#stream.stopSending(H3.H3_EXCESSIVE_LOAD);
  }

  #respond(request: Request): Promise<void> | undefined {
    let given: unknown;
    try {
      given = this.#handling.fetch(request, this);
    } catch (error) {
      this.#handlerFailed(error);
      return undefined;
    }
    if (!isThenable(given)) return this.#answerWith(given);
    return Promise.resolve(given).then(
      (response) => this.#answerWith(response),
      (error: unknown) => this.#handlerFailed(error),
    );
  }

  #handlerFailed(error: unknown): void {
    // A handler that fails because its client has gone is no failure of the server.
    // Nor is one that fails because its request was answered for it.
    if (!this.#aborted && !this.#answered) report(this.#handling, error, this.#context('handler'));
    this.#answer(500, 'Internal Server Error\n');
  }

  /** Sends what the handler has returned. */
  #answerWith(given: unknown): Promise<void> | undefined {
    let response: Response;
    try {
      response = checkResponse(given);
    } catch (error) {
      this.#handlerFailed(error);
      return undefined;
    }
    if (this.#answered || this.#stream.sendOver) {
      // Given up meanwhile: nobody is left to take the response.
      return response.body?.cancel().catch(() => undefined);
    }
    this.#answered = true;
    this.#seenAt = 0;
    const trailers = this.#trailers === undefined ? undefined : () => this.#makeTrailers();
    return writeResponse(this.#stream, response, this.#progress, trailers);
  }

  async #makeTrailers(): Promise<readonly FieldLine[]> {
    const given = this.#trailers ?? {};
    try {
      return fromHeadersInit(typeof given === 'function' ? await given() : given);
    } catch (cause) {
      throw new BodyError('The trailers of the response failed', { cause });
    }
  }

  #context(phase: 'handler' | 'body'): Parameters<typeof report>[2] {
    return { phase, method: this.#stream.head.method, url: this.#url, remote: this.remote };
  }

  /** Answers by this side's own words, unless something was answered already. */
  #answer(status: number, text: string): void {
    if (this.#answered || this.#stream.sendOver) return;
    this.#answered = true;
    writePlain(this.#stream, status, text);
  }

  #failed(error: unknown): void {
    const isOurs = error instanceof BodyError || !isOfClient(error);
    if (isOurs && !this.#aborted) {
      report(this.#handling, error instanceof BodyError ? error.cause : error, this.#context('body'));
    }
    this.#stream.reset(BROKEN_OFF);
  }

  // Slow clients.

  /**
   * Looks whether something stands still: called at regular times, `lookMs` apart.
   *
   * @param look the number of the look, from 1
   */
  watch(look: number, lookMs: number): void {
    if (this.#over) return;
    if (this.#begunAt === 0) this.#begunAt = look;
    const { handlerTimeout, sendTimeout, bodyTimeout } = this.#limits;
    const isOver = (since: number, limit: number): boolean => limit > 0 && (look - since) * lookMs > limit;
    if (!this.#answered && isOver(this.#begunAt, handlerTimeout)) {
      this.#setAborted(
        new Http3Error(
          'ERR_HTTP3_REQUEST_CANCELLED',
          `The handler took longer than handlerTimeout, ${handlerTimeout} ms`,
        ),
      );
      this.#answer(503, 'The server took too long\n');
    }
    const waitsForBody = this.#body?.wanted === true;
    const waitsForClient = this.#progress.sending;
    const seen = waitsForClient ? this.#progress.pieces : waitsForBody ? this.#stream.contentReceived : -1;
    if (seen !== this.#seen || this.#seenAt === 0) {
      this.#seen = seen;
      this.#seenAt = look;
    } else if (waitsForClient && isOver(this.#seenAt, sendTimeout)) {
      this.#giveUp(`The client took none of the response for sendTimeout, ${sendTimeout} ms`);
    } else if (waitsForBody && isOver(this.#seenAt, bodyTimeout)) {
      this.#giveUp(`Nothing came of the request body for bodyTimeout, ${bodyTimeout} ms`);
    }
  }

  #giveUp(message: string): void {
    const error = new Http3Error('ERR_HTTP3_REQUEST_CANCELLED', message);
    this.#gone(error);
    this.#stream.cancel(H3.H3_REQUEST_CANCELLED);
  }
}

/** Whether sending failed because the client has gone, or wants no more. */
function isOfClient(error: unknown): boolean {
  return Http3Error.isHttp3Error(error) && (error.remote || error.code === 'ERR_HTTP3_CLOSED');
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return value instanceof Promise || (typeof value === 'object' && value !== null && 'then' in value);
}

/** Makes sure that a handler has returned a response that can be sent. @throws TypeError */
function checkResponse(response: unknown): Response {
  if (!isResponse(response)) throw new TypeError('The handler returned no Response');
  if (response.status < 200) throw new TypeError(`The handler returned a Response with status ${response.status}`);
  if (response.bodyUsed) throw new TypeError('The handler returned a Response whose body was used already');
  return response;
}

/** A Response, also one of another realm or package. */
function isResponse(value: unknown): value is Response {
  if (value instanceof Response) return true;
  if (typeof value !== 'object' || value === null) return false;
  return 'status' in value && 'headers' in value && 'body' in value && 'bodyUsed' in value;
}
