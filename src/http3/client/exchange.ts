/** One request of a client and its response. */

import type { Http3Connection } from '../connection.js';
import { H3, Http3Error, formatPriority } from '../core/index.js';
import type { FieldLine, Priority, RequestHead } from '../core/index.js';
import { MessageBody } from '../message-body.js';
import type { Http3Receiver, Http3Stream } from '../stream.js';
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

/** Receives the response and tells of its head. */
class ResponseReceiver implements Http3Receiver {
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
    stream.receive(this);
  }

  informational(status: number, fields: readonly FieldLine[]): void {
    this.#informational?.(status, fields);
  }

  response(status: number, fields: readonly FieldLine[]): void {
    const { body } = this;
    this.#resolve({
      status,
      fields,
      body: body.readable,
      get trailers() {
        return body.receivedTrailers;
      },
    });
  }

  data(bytes: Uint8Array): boolean {
    return this.body.data(bytes);
  }

  trailers(fields: readonly FieldLine[]): void {
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
}

/**
 * Sends a request and resolves to the head of its response. An abort of the signal cancels what is left of both.
 *
 * @throws Http3Error; AbortSignal's reason; what the body failed with
 */
export async function exchange(connection: Http3Connection, request: ClientRequest): Promise<ClientResponse> {
  const { signal, body } = request;
  signal?.throwIfAborted();
  const { head, fields } = requestFields(request);
  const hasTrailers = request.trailers !== undefined && request.trailers.length > 0;
  const fin = body === undefined && !hasTrailers;
  const stream = await connection.request(head, fields, fin, { priority: request.priority, signal });
  const receiver = new ResponseReceiver(stream, request.onInformational);
  const onAbort = (): void => {
    receiver.fail(signal?.reason);
    stream.cancel(H3.H3_REQUEST_CANCELLED);
  };
  if (signal?.aborted) onAbort();
  else signal?.addEventListener('abort', onAbort, { once: true });
  if (!fin) {
    sendBody(stream, body ?? '', request.trailers).catch((error: unknown) => {
      // The server may have answered already and want no more of the request (RFC 9114 section 4.1).
      if (stream.sendOver && Http3Error.isHttp3Error(error)) return;
      receiver.fail(error);
      stream.cancel(H3.H3_REQUEST_CANCELLED);
    });
  }
  if (signal) {
    // A signal that outlives the exchange must not hold it.
    const forget = (): void => signal.removeEventListener('abort', onAbort);
    receiver.body.receivedTrailers.then(forget, forget);
  }
  return receiver.head;
}
