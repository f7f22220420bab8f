/** Every `code` of a {@link QpackError}, with what it says. Stable: programs may compare them; messages may change. */
export const QPACK_ERROR_CODES = {
  ERR_QPACK_DECOMPRESSION_FAILED: 'An encoded field section breaks RFC 9204 (QPACK_DECOMPRESSION_FAILED).',
  ERR_QPACK_ENCODER_STREAM: 'An instruction on the encoder stream breaks RFC 9204 (QPACK_ENCODER_STREAM_ERROR).',
  ERR_QPACK_DECODER_STREAM: 'An instruction on the decoder stream breaks RFC 9204 (QPACK_DECODER_STREAM_ERROR).',
  ERR_QPACK_FIELD_SECTION_TOO_LARGE: 'A field section exceeds `maxFieldSectionSize` or `maxFields`.',
  ERR_QPACK_BLOCKED_TOO_LARGE: 'The field sections that wait on blocked streams exceed `maxBlockedBytes`.',
  ERR_QPACK_SECTION_RELEASED: 'A `FieldSection` was looked at after its memory had been given back.',
  ERR_QPACK_INVALID_FIELD: 'A field line cannot be encoded: it holds characters above U+00FF.',
  ERR_QPACK_INVALID_OPTION: 'An option or setting is out of range.',
} as const satisfies Record<`ERR_QPACK_${string}`, string>;

/** One of the stable codes of {@link QPACK_ERROR_CODES}. */
export type QpackErrorCode = keyof typeof QPACK_ERROR_CODES;

/** QPACK's error codes on the wire (RFC 9204 section 6). */
export const QPACK_WIRE_CODES = {
  /** A field section cannot be interpreted. */
  QPACK_DECOMPRESSION_FAILED: 0x200,
  /** An encoder instruction cannot be interpreted. */
  QPACK_ENCODER_STREAM_ERROR: 0x201,
  /** A decoder instruction cannot be interpreted. */
  QPACK_DECODER_STREAM_ERROR: 0x202,
} as const;

/**
 * How much an error ends. `'connection'`: the tables of the two sides may differ now, and the connection must be closed with
 * `errorCode`. `'stream'`: this stream only; the table is right, and other streams go on. `'call'`: nothing; this
 * side gave something that cannot be used.
 */
export type QpackErrorScope = 'connection' | 'stream' | 'call';

const consequences: Record<QpackErrorCode, { scope: QpackErrorScope; errorCode: number | undefined }> = {
  ERR_QPACK_DECOMPRESSION_FAILED: { scope: 'connection', errorCode: QPACK_WIRE_CODES.QPACK_DECOMPRESSION_FAILED },
  ERR_QPACK_ENCODER_STREAM: { scope: 'connection', errorCode: QPACK_WIRE_CODES.QPACK_ENCODER_STREAM_ERROR },
  ERR_QPACK_DECODER_STREAM: { scope: 'connection', errorCode: QPACK_WIRE_CODES.QPACK_DECODER_STREAM_ERROR },
  // An implementation's limit on a request stream is a stream error of that type (RFC 9204 section 7.4).
  ERR_QPACK_FIELD_SECTION_TOO_LARGE: { scope: 'stream', errorCode: QPACK_WIRE_CODES.QPACK_DECOMPRESSION_FAILED },
  ERR_QPACK_BLOCKED_TOO_LARGE: { scope: 'stream', errorCode: QPACK_WIRE_CODES.QPACK_DECOMPRESSION_FAILED },
  ERR_QPACK_SECTION_RELEASED: { scope: 'call', errorCode: undefined },
  ERR_QPACK_INVALID_FIELD: { scope: 'call', errorCode: undefined },
  ERR_QPACK_INVALID_OPTION: { scope: 'call', errorCode: undefined },
};

/** The same in every copy of this package, in every realm. */
const brand = Symbol.for('skein.QpackError');

/** What everything in `skein/qpack` fails with. */
export class QpackError extends Error {
  /** What happened: a key of {@link QPACK_ERROR_CODES}. */
  readonly code: QpackErrorCode;
  /** The error code for the wire (RFC 9204 section 6); undefined where nothing went over the wire. */
  readonly errorCode: number | undefined;
  /** What has to end: the connection, one stream, or nothing. */
  readonly scope: QpackErrorScope;
  /** Whether the remote raised the error. Always false: QPACK finds every error on this side. */
  readonly remote: boolean;

  constructor(code: QpackErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.errorCode = consequences[code].errorCode;
    this.scope = consequences[code].scope;
    this.remote = false;
  }

  /** Whether a value is a QpackError, even one of another copy of this package (where `instanceof` says no). */
  static isQpackError(value: unknown): value is QpackError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

// On the prototype, so that neither shows as a property of each error.
Object.defineProperties(QpackError.prototype, {
  name: { value: 'QpackError', configurable: true, writable: true },
  [brand]: { value: true },
});
