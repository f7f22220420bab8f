/** HTTP/3's error codes on the wire (RFC 9114 section 8.1, RFC 9297 section 5.2). */
export const H3 = {
  /** Nothing is wrong; the stream or connection is not needed any more. */
  H3_NO_ERROR: 0x100,
  /** The protocol was broken in a way that no other code names. */
  H3_GENERAL_PROTOCOL_ERROR: 0x101,
  /** The HTTP stack itself failed. */
  H3_INTERNAL_ERROR: 0x102,
  /** A stream was opened that this side does not accept. */
  H3_STREAM_CREATION_ERROR: 0x103,
  /** A stream that the connection needs was closed or reset. */
  H3_CLOSED_CRITICAL_STREAM: 0x104,
  /** A frame is not allowed in this state or on this stream. */
  H3_FRAME_UNEXPECTED: 0x105,
  /** A frame has a wrong layout or size. */
  H3_FRAME_ERROR: 0x106,
  /** The remote causes more work than this side will do. */
  H3_EXCESSIVE_LOAD: 0x107,
  /** A stream ID or push ID was used wrongly. */
  H3_ID_ERROR: 0x108,
  /** The payload of a SETTINGS frame is wrong. */
  H3_SETTINGS_ERROR: 0x109,
  /** The control stream did not begin with SETTINGS. */
  H3_MISSING_SETTINGS: 0x10a,
  /** The server did nothing with the request: it may be sent again. */
  H3_REQUEST_REJECTED: 0x10b,
  /** The request or response is not needed any more. */
  H3_REQUEST_CANCELLED: 0x10c,
  /** The client's stream ended before the request was complete. */
  H3_REQUEST_INCOMPLETE: 0x10d,
  /** A message is malformed (RFC 9114 section 4.1.2). */
  H3_MESSAGE_ERROR: 0x10e,
  /** The connection behind a CONNECT request failed. */
  H3_CONNECT_ERROR: 0x10f,
  /** The request has to be sent over HTTP/1.1. */
  H3_VERSION_FALLBACK: 0x110,
  /** A QUIC datagram is no HTTP datagram, or belongs to a request that knows none (RFC 9297). */
  H3_DATAGRAM_ERROR: 0x33,
} as const satisfies Record<`H3_${string}`, number>;

/** Name of a wire code of {@link H3}. */
export type H3ErrorName = keyof typeof H3;

/** Every `code` of an {@link Http3Error}, with what it says. Stable: programs may compare them; messages may change. */
export const HTTP3_ERROR_CODES = {
  // Codes of the wire, from either side
  ERR_HTTP3_NO_ERROR: 'Ended without an error (H3_NO_ERROR, or a code that means nothing here).',
  ERR_HTTP3_GENERAL_PROTOCOL_ERROR: 'HTTP/3 was broken in a way that no other code names.',
  ERR_HTTP3_INTERNAL_ERROR: 'An HTTP/3 implementation failed.',
  ERR_HTTP3_STREAM_CREATION_ERROR: 'A stream was opened that is not accepted.',
  ERR_HTTP3_CLOSED_CRITICAL_STREAM: 'The control stream or a QPACK stream was closed.',
  ERR_HTTP3_FRAME_UNEXPECTED: 'A frame came where it is not allowed.',
  ERR_HTTP3_FRAME_ERROR: 'A frame has a wrong layout or size.',
  ERR_HTTP3_EXCESSIVE_LOAD: 'A limit on what the remote may cause was exceeded.',
  ERR_HTTP3_ID_ERROR: 'A stream ID or push ID was used wrongly.',
  ERR_HTTP3_SETTINGS_ERROR: 'The SETTINGS are wrong, or less than what early data was promised.',
  ERR_HTTP3_MISSING_SETTINGS: 'The control stream did not begin with SETTINGS.',
  ERR_HTTP3_REQUEST_REJECTED: 'The server has done nothing with the request: it can be sent again safely.',
  ERR_HTTP3_REQUEST_CANCELLED: 'The request or response was cancelled.',
  ERR_HTTP3_REQUEST_INCOMPLETE: 'The request ended before it was complete.',
  ERR_HTTP3_MESSAGE_ERROR: 'A message is malformed (RFC 9114 section 4.1.2).',
  ERR_HTTP3_CONNECT_ERROR: 'The connection behind a CONNECT request failed.',
  ERR_HTTP3_VERSION_FALLBACK: 'The request has to be sent over HTTP/1.1.',
  ERR_HTTP3_DATAGRAM_ERROR: 'An HTTP datagram is malformed, or its request knows none (RFC 9297).',
  ERR_HTTP3_QPACK: 'Field compression failed (RFC 9204); `errorCode` holds the QPACK code, `cause` may say more.',

  // Found on this side before anything is sent
  ERR_HTTP3_FIELD_SECTION_TOO_LARGE: 'A header or trailer section exceeds the limit of the side that receives it.',
  ERR_HTTP3_INVALID_MESSAGE: 'The message cannot be sent: its fields or its length would make it malformed.',
  ERR_HTTP3_UNSUPPORTED: 'The remote has not announced the extension that the operation needs.',
  ERR_HTTP3_GOING_AWAY: 'One of the two sides is shutting the connection down: it takes no new requests.',
  ERR_HTTP3_CLOSED: 'The HTTP/3 connection is closed; the operation needs an open one.',
  ERR_HTTP3_INVALID_STATE: 'The operation is not possible in the present state of the stream or connection.',
  ERR_HTTP3_INVALID_OPTION: 'An option is out of range, or contradicts another.',
} as const satisfies Record<`ERR_HTTP3_${string}`, string>;

