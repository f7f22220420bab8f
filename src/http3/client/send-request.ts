/** `sendRequest`: a request and its whole response, in one call. */

import type { Http3Connection } from '../connection.js';
import type { FieldSection } from '../core/index.js';
import { H3, Http3Error } from '../core/index.js';
import { fromHeadersInit, type HeadersInit, toHeaders } from '../fields.js';
import type { Http3Stream } from '../stream.js';
import { Gathered } from './gathered.js';
import { beginExchange, type ClientRequest, type ResponseSink } from './exchange.js';
import type { OutgoingBody } from './outgoing-body.js';

/** A response that is all there. */
export interface WholeResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** Empty when there were none. */
  readonly trailers: Headers;
}

/** Options of {@link sendRequest}. */
export interface SendRequestOptions {
  /** Ends the request with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Largest body that is taken, in bytes. Default 67,108,864. */
  readonly maxBodySize?: number | undefined;
  /** RFC 9218. Default: none is sent. */
  readonly priority?: ClientRequest['priority'];
  /** Hears of interim responses. */
  readonly onInformational?: ((status: number, headers: Headers) => void) | undefined;
}

/** Gathers a response. */
class WholeReceiver implements ResponseSink {
  readonly whole: Promise<WholeResponse>;
  readonly #stream: Http3Stream;
  readonly #maxBodySize: number;
  readonly #informational: SendRequestOptions['onInformational'];
  #content: Gathered | undefined;
  #status = 0;
  #expected: number | undefined;
  #headers: Headers | undefined;
  #trailers: Headers | undefined;
  #resolve!: (response: WholeResponse) => void;
  #reject!: (error: unknown) => void;
  #onOver: (() => void) | undefined;

  constructor(stream: Http3Stream, maxBodySize: number, informational: SendRequestOptions['onInformational']) {
    this.#stream = stream;
    this.#maxBodySize = maxBodySize;
    this.#informational = informational;
    this.whole = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  onOver(listener: () => void): void {
    this.#onOver = listener;
  }

  informational(status: number, fields: FieldSection): void {
    this.#informational?.(status, toHeaders(fields));
  }

  response(status: number, fields: FieldSection, contentLength: number | undefined): void {
    this.#status = status;
    this.#headers = toHeaders(fields);
    // One that is larger is refused when that much has come.
    if ((contentLength ?? 0) <= this.#maxBodySize) this.#expected = contentLength;
  }

  data(bytes: Uint8Array): boolean {
    this.#content ??= new Gathered(this.#expected, this.#maxBodySize);
    if (this.#content.length + bytes.length > this.#maxBodySize) {
      this.#content = undefined;
      const { method, path } = this.#stream.head;
      this.fail(
        new Http3Error(
          'ERR_HTTP3_EXCESSIVE_LOAD',
          `The response to ${method} ${path} is larger than maxBodySize, ${this.#maxBodySize} bytes`,
        ),
      );
      this.#stream.cancel(H3.H3_REQUEST_CANCELLED);
    } else this.#content.add(bytes);
    return true;
  }

  trailers(fields: FieldSection): void {
    this.#trailers = toHeaders(fields);
  }

  end(): void {
    this.#resolve({
      status: this.#status,
      headers: this.#headers ?? new Headers(),
      body: this.#content?.take() ?? new Uint8Array(0),
      trailers: this.#trailers ?? new Headers(),
    });
    this.#onOver?.();
  }

  aborted(error: Http3Error): void {
    this.fail(error);
  }

  fail(error: unknown): void {
    this.#reject(error);
    this.#onOver?.();
  }
}

/**
 * Sends a request on a connection and reads its response to the end.
 *
 * @throws Http3Error, among others `ERR_HTTP3_EXCESSIVE_LOAD` when the body is larger than `maxBodySize`
 */
export async function sendRequest(
  connection: Http3Connection,
  authority: string,
  method: string,
  path: string,
  headers?: HeadersInit,
  body?: OutgoingBody,
  options: SendRequestOptions = {},
): Promise<WholeResponse> {
  const { signal, priority, onInformational, maxBodySize = 64 * 1024 * 1024 } = options;
  const request = {
    method,
    authority,
    path,
    fields: headers && fromHeadersInit(headers),
    body,
    signal,
    priority,
  };
  const sink = await beginExchange(
    connection,
    request,
    (stream) => new WholeReceiver(stream, maxBodySize, onInformational),
  );
  return sink.whole;
}
