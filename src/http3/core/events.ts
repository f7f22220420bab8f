import type { FieldSection } from '../../qpack/index.js';
import type { Http3Error } from './errors.js';
import type { PeerSettings } from './settings.js';

/** Priority of a response (RFC 9218 section 4). */
export interface Priority {
  /** 0 (first) to 7 (last). Default: 3. */
  readonly urgency: number;
  /** Whether parts of the response are of use before the whole is there. Default: false. */
  readonly incremental: boolean;
}

/** The control data of a request (RFC 9114 section 4.3.1), valid as far as HTTP/3 demands. */
export interface RequestHead {
  /** As it came: methods are case-sensitive. */
  readonly method: string;
  /** Absent in CONNECT requests without `protocol`. */
  readonly scheme: string | undefined;
  /** `:authority`, or the Host field where that is missing; the target of a CONNECT request. */
  readonly authority: string | undefined;
  /** Path and query. Absent in CONNECT requests without `protocol`. */
  readonly path: string | undefined;
  /** `:protocol` of an extended CONNECT request (RFC 9220), else undefined. */
  readonly protocol: string | undefined;
}

/**
 * What the core tells its driver. Byte views (`bytes`) are views on what was given to `receive`: use or copy them before
 * that memory changes. Field sections (`fields`) are the driver's: once it has `release`d one, its memory is used for others; one that it does
 * not release stays good. The order is that of the stream; nothing follows `end` or `aborted` of a stream, except
 * `stopped` and `priority`.
 */
export type Http3Event =
  /** The remote's SETTINGS have come: limits and extensions are known. Once in a connection. */
  | { readonly kind: 'settings'; readonly settings: PeerSettings }
  /** Server: the header section of a request. `fields` are without pseudo-header fields; Cookie lines are one line. */
  | {
      readonly kind: 'request';
      readonly streamId: number;
      readonly head: RequestHead;
      readonly fields: FieldSection;
      /** Content-Length, where there is one. */
      readonly contentLength: number | undefined;
      readonly priority: Priority;
    }
  /** Client: an interim response, 100 to 199. More may follow, then `response`. */
  | {
      readonly kind: 'informational';
      readonly streamId: number;
      readonly status: number;
      readonly fields: FieldSection;
    }
  /** Client: the header section of the final response. */
  | {
      readonly kind: 'response';
      readonly streamId: number;
      readonly status: number;
      readonly fields: FieldSection;
      /** Content-Length, where there is one (also that of a response to HEAD, which has no content). */
      readonly contentLength: number | undefined;
    }
  /** Content, or what comes through a CONNECT tunnel, as it came: never empty, never gathered. */
  | { readonly kind: 'data'; readonly streamId: number; readonly bytes: Uint8Array }
  /** The trailer section. Only `end` follows. */
  | { readonly kind: 'trailers'; readonly streamId: number; readonly fields: FieldSection }
  /** The remote's message is complete and was sound; Content-Length agreed. */
  | { readonly kind: 'end'; readonly streamId: number }
  /**
   * The remote's message will not become complete: the remote reset the stream (`error.remote`), or broke a rule of its
   * messages. In the second case the outputs already hold what aborts the stream on the wire. A client may
   * send the request again when `error.code` is `ERR_HTTP3_REQUEST_REJECTED`. Stop reading the stream. A server's response may
   * go on unless a `reset` for the stream is among the outputs.
   */
  | { readonly kind: 'aborted'; readonly streamId: number; readonly error: Http3Error }
  /** The remote wants no more of what this side sends on the stream (STOP_SENDING). The sending half is over. */
  | { readonly kind: 'stopped'; readonly streamId: number; readonly error: Http3Error }
  /** A stream for which `isBlocked` was true goes on: read it again. */
  | { readonly kind: 'unblocked'; readonly streamId: number }
  /**
   * Server: the client changed the priority of a response (RFC 9218 section 7) that is in the making, or complete: QUIC may still be
   * sending it.
   */
  | { readonly kind: 'priority'; readonly streamId: number; readonly priority: Priority }
  /** An HTTP datagram of a request that is open (RFC 9297). */
  | { readonly kind: 'datagram'; readonly streamId: number; readonly bytes: Uint8Array }
  /**
   * A stream of an extension, whose type or signal value the options named, begins: `bytes` follow that value, and all
   * further bytes are the driver's. The core has forgotten the stream: give it nothing more of it.
   */
  | {
      readonly kind: 'extensionStream';
      readonly streamId: number;
      /** The stream type (unidirectional) or signal value (bidirectional). */
      readonly type: number;
      readonly bytes: Uint8Array;
      readonly fin: boolean;
    }
  /** The remote shuts the connection down (GOAWAY). Rejected requests have each been `aborted` before this. */
  | { readonly kind: 'goaway'; readonly id: number }
  /** A rule of HTTP/3 was broken: the outputs hold the closing of the connection, and no further event comes. */
  | { readonly kind: 'failed'; readonly error: Http3Error };

/** What the driver has to do with the QUIC connection, in this order. */
export type Http3Output =
  /** Send these bytes on the stream; then finish it if `fin`. The bytes are the driver's. */
  | { readonly kind: 'write'; readonly streamId: number; readonly bytes: Uint8Array; readonly fin: boolean }
  /** RESET_STREAM: abort the sending half, if it is still open. */
  | { readonly kind: 'reset'; readonly streamId: number; readonly errorCode: number }
  /** STOP_SENDING: abort the receiving half, if it is still open, and read it no more. */
  | { readonly kind: 'stopSending'; readonly streamId: number; readonly errorCode: number }
  /** Close the connection (CONNECTION_CLOSE with an application error code). Nothing follows. */
  | { readonly kind: 'close'; readonly errorCode: number; readonly reason: string };
