/** What all requests over HTTP/3 have in common, whatever answers them: from the field section to whatever ends the exchange. */

import { H3, Http3Error } from '../core/index.js';
import type { Http3Connection } from '../connection.js';
import { fromHeadersInit, type HeadersInit } from '../fields.js';
import { MessageBody } from '../message-body.js';
import type { Http3Stream } from '../stream.js';
import type { RequestHandling, ResolvedLimits } from './handler.js';
import type { SignalOwner } from './lazy-request.js';
import { report } from './report.js';
import type { RequestInfo, TlsDetails } from './request-info.js';
import { BodyError, BROKEN_OFF, type SendProgress, writePlain } from './response-writer.js';

/** One request and its response. */
export abstract class Exchange implements RequestInfo, SignalOwner {
  /** Names it among the exchanges of its server. */
  readonly number: number;
  protected readonly stream: Http3Stream;
  protected readonly handling: RequestHandling;
  protected readonly limits: ResolvedLimits;
  protected readonly progress: SendProgress = { sending: false, pieces: 0, giveUp: undefined };
  /** Content of the request, once somebody wants it. */
  protected incoming: MessageBody | undefined;
  protected answered = false;
  protected aborted = false;
  readonly #connection: Http3Connection;
  readonly #onOver: (exchange: Exchange) => void;
  /** Made when somebody looks at the signal of the request. */
  #abort: AbortController | undefined;
  protected abortReason: Error | undefined;
  #tls: TlsDetails | undefined;
  #over = false;
  /** For whoever watches over standstill: what was seen last, and at which look. */
  #seen = -1;
  #seenAt = 0;
  #begunAt = 0;

  /** @param onOver called when nothing of the exchange is left */
  constructor(
    number: number,
    connection: Http3Connection,
    stream: Http3Stream,
    handling: RequestHandling,
    limits: ResolvedLimits,
    onOver: (exchange: Exchange) => void,
  ) {
    this.number = number;
    this.#connection = connection;
    this.stream = stream;
    this.handling = handling;
    this.limits = limits;
    this.#onOver = onOver;
  }

  // What the handler is told.

  get httpVersion(): '3.0' {
    return '3.0';
  }

  get remote(): RequestInfo['remote'] {
    return this.#connection.quic.remoteAddress;
  }

  get local(): RequestInfo['local'] {
    return this.#connection.quic.localAddress;
  }

  get connectionId(): string {
    return this.#connection.quic.id;
  }

  get early(): boolean {
    return this.stream.quic.early;
  }

  get tls(): TlsDetails {
    if (!this.#tls) {
      const { alpn, cipher, serverName, resumed } = this.#connection.quic.details;
      this.#tls = { alpn, cipher, serverName, resumed, peerCertificates: this.#connection.quic.peerCertificates };
    }
    return this.#tls;
  }

  get trailers(): Promise<Headers> {
    return this.incoming ? this.incoming.receivedTrailers : Promise.resolve(new Headers());
  }

  earlyHints(headers: HeadersInit): void {
    if (this.answered || this.stream.sendOver) return;
    this.stream.sendHeaders([{ name: ':status', value: '103' }, ...fromHeadersInit(headers)]);
  }

  /** The signal of the request: aborted when the client goes away, cancels it, or is given up. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.aborted) this.#abort.abort(this.abortReason);
    }
    return this.#abort.signal;
  }

  // Its course.

  /** Serves the request. Without promises of its own where the handler and QUIC want none. Never throws. */
  run(): void {
    this.stream.onGone = (error) => this.#gone(error);
    try {
      const pending = this.isServed() ? this.serve() : undefined;
      if (pending === undefined) this.finish();
      else {
        pending.then(
          () => this.finish(),
          (error: unknown) => this.#finishWith(error),
        );
      }
    } catch (error) {
      this.#finishWith(error);
    }
  }

  /** Has the request answered. Undefined, or resolved: it is, to the last byte that QUIC has to take. */
  protected abstract serve(): Promise<void> | undefined;

  /** Breaks the exchange off. @param errorCode of `H3`. Default: H3_INTERNAL_ERROR */
  reset(errorCode: number = BROKEN_OFF): void {
    this.stream.cancel(errorCode);
  }

  /** The URL of the request, for reports. */
  protected get url(): string {
    const { head } = this.stream;
    const path = head.path === '*' ? '/' : head.path;
    return `${head.scheme ?? 'https'}://${head.authority ?? 'localhost'}${path ?? ''}`;
  }

  protected finish(): void {
    if (this.#over) return;
    this.#over = true;
    // What is left of the request is not wanted any more (RFC 9114 section 4.1).
    if (!this.stream.receiveOver) this.stream.stopSending(H3.H3_NO_ERROR);
    this.#onOver(this);
  }

  #finishWith(error: unknown): void {
    this.failed(error);
    this.finish();
  }

