import type { FieldLine } from '../../qpack/index.js';
import type { Http3Event, Http3Output, Priority } from './events.js';
import type { PeerSettings, RememberedSettings } from './settings.js';

/** IDs of the three unidirectional streams that the driver opens for the core before anything else. */
export interface CriticalStreams {
  readonly control: number;
  readonly qpackEncoder: number;
  readonly qpackDecoder: number;
}

/**
 * One HTTP/3 connection (RFC 9114) as a state machine: bytes and events in, events and outputs out. It knows no sockets,
 * no time and no promises.
 *
 * The driver's part, in short:
 * 1. Open three unidirectional streams, `start` with their IDs, and do what `take` returns.
 * 2. Read every stream that the remote opens, and the receiving half of each request stream, and give what comes to `receive`,
 *    `receiveReset` or `receiveStopSending`, QUIC datagrams to `receiveDatagram`. Each returns events.
 * 3. After every call of any method, do what `take` returns, in order, before anything else. Encoder-stream bytes are among
 *    it: take them before or with the bytes that `sendHeaders` returned, in any order.
 * 4. Once the outputs held `stopSending` for a stream, or an `aborted` or `extensionStream` event came, give nothing more of
 *    that stream to the core.
 * 5. While `isBlocked` a stream, read no more of it until the `unblocked` event.
 *
 * `send...` methods return the bytes to write on that very stream, in the order of the calls; the driver writes them and the
 * content, and finishes the stream where it said `fin`.
 *
 * Wrong use by the driver or the application throws an `Http3Error` and changes nothing. What the remote does wrong never
 * throws: it is an `aborted` or `failed` event, with the outputs that say so on the wire.
 */
export interface Http3CoreInterface {
  /** Begins: the outputs hold the stream types and SETTINGS. Once. */
  start(streams: CriticalStreams): void;

  // From the remote

  /**
   * Takes bytes of a stream. Any stream ID that QUIC says the remote has opened, or that was given to `openRequest`; chunks of
   * any size, also empty ones.
   *
   * @param fin whether the stream ends with these bytes
   */
  receive(streamId: number, bytes: Uint8Array, fin: boolean): readonly Http3Event[];
  /** The remote reset its sending half of the stream (RESET_STREAM). */
  receiveReset(streamId: number, errorCode: number): readonly Http3Event[];
  /** The remote wants no more on the stream (STOP_SENDING). */
  receiveStopSending(streamId: number, errorCode: number): readonly Http3Event[];
  /** Takes the payload of a QUIC datagram. */
  receiveDatagram(payload: Uint8Array): readonly Http3Event[];
  /** Whether the stream waits for QPACK's encoder stream. */
  isBlocked(streamId: number): boolean;

  // To the remote

