/** `sendRequest`: a request and its whole response, in one call. */

import type { Http3Connection } from '../connection.js';
import { Http3Error } from '../core/index.js';
import { fromHeadersInit, type HeadersInit, toPairs } from '../fields.js';
import { type ClientRequest, exchange } from './exchange.js';
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
  headers: HeadersInit = {},
  body?: OutgoingBody,
  options: SendRequestOptions = {},
): Promise<WholeResponse> {
  const { signal, priority, onInformational, maxBodySize = 64 * 1024 * 1024 } = options;
  const response = await exchange(connection, {
    method,
    authority,
    path,
    fields: fromHeadersInit(headers),
    body,
    signal,
    priority,
    onInformational: onInformational && ((status, fields) => onInformational(status, new Headers(toPairs(fields)))),
  });
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxBodySize) {
      throw new Http3Error(
        'ERR_HTTP3_EXCESSIVE_LOAD',
        `The response to ${method} ${path} is larger than maxBodySize, ${maxBodySize} bytes`,
      );
    }
    chunks.push(chunk);
  }
  return {
    status: response.status,
    headers: new Headers(toPairs(response.fields)),
    body: joined(chunks, length),
    trailers: await response.trailers,
  };
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = chunks;
  if (chunks.length === 1 && only) return only;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
