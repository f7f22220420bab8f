/** What a person writes for a server, and what they are told about each request. */

import type { SocketAddress } from '../../quic/types/udp.js';
import type { HeadersInit } from '../fields.js';
import type { RequestInfo } from './request-info.js';
import type { ServerStream } from './server-stream.js';

/** What a handler can know and do beside the `Request`. */
export interface HandlerInfo extends RequestInfo {
  /** Trailers of the response: called when its body is over. Without effect on HTTP/1.1 unless the body is chunked. */
  sendTrailers(trailers: HeadersInit | (() => HeadersInit | Promise<HeadersInit>)): void;
}

/** Answers requests. A throw becomes a 500, and is told to `onError`. */
export type FetchHandler = (request: Request, info: HandlerInfo) => Response | Promise<Response>;

/**
 * Answers requests on their streams, without `Request` and `Response`: what `node:http2` has as its event `stream`. The response may
 * come later; what is thrown before it becomes a 500, afterwards it breaks the response off, and `onError` is told.
 */
export type RequestStreamHandler = (stream: ServerStream) => void | Promise<void>;

/** What went wrong on the server's side, and where. */
export interface ServerErrorContext {
  /** `handler`: it threw, or returned no usable Response. `body`: the response had begun. */
  readonly phase: 'handler' | 'body';
  readonly method: string;
  readonly url: string;
  readonly remote: SocketAddress;
}

/** What one client may cost. Times are milliseconds, sizes bytes. */
export interface RequestLimits {
  /** Longest time from a request's first byte to the end of its header section. Default 10,000; 0: none. */
  readonly headersTimeout?: number | undefined;
  /** Longest standstill of a request body that the handler waits for. Default 30,000; 0: none. */
  readonly bodyTimeout?: number | undefined;
  /**
   * Longest time that a client may take for 64 KiB of a response, which is the pace below which it is given up. Default 30,000;
   * 0: none.
   */
  readonly sendTimeout?: number | undefined;
  /** Longest time until the handler has returned its Response, or begun it on a stream; then 503. Default 0: none. */
  readonly handlerTimeout?: number | undefined;
  /** Largest request body: more is answered with 413, or cut off. Default 0: none. */
  readonly maxBodySize?: number | undefined;
  /** Largest header or trailer section, as counted by RFC 9114 section 4.2.2; more is answered with 431. Default 65,536. */
  readonly maxFieldSectionSize?: number | undefined;
}

/** Options of serving requests, whatever carries them. */
export interface RequestHandling extends RequestLimits {
  /** Answers requests. Needed for requests over TCP, and without `requestStream`. */
  readonly fetch?: FetchHandler | undefined;
  /** Answers requests over HTTP/3 in place of `fetch`, at less cost. */
  readonly requestStream?: RequestStreamHandler | undefined;
  /**
   * Hears of what handlers and response bodies throw. Default: the diagnostics channel `skein:http3:error`, and a process
   * warning.
   */
  readonly onError?: ((error: unknown, context: ServerErrorContext) => void) | undefined;
}

/** Handling by `fetch`. */
export type FetchHandling = RequestHandling & { readonly fetch: FetchHandler };

/** {@link RequestLimits} with their defaults. */
export type ResolvedLimits = { readonly [K in keyof RequestLimits]-?: number };

/** Fills in defaults. @throws RangeError */
export function resolveLimits(given: RequestLimits): ResolvedLimits {
  const limits = {
    headersTimeout: given.headersTimeout ?? 10_000,
    bodyTimeout: given.bodyTimeout ?? 30_000,
    sendTimeout: given.sendTimeout ?? 30_000,
    handlerTimeout: given.handlerTimeout ?? 0,
    maxBodySize: given.maxBodySize ?? 0,
    maxFieldSectionSize: given.maxFieldSectionSize ?? 65_536,
  };
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`${name} must be a whole number from 0, not ${String(value)}`);
    }
  }
  return limits;
}
