/** One request of a client and its response. */

import type { Http3Connection } from '../connection.js';
import { H3, Http3Error, formatPriority } from '../core/index.js';
import type { FieldLine, FieldSection, Priority, RequestHead } from '../core/index.js';
import { MessageBody } from '../message-body.js';
import type { Http3Receiver } from '../receiver.js';
import type { Http3Stream } from '../stream.js';
import { type OutgoingBody, sendBody, wholeBody } from './outgoing-body.js';

/** What is to be asked. */
export interface ClientRequest {
  readonly method: string;
  /** Default `https`. */
  readonly scheme?: string | undefined;
  /** Host, and port where it is not the scheme's. */
  readonly authority: string;
  /** Path and query. */
  readonly path: string;
  /** Names in lower case. Content-Length is added where the body's length is known. */
  readonly fields?: readonly FieldLine[] | undefined;
  readonly body?: OutgoingBody | undefined;
  /** Trailers of the request. */
  readonly trailers?: readonly FieldLine[] | undefined;
  /** RFC 9218. Default: none is sent. */
  readonly priority?: Priority | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Hears of interim responses, 100 to 199. */
  readonly onInformational?: ((status: number, fields: readonly FieldLine[]) => void) | undefined;
}

/** What came back. */
export interface ClientResponse {
  readonly status: number;
  readonly fields: readonly FieldLine[];
  /** Cancel it, or read it to its end: until then it holds its stream. */
  readonly body: ReadableStream<Uint8Array>;
  /** Once the body has been read to its end; empty when there were none. */
  readonly trailers: Promise<Headers>;
}

/** The header section of a request, and its head as `Http3Connection.request` takes it. */
export function requestFields(request: ClientRequest): { head: RequestHead; fields: FieldLine[] } {
  const { method, scheme = 'https', authority, path, priority } = request;
  const fields: FieldLine[] = [
    { name: ':method', value: method },
    { name: ':scheme', value: scheme },
    { name: ':authority', value: authority },
    { name: ':path', value: path },
  ];
  let hasLength = false;
  let hasPriority = false;
  for (const field of request.fields ?? []) {
    if (field.name === 'content-length') hasLength = true;
    if (field.name === 'priority') hasPriority = true;
    fields.push(field);
  }
  const whole = request.body === undefined ? undefined : wholeBody(request.body);
  if (whole && !hasLength) fields.push({ name: 'content-length', value: String(whole.length) });
  const value = priority && !hasPriority ? formatPriority(priority) : '';
  if (value !== '') fields.push({ name: 'priority', value });
  return { head: { method, scheme, authority, path, protocol: undefined }, fields };
}

/** Receives a response, whatever becomes of it. */
export interface ResponseSink extends Http3Receiver {
  /** This side's failure: the request is over. */
  fail(error: unknown): void;
  /** Asks to be told when the exchange is over, whichever way. */
  onOver(listener: () => void): void;
}

/** Receives the response and tells of its head. */
class ResponseReceiver implements ResponseSink {
  readonly head: Promise<ClientResponse>;
  readonly body: MessageBody;
  readonly #informational: ClientRequest['onInformational'];
  #resolve!: (response: ClientResponse) => void;
  #reject!: (error: unknown) => void;

  constructor(stream: Http3Stream, informational: ClientRequest['onInformational']) {
    this.#informational = informational;
    this.head = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.head.catch(() => undefined);
    this.body = new MessageBody(stream, { cancelled: () => stream.cancel(H3.H3_REQUEST_CANCELLED) });
    this.body.begin();
  }

  informational(status: number, fields: FieldSection): void {
    this.#informational?.(status, fields.toArray());
  }

  response(status: number, fields: FieldSection): void {
    const { body } = this;
    this.#resolve({
      status,
      fields: fields.toArray(),
      body: body.readable,
      get trailers() {
        return body.receivedTrailers;
      },
    });
  }

  data(bytes: Uint8Array): boolean {
    return this.body.data(bytes);
  }

  trailers(fields: FieldSection): void {
    this.body.trailers(fields);
  }

  end(): void {
    this.body.end();
  }

  aborted(error: Http3Error): void {
    this.fail(error);
  }

  fail(error: unknown): void {
    this.#reject(error);
    this.body.fail(error);
  }

  onOver(listener: () => void): void {
    this.body.receivedTrailers.then(listener, listener);
  }
}

/**
 * Sends a request and resolves to the head of its response. An abort of the signal cancels what is left of both.
 *
 * @throws Http3Error; AbortSignal's reason; what the body failed with
 */
export async function exchange(connection: Http3Connection, request: ClientRequest): Promise<ClientResponse> {
  const sink = await beginExchange(
    connection,
    request,
    (stream) => new ResponseReceiver(stream, request.onInformational),
  );
  return sink.head;
}

/**
 * Sends a request; its response goes to the sink. Resolves when the head of the request has left.
 *
 * @throws Http3Error; AbortSignal's reason
 */
export async function beginExchange<Sink extends ResponseSink>(
  connection: Http3Connection,
  request: ClientRequest,
  makeSink: (stream: Http3Stream) => Sink,
): Promise<Sink> {
  const { signal, body, trailers, priority } = request;
  signal?.throwIfAborted();
  const { head, fields } = requestFields(request);
  const fin = body === undefined && (trailers === undefined || trailers.length === 0);
  const stream = await connection.request(head, fields, fin, { priority, signal });
  const sink = makeSink(stream);
  stream.receive(sink);
  if (signal) abortWith(signal, stream, sink);
  if (!fin) {
    sendBody(stream, body ?? '', trailers).catch((error: unknown) => {
      // The server may have answered already and want no more of the request (RFC 9114 section 4.1).
      if (stream.sendOver && Http3Error.isHttp3Error(error)) return;
      sink.fail(error);
      stream.cancel(H3.H3_REQUEST_CANCELLED);
    });
  }
  return sink;
}

function abortWith(signal: AbortSignal, stream: Http3Stream, sink: ResponseSink): void {
  const onAbort = (): void => {
    sink.fail(signal.reason);
    stream.cancel(H3.H3_REQUEST_CANCELLED);
  };
  if (signal.aborted) {
    onAbort();
    return;
  }
  signal.addEventListener('abort', onAbort, { once: true });
  // A signal that outlives the exchange must not hold it.
  sink.onOver(() => signal.removeEventListener('abort', onAbort));
}
