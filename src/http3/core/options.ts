import type { RememberedSettings } from './settings.js';

/** Which side of the connection this is. */
export type Http3Role = 'client' | 'server';

/** How an HTTP/3 connection is set up. Sizes are bytes. */
export interface Http3CoreOptions {
  /** Which side this is. */
  readonly role: Http3Role;
  /**
   * Largest header or trailer section that is accepted, announced as SETTINGS_MAX_FIELD_SECTION_SIZE: names and values
   * uncompressed and 32 bytes a field line (RFC 9114 section 4.2.2). A larger request is answered with 431, a larger
   * response aborted. Default: 65,536. Range: 1,024 to 16,777,216.
   */
  readonly maxFieldSectionSize?: number | undefined;
  /** Most field lines in one section; more counts as too large. Default: 256. Range: 16 to 65,536. */
  readonly maxFieldLines?: number | undefined;
  /**
   * Size of the QPACK table that the remote may fill on this side, announced as SETTINGS_QPACK_MAX_TABLE_CAPACITY. 0: no
   * dynamic table. Default: 4,096. Range: 0 to 1,048,576.
   */
  readonly qpackMaxTableCapacity?: number | undefined;
  /** Streams that may wait for QPACK's encoder stream: SETTINGS_QPACK_BLOCKED_STREAMS. Default: 100. Range: 0 to 65,536. */
  readonly qpackBlockedStreams?: number | undefined;
  /**
   * Most of the remote's QPACK table that this side uses, whatever the remote allows. 0: only the static table. Default:
   * 4,096. Range: 0 to 1,048,576.
   */
  readonly qpackEncoderTableCapacity?: number | undefined;
  /** Server: accept extended CONNECT, SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 9220). Default: false. */
  readonly enableConnectProtocol?: boolean | undefined;
  /** Accept HTTP datagrams, SETTINGS_H3_DATAGRAM (RFC 9297); QUIC datagrams must be enabled below. Default: false. */
  readonly enableDatagrams?: boolean | undefined;
  /** Accept raw bidirectional streams beside requests (docs/extensions.md). Default: false. */
  readonly enableRawStreams?: boolean | undefined;
  /**
   * Further settings to announce, as identifiers and values, for extensions. Those that have an option of their own, and
   * the reserved ones, are refused. Default: none.
   */
  readonly extraSettings?: readonly (readonly [identifier: number, value: number])[] | undefined;
  /** Types of unidirectional streams that become `extensionStream` events. Default: none. */
  readonly extensionStreamTypes?: readonly number[] | undefined;
  /** First values of bidirectional streams, from either side, that become `extensionStream` events. Default: none. */
  readonly extensionSignals?: readonly number[] | undefined;
  /**
   * Client with early data: the server's settings of the connection before, from `Http3Core.rememberedSettings`. They
   * hold until the server's SETTINGS come, which may not be less. Give them only when early data is sent; when the
   * server rejects it, start over with a new core. Default: none: not early.
   */
  readonly rememberedSettings?: RememberedSettings | undefined;
  /**
   * Number N of the reserved setting, frame type and stream type `0x1f * N + 0x21` that this side sends to keep
   * extension points open (RFC 9114 section 7.2.4.1), or false to send none. Default: 0. Range: 0 to 2^40.
   */
  readonly grease?: number | false | undefined;
  /** Most bytes of one frame of an unknown type that are skipped. Default: 1,048,576. Range: 1,024 to 2^53 - 1. */
  readonly maxUnknownFrameLength?: number | undefined;
  /**
   * Most bytes that are held on all streams together while QPACK blocks them; more is H3_EXCESSIVE_LOAD. A driver
   * that stops reading a stream while it `isBlocked` stays below. Default: 4,194,304. Range: 65,536 to 2^30.
   */
  readonly maxBlockedBytes?: number | undefined;
}
