/**
 * Every `code` of a {@link QuicError}, with what it says. Stable: programs may compare them; messages may change.
 * `errorCode`, where a code carries one, is the number that went over the wire (RFC 9000 section 20).
 */
export const QUIC_ERROR_CODES = {
  // Making a connection
  ERR_QUIC_HOST_NOT_FOUND: 'The host name does not resolve to any address.',
  ERR_QUIC_CONNECTION_TIMEOUT: 'The handshake did not complete within `connectionTimeout`.',
  ERR_QUIC_UNREACHABLE: 'The network or the host says that nothing can be reached at the address (ICMP, no route).',
  ERR_QUIC_CONNECTION_REFUSED: 'The server refused the connection (CONNECTION_REFUSED, RFC 9000 section 20.1).',
  ERR_QUIC_VERSION: 'The two sides have no QUIC version in common (RFC 9000 section 6).',
  ERR_QUIC_ALPN: 'The two sides have no application protocol in common (ALPN, RFC 9001 section 8.1).',
  ERR_QUIC_TOO_MANY_CONNECTIONS: 'The endpoint holds `maxConnections` already.',

  // Life and end of a connection
  ERR_QUIC_IDLE_TIMEOUT: 'Nothing came from the remote for the idle timeout (RFC 9000 section 10.1).',
  ERR_QUIC_APPLICATION: 'The connection was closed with an application error code; `errorCode` holds it.',
  ERR_QUIC_TRANSPORT: 'The connection was closed with a transport error (RFC 9000 section 20.1) in `errorCode`.',
  ERR_QUIC_STATELESS_RESET: 'The remote has lost the state of the connection (RFC 9000 section 10.3).',
  ERR_QUIC_CONNECTION_CLOSED: 'The connection is closed; the operation needs an open one.',
  ERR_QUIC_EARLY_DATA_REJECTED: 'The server rejected early data: what this stream sent was not delivered.',

  // Streams and datagrams
  ERR_QUIC_STREAM_RESET: 'The remote reset the stream (RESET_STREAM); `errorCode` holds its code.',
  ERR_QUIC_STREAM_STOPPED: 'The remote stopped reading the stream (STOP_SENDING); `errorCode` holds its code.',
  ERR_QUIC_STREAM_CLOSED: 'This half of the stream is finished, reset or stopped; the operation needs it open.',
  ERR_QUIC_STREAM_DIRECTION: 'The stream is unidirectional, and the operation belongs to the direction it lacks.',
  ERR_QUIC_STREAM_LIMIT: 'The remote allows no further stream at the moment (`maxConcurrentStreams`).',
  ERR_QUIC_STREAM_TIMEOUT: 'The stream operation did not complete within `streamTimeout`.',
  ERR_QUIC_DATAGRAMS_UNSUPPORTED: 'QUIC datagrams (RFC 9221) are switched off on one of the two sides.',
  ERR_QUIC_DATAGRAM_TOO_LARGE: 'The QUIC datagram does not fit into one packet on the present path.',

  // Paths
  ERR_QUIC_MIGRATION: 'The connection could not be moved to another address.',
  ERR_QUIC_MULTIPATH_UNSUPPORTED: 'Multipath was not negotiated.',
  ERR_QUIC_PATH: 'The path does not exist, could not be opened, or is the last one.',

  // Certificates that the remote showed, and what it said about ours
  ERR_QUIC_CERTIFICATE_EXPIRED: 'The certificate of the remote is no longer valid.',
  ERR_QUIC_CERTIFICATE_NOT_YET_VALID: 'The certificate of the remote is not valid yet.',
  ERR_QUIC_CERTIFICATE_NAME: 'The certificate of the remote is for other names.',
  ERR_QUIC_CERTIFICATE_ISSUER: 'The certificate of the remote does not lead to a trusted CA.',
  ERR_QUIC_CERTIFICATE_PURPOSE: 'The certificate of the remote is not for this use (extended key usage).',
  ERR_QUIC_CERTIFICATE_REVOKED: 'The certificate of the remote was revoked.',
  ERR_QUIC_CERTIFICATE_PIN: 'The certificate of the remote matches none of the pins.',
  ERR_QUIC_CERTIFICATE_REQUIRED: 'A certificate was required of the other side, which showed none.',
  ERR_QUIC_CERTIFICATE_INVALID: 'The certificate of the remote is malformed or wrongly signed.',
  ERR_QUIC_TLS: 'The TLS handshake failed for another reason; `errorCode` is 0x100 plus the TLS alert.',

  // Certificates and keys given to this side
  ERR_QUIC_TLS_FILE: 'A certificate, key or CA file cannot be read.',
  ERR_QUIC_TLS_CERTIFICATE: 'What was given as certificate is none, in PEM or DER.',
  ERR_QUIC_TLS_KEY: 'What was given as private key is none, in PEM or DER (PKCS#8, SEC1, PKCS#1).',
  ERR_QUIC_TLS_PASSPHRASE: 'The private key is encrypted, and the passphrase is missing or wrong.',
  ERR_QUIC_TLS_KEY_TYPE: 'The private key is of a kind that is not supported.',
  ERR_QUIC_TLS_KEY_MISMATCH: 'The private key does not belong to the certificate.',
  ERR_QUIC_TLS_CA: 'What was given as CA bundle holds no usable certificate.',
  ERR_QUIC_TLS_PIN: 'What was given as pin is not a SHA-256.',

  // The endpoint
  ERR_QUIC_ADDRESS_IN_USE: 'Another socket is bound to the address and port.',
  ERR_QUIC_ADDRESS_NOT_AVAILABLE: 'The address is none of this machine.',
  ERR_QUIC_UDP_UNAVAILABLE:
    "The UDP backend that was asked for (`udp: 'native'`) cannot be used here; the message says why.",
  ERR_QUIC_PERMISSION: 'The process may not bind the address and port.',
  ERR_QUIC_BIND: 'The UDP socket cannot be bound; `cause` holds the error of the operating system.',
  ERR_QUIC_SOCKET: 'The UDP socket failed; `cause` holds the error of the operating system.',
  ERR_QUIC_ENDPOINT_CLOSED: 'The endpoint is closed; the operation needs an open one.',
  ERR_QUIC_ENGINE: 'The engine failed and ended every connection of its endpoint; `cause` holds its EngineError.',
  ERR_QUIC_INVALID_OPTION: 'An option is unknown, out of range, or contradicts another.',
  ERR_QUIC_INVALID_STATE: 'The operation is not possible in the present state.',
} as const satisfies Record<`ERR_QUIC_${string}`, string>;

