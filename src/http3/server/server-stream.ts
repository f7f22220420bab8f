import type { FieldLine } from '../core/index.js';
import type { HeadersInit } from '../fields.js';
import type { RequestInfo } from './request-info.js';

/** Header fields of a response: as an object (an array is several lines), as field lines, or as what `new Headers` takes. */
export type ResponseFields =
  | Readonly<Record<string, string | number | readonly string[] | undefined>>
  | readonly FieldLine[]
  | HeadersInit;

/**
 * A request over HTTP/3 and the response to it, as a `requestStream` handler holds them (RFC 9114 section 4.1).
 *
 * What sends resolves when QUIC has taken it all, which is when the next should be given: that is the backpressure. It rejects with an
 * `Http3Error` when the client goes away or wants no more; nobody has to look at it. Bytes must not be changed before.
 */
export interface ServerStream extends RequestInfo {
  /** As it came: methods are case-sensitive. CONNECT and TRACE are answered with 501 and never come here. */
  readonly method: string;
  readonly scheme: string;
  /** Host, and port where it is not the scheme's: `:authority`, or the Host field. */
  readonly authority: string | undefined;
  /** Path and query, as they came. */
  readonly path: string;
  /**
   * Header fields as they came, names in lower case, without pseudo-header fields; cookies are one line. Made at the first look, which has to be
   * before the exchange is over: before the handler has returned, or its promise has resolved, and the response has left. From then on it stays.
   *
   * @throws Http3Error `ERR_HTTP3_INVALID_STATE` at a first look after that
   */
  readonly fields: readonly FieldLine[];
  /** The same as `Headers`, as it is with {@link fields}. */
  readonly headers: Headers;
  /**
   * The value of one field without making either, its lines joined as `Headers` does it; undefined where there is none. Until the exchange is over.
   *
   * @throws Http3Error `ERR_HTTP3_INVALID_STATE` after that
   */
  field(name: string): string | undefined;
  /** Aborted when the client goes away, cancels the request, or is given up. */
  readonly signal: AbortSignal;
  /** Content of the request; read no faster than it is taken. What is not read when the response is over is refused. */
  readonly body: ReadableStream<Uint8Array>;
  /** Bytes of content sent so far. */
  readonly bytesSent: number;
  /** Whether a final response has begun. */
  readonly responded: boolean;
  /**
   * Begins the response. With content it is complete; without, `write` and `end` follow. It ends by itself where there can be no content: in
   * answers to HEAD, and with the statuses 204, 205 and 304. `date` is added; fields that belong to connections of HTTP/1.1 are left out.
   *
   * @param status 200 to 599
   * @throws TypeError for a status out of range and for content that is no string or Uint8Array; Http3Error `ERR_HTTP3_INVALID_STATE` the
   *   second time, `ERR_HTTP3_INVALID_MESSAGE` and `ERR_HTTP3_FIELD_SECTION_TOO_LARGE` for fields that cannot be sent
   */
  respond(status: number, fields?: ResponseFields, content?: string | Uint8Array): Promise<void>;
  /**
   * Sends content, a string as UTF-8. Calls that do not wait for those before are served in order.
   *
   * @throws Http3Error `ERR_HTTP3_INVALID_STATE` before `respond` and after the end
   */
  write(content: string | Uint8Array): Promise<void>;
  /**
   * Ends the response, with content and trailers where some are given. Nothing is done where `respond` ended it already.
   *
   * @throws Http3Error `ERR_HTTP3_INVALID_STATE` before `respond` and the second time
   */
  end(content?: string | Uint8Array, trailers?: ResponseFields): Promise<void>;
  /** Breaks the exchange off. @param errorCode of `H3`. Default: H3_INTERNAL_ERROR */
  reset(errorCode?: number): void;
}