  /**
   * What is to be done on the QUIC connection since the last call. Empty when nothing is.
   *
   * @param withAcknowledgments false: without what QPACK's decoder stream has to say, which may wait, though not for long. Default true
   */
  take(withAcknowledgments?: boolean): readonly Http3Output[];
  /** Whether bytes of QPACK's decoder stream wait to be taken. */
  readonly hasAcknowledgments: boolean;
  /**
   * Client: makes a bidirectional stream that the driver has opened a request stream.
   *
   * @throws Http3Error `ERR_HTTP3_GOING_AWAY` after GOAWAY of either side, `ERR_HTTP3_CLOSED`
   */
  openRequest(streamId: number): void;
  /**
   * Encodes a HEADERS frame. Client: first the request, then trailers. Server: interim responses (1xx), the response, then
   * trailers. Pseudo-header fields first, names in lower case.
   *
   * @param fin whether the message ends with it; the driver finishes the stream
   * @returns what to write on the stream
   * @throws Http3Error `ERR_HTTP3_INVALID_MESSAGE` when the fields would make the message malformed,
   *   `ERR_HTTP3_FIELD_SECTION_TOO_LARGE` when they exceed what the remote announced, `ERR_HTTP3_UNSUPPORTED` for `:protocol`
   *   that the server has not announced, `ERR_HTTP3_INVALID_STATE` out of turn
   */
  sendHeaders(streamId: number, fields: readonly FieldLine[], fin: boolean): Uint8Array;
  /**
   * The beginning of a message that is all there, with content and without trailers: its HEADERS frame and that of its one DATA frame, at the
   * beginning of `target`. The driver writes that, exactly `length` bytes of content behind it, and finishes the stream.
   *
   * @param length bytes of content, from 1
   * @returns how many bytes were written to `target`; 0: it has no room for them, and nothing was done
   * @throws Http3Error as `sendHeaders` and `sendData`; then nothing was done either
   */
  sendMessage(streamId: number, fields: readonly FieldLine[], length: number, target: Uint8Array): number;
  /**
   * Begins a DATA frame of `length` bytes: the driver writes what this returns (at most 9 bytes) and then exactly that many bytes
   * of content. `length` 0 with `fin` ends the message without a frame: an empty array is returned.
   *
   * @throws Http3Error `ERR_HTTP3_INVALID_MESSAGE` when the sum goes beyond Content-Length, or `fin` comes below it,
   *   `ERR_HTTP3_INVALID_STATE` out of turn
   */
  sendData(streamId: number, length: number, fin: boolean): Uint8Array;
  /**
   * Abandons the sending half of a request stream. No effect when it is over already.
   *
   * @param errorCode of {@link H3}. Default: H3_REQUEST_CANCELLED
   */
  reset(streamId: number, errorCode?: number): void;
  /**
   * Abandons the receiving half: what is still to come of the remote's message is not wanted. No effect when it is over.
   *
   * @param errorCode of {@link H3}. Default: H3_REQUEST_CANCELLED; for a server whose response is complete: H3_NO_ERROR
   */
  stopSending(streamId: number, errorCode?: number): void;
  /** Client: changes the priority of a response (PRIORITY_UPDATE, RFC 9218 section 7.2). */
  sendPriorityUpdate(streamId: number, priority: Priority): void;
  /** The priority of a response as its client asked for it: server only; the default when the stream is unknown. */
  priorityOf(streamId: number): Priority;
  /**
   * The payload of the QUIC datagram that carries an HTTP datagram of a request.
   *
   * @throws Http3Error `ERR_HTTP3_UNSUPPORTED` until both sides have announced datagrams, `ERR_HTTP3_INVALID_STATE` when the
   *   request's sending half is not open
   */
  encodeDatagram(streamId: number, payload: Uint8Array): Uint8Array;
  /**
   * What to write first on a bidirectional stream that the driver has opened, to make it a raw stream (docs/extensions.md). The core
   * does not follow the stream: it is the driver's.
   *
   * @throws Http3Error `ERR_HTTP3_UNSUPPORTED` until the remote has announced that it accepts them
   */
  rawStreamHeader(): Uint8Array;
  /**
   * Shuts down gracefully (GOAWAY). What was accepted is finished; then it is `drained`.
   *
   * A server calls it with `'announce'` first, which still accepts whatever is under way, and with `'final'` about a round trip
   * later, from when on new requests are rejected. `'final'` alone does too. A client accepts no pushes, so both are the same.
   */
  goAway(step: 'announce' | 'final'): void;

  // What is known

  /** The remote's settings as they are to be kept to now; initial or remembered values until SETTINGS come. */
  readonly peerSettings: PeerSettings;
  /** Client: what to remember beside a session ticket for early data; undefined before the server's SETTINGS have come. */
  readonly rememberedSettings: RememberedSettings | undefined;
  /** Requests of which a half is still open. */
  readonly openRequests: number;
  /**
   * Whether the connection has served its time: after GOAWAY no request is left, and it can be closed with H3_NO_ERROR. A server's
   * connection is drained only after `goAway('final')` of its own.
   */
  readonly drained: boolean;
  /** Whether a new request may be opened: neither side is going away and the connection has not failed. */
  readonly acceptsRequests: boolean;
}