/** One of the stable codes of {@link QUIC_ERROR_CODES}. */
export type QuicErrorCode = keyof typeof QUIC_ERROR_CODES;

/** What a {@link QuicError} carries beside its code and message. */
export interface QuicErrorOptions {
  /** The error code on the wire: a transport, application or stream error code. Default: none. */
  readonly errorCode?: number | undefined;
  /** Whether the remote raised it. Default: false. */
  readonly remote?: boolean | undefined;
  /** What led to it. Default: none. */
  readonly cause?: unknown;
}

/** The same in every copy of this package, in every realm. */
const brand = Symbol.for('skein.QuicError');

/**
 * What everything in `skein/quic` fails with. `code` says what happened in a word that programs can compare; the
 * message says what was tried, against whom, and what to do next.
 */
export class QuicError extends Error {
  /** What happened: a key of {@link QUIC_ERROR_CODES}. */
  readonly code: QuicErrorCode;
  /** The error code on the wire, where there is one (RFC 9000 section 20). */
  readonly errorCode: number | undefined;
  /** Whether the remote raised the error; false for what was found on this side. */
  readonly remote: boolean;

  constructor(code: QuicErrorCode, message: string, options: QuicErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.errorCode = options.errorCode;
    this.remote = options.remote ?? false;
  }

  /** Whether a value is a QuicError, even one of another copy of this package (where `instanceof` says no). */
  static isQuicError(value: unknown): value is QuicError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

/**
 * Makes an error without a stack. Where the end of a connection is noticed tells nobody anything, and the stack costs more
 * than all else that an end takes.
 */
export function withoutStack<E extends Error>(make: () => E): E {
  const { stackTraceLimit } = Error;
  // Where that cannot be set, in a realm whose intrinsics are frozen, the error has its stack.
  Reflect.set(Error, 'stackTraceLimit', 0);
  try {
    return make();
  } finally {
    Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
  }
}

// On the prototype, so that neither shows as a property of each error.
Object.defineProperties(QuicError.prototype, {
  name: { value: 'QuicError', configurable: true, writable: true },
  [brand]: { value: true },
});