/** One of the stable codes of {@link HTTP3_ERROR_CODES}. */
export type Http3ErrorCode = keyof typeof HTTP3_ERROR_CODES;

/**
 * How much an error ends. `'connection'`: the HTTP/3 connection. `'stream'`: one stream, or a direction of it. `'call'`:
 * nothing; what was asked for was not done.
 */
export type Http3ErrorScope = 'connection' | 'stream' | 'call';

/** What an {@link Http3Error} carries beside its code and message. */
export interface Http3ErrorOptions {
  /** What ends with it. Default: `'call'`. */
  readonly scope?: Http3ErrorScope | undefined;
  /** The error code on the wire. Default: the one that `code` names, or none. */
  readonly errorCode?: number | undefined;
  /** Whether the remote raised it. Default: false. */
  readonly remote?: boolean | undefined;
  /** What led to it. Default: none. */
  readonly cause?: unknown;
}

/** The same in every copy of this package, in every realm. */
const brand = Symbol.for('skein.Http3Error');

/**
 * What everything in `skein/http3` fails with. `code` says what happened in a word that programs can compare; `errorCode` is
 * the code that goes over the wire, or came over it.
 */
export class Http3Error extends Error {
  /** What happened: a key of {@link HTTP3_ERROR_CODES}. */
  readonly code: Http3ErrorCode;
  /** The error code on the wire (RFC 9114 section 8.1, RFC 9204 section 6); undefined where there is none. */
  readonly errorCode: number | undefined;
  /** What ends with it. */
  readonly scope: Http3ErrorScope;
  /** Whether the remote raised the error; false for what was found on this side. */
  readonly remote: boolean;

  constructor(code: Http3ErrorCode, message: string, options: Http3ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.errorCode = options.errorCode ?? wireCode(code);
    this.scope = options.scope ?? 'call';
    this.remote = options.remote ?? false;
  }

  /** Whether a value is an Http3Error, even one of another copy of this package (where `instanceof` says no). */
  static isHttp3Error(value: unknown): value is Http3Error {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

// On the prototype, so that neither shows as a property of each error.
Object.defineProperties(Http3Error.prototype, {
  name: { value: 'Http3Error', configurable: true, writable: true },
  [brand]: { value: true },
});

const codesByWire = new Map<number, Http3ErrorCode>(
  Object.entries(H3).map(([name, value]) => [value, `ERR_HTTP3_${name.slice(3)}` as Http3ErrorCode]),
);

function wireCode(code: Http3ErrorCode): number | undefined {
  return (H3 as Readonly<Record<string, number>>)[code.replace('ERR_HTTP3_', 'H3_')];
}

/**
 * The error for a code that the remote sent in RESET_STREAM, STOP_SENDING or CONNECTION_CLOSE (`scope` `'connection'`).
 * `errorCode` stays what it was; `code` names it.
 */
export function remoteError(errorCode: number, what: string, scope: Http3ErrorScope = 'stream'): Http3Error {
  const isQpack = errorCode >= 0x200 && errorCode <= 0x202;
  // @rfc 9114#8-1 unknown and reserved error codes are equivalent to H3_NO_ERROR
  const code = isQpack ? 'ERR_HTTP3_QPACK' : (codesByWire.get(errorCode) ?? 'ERR_HTTP3_NO_ERROR');
  return new Http3Error(code, `${what} (${HTTP3_ERROR_CODES[code]} Code 0x${errorCode.toString(16)})`, {
    errorCode,
    scope,
    remote: true,
  });
}

/**
 * Throws what closes the connection with a code of the wire. Whoever finds a violation throws; it is caught once, where the
 * connection is closed.
 */
export function failConnection(name: H3ErrorName, message: string): never {
  throw new Http3Error(codesByWire.get(H3[name]) ?? 'ERR_HTTP3_INTERNAL_ERROR', message, { scope: 'connection' });
}
/** Throws what aborts the stream as malformed (RFC 9114 section 4.1.2). */
export function failMessage(message: string): never {
  throw new Http3Error('ERR_HTTP3_MESSAGE_ERROR', message, { scope: 'stream' });
}