  #gone(error: Http3Error): void {
    this.incoming?.fail(error);
    this.progress.giveUp?.(error);
    if (!this.#over) this.#setAborted(error);
  }

  #setAborted(reason: Error): void {
    if (this.aborted) return;
    this.aborted = true;
    this.abortReason = reason;
    this.#abort?.abort(reason);
  }

  /** Whether the request is one that handlers get; else it is answered. */
  protected isServed(): boolean {
    const { head, contentLength } = this.stream;
    const { maxBodySize } = this.limits;
    if (head.method === 'CONNECT' || head.method === 'TRACE' || head.path === undefined) {
      this.answer(501, `${head.method} is not implemented here\n`);
      return false;
    }
    if (maxBodySize > 0 && (contentLength ?? 0) > maxBodySize) {
      this.answer(413, `The body is larger than ${maxBodySize} bytes\n`);
      return false;
    }
    return true;
  }

  /** The content of the request, to be read. */
  protected receive(): MessageBody {
    this.incoming ??= new MessageBody(this.stream, {
      maxBytes: this.limits.maxBodySize,
      tooLarge: () => this.#tooLarge(),
    });
    return this.incoming;
  }

  #tooLarge(): void {
    const { maxBodySize } = this.limits;
    const error = new Http3Error(
      'ERR_HTTP3_EXCESSIVE_LOAD',
      `The request body is larger than maxBodySize, ${maxBodySize} bytes`,
    );
    this.incoming?.fail(error);
    if (!this.answered) this.answer(413, `The body is larger than ${maxBodySize} bytes\n`);
    this.stream.stopSending(H3.H3_EXCESSIVE_LOAD);
  }

  protected handlerFailed(error: unknown): void {
    // A handler that fails because its client has gone is no failure of the server.
    // Nor is one that fails because its request was answered for it.
    if (!this.aborted && !this.answered) this.report(error, 'handler');
    this.answer(500, 'Internal Server Error\n');
  }

  protected report(error: unknown, phase: 'handler' | 'body'): void {
    report(this.handling, error, {
      phase,
      method: this.stream.head.method,
      url: this.url,
      remote: this.remote,
    });
  }

  /** The response begins: standstill counts from here on. */
  protected begin(): void {
    this.answered = true;
    this.#seenAt = 0;
  }

  /** Answers by this side's own words, unless something was answered already. */
  protected answer(status: number, text: string): void {
    if (this.answered || this.stream.sendOver) return;
    this.answered = true;
    writePlain(this.stream, status, text);
  }

  /** The response breaks off. */
  protected failed(error: unknown): void {
    const isOurs = error instanceof BodyError || !isOfClient(error);
    if (isOurs && !this.aborted) this.report(error instanceof BodyError ? error.cause : error, 'body');
    this.stream.reset(BROKEN_OFF);
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
    const { handlerTimeout, sendTimeout, bodyTimeout } = this.limits;
    const isOver = (since: number, limit: number): boolean => limit > 0 && (look - since) * lookMs > limit;
    if (!this.answered && isOver(this.#begunAt, handlerTimeout)) this.#handlerTooSlow(handlerTimeout);
    const waitsForBody = this.incoming?.wanted === true;
    const waitsForClient = this.progress.sending;
    const seen = waitsForClient ? this.progress.pieces : waitsForBody ? this.stream.contentReceived : -1;
    if (seen !== this.#seen || this.#seenAt === 0) {
      this.#seen = seen;
      this.#seenAt = look;
    } else if (waitsForClient && isOver(this.#seenAt, sendTimeout)) {
      this.#giveUp(`The client took none of the response for sendTimeout, ${sendTimeout} ms`);
    } else if (waitsForBody && isOver(this.#seenAt, bodyTimeout)) {
      this.#giveUp(`Nothing came of the request body for bodyTimeout, ${bodyTimeout} ms`);
    }
  }

  #handlerTooSlow(handlerTimeout: number): void {
    const error = new Http3Error(
      'ERR_HTTP3_REQUEST_CANCELLED',
      `The handler took longer than handlerTimeout, ${handlerTimeout} ms`,
    );
    this.#setAborted(error);
    this.answer(503, 'The server took too long\n');
    this.progress.giveUp?.(error);
  }

  #giveUp(message: string): void {
    const error = new Http3Error('ERR_HTTP3_REQUEST_CANCELLED', message);
    this.#gone(error);
    this.stream.cancel(H3.H3_REQUEST_CANCELLED);
  }
}

/** Whether sending failed because the client has gone, or wants no more. */
export function isOfClient(error: unknown): boolean {
  return Http3Error.isHttp3Error(error) && (error.remote || error.code === 'ERR_HTTP3_CLOSED');
}
