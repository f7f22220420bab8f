/** Bytes of HTTP/3 and QPACK, right or wrong, made without any code that skein itself speaks them with. */

/** Field lines: pairs, in their order, or an object. */
export type RawFields = Readonly<Record<string, string>> | readonly (readonly [string, string])[];

const text = new TextEncoder();

/** The parts one after the other; strings as UTF-8. */
export function rawBytes(...parts: readonly (Uint8Array | string)[]): Uint8Array {
  const pieces = parts.map((part) => (typeof part === 'string' ? text.encode(part) : part));
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

/**
 * An integer of variable length (RFC 9000 section 16).
 *
 * @param value 0 to 2^62 - 1
 * @param size bytes to take: 1, 2, 4 or 8. Default: as few as possible
 * @throws RangeError when it does not fit
 */
export function rawVarint(value: number | bigint, size?: 1 | 2 | 4 | 8): Uint8Array {
  const number = BigInt(value);
  const fits = [1, 2, 4, 8].find((bytes) => number >= 0n && number < 1n << BigInt(bytes * 8 - 2));
  if (fits === undefined || (size !== undefined && size < fits)) {
    throw new RangeError(`${value} does not fit into a variable-length integer of ${size ?? 8} bytes`);
  }
  const bytes = new Uint8Array(size ?? fits);
  let left = number;
  for (let at = bytes.length - 1; at >= 0; at--) {
    bytes[at] = Number(left & 0xffn);
    left >>= 8n;
  }
  bytes[0] = (bytes[0] ?? 0) | (Math.log2(bytes.length) << 6);
  return bytes;
}

/** An integer with a prefix of so many bits, behind the bits in `first` (RFC 7541 section 5.1). */
function prefixed(first: number, bits: number, value: number | bigint): Uint8Array {
  const most = 2 ** bits - 1;
  if (value < most) return Uint8Array.of(first | Number(value));
  const bytes = [first | most];
  let left = BigInt(value) - BigInt(most);
  for (; left >= 128n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
  bytes.push(Number(left));
  return Uint8Array.from(bytes);
}

/** A string without Huffman coding, its length behind the bits in `first`. */
function literal(first: number, bits: number, value: string): Uint8Array {
  // Latin-1, so that bytes that are no UTF-8 can be written too.
  const bytes = Uint8Array.from(value, (character) => character.charCodeAt(0));
  return rawBytes(prefixed(first, bits, bytes.length), bytes);
}

function linesOf(fields: RawFields): readonly (readonly [string, string])[] {
  return Array.isArray(fields) ? (fields as readonly (readonly [string, string])[]) : Object.entries(fields);
}

/**
 * Field sections and instructions of QPACK (RFC 9204). Each takes any number, whatever the tables hold and the limits are.
 * Strings are Latin-1, one character a byte.
 */
export const rawQpack = {
  /** A whole section of literals, which needs no table (sections 4.5.1 and 4.5.6). */
  section: (fields: RawFields): Uint8Array => rawBytes(rawQpack.prefix(0, 0), rawQpack.lines(fields)),
  /** Its lines alone, as literals. */
  lines: (fields: RawFields): Uint8Array =>
    rawBytes(...linesOf(fields).map(([name, value]) => rawQpack.literalLine(name, value))),
  /** The prefix of a section: Required Insert Count as encoded, sign and Delta Base (section 4.5.1). */
  prefix: (encodedInsertCount: number | bigint, deltaBase: number | bigint, negative = false): Uint8Array =>
    rawBytes(prefixed(0, 8, encodedInsertCount), prefixed(negative ? 0x80 : 0, 7, deltaBase)),
  /** A line that is an entry of the static table, or of the dynamic table relative to Base (section 4.5.2). */
  indexedLine: (index: number | bigint, table: 'static' | 'dynamic' = 'static'): Uint8Array =>
    prefixed(table === 'static' ? 0xc0 : 0x80, 6, index),
  /** A line that is an entry behind Base (section 4.5.3). */
  postBaseLine: (index: number | bigint): Uint8Array => prefixed(0x10, 4, index),
  /** A line whose name is that of an entry (section 4.5.4). */
  namedLine: (index: number | bigint, value: string, table: 'static' | 'dynamic' = 'static'): Uint8Array =>
    rawBytes(prefixed(table === 'static' ? 0x50 : 0x40, 4, index), literal(0, 7, value)),
  /** A line with name and value (section 4.5.6). */
  literalLine: (name: string, value: string): Uint8Array => rawBytes(literal(0x20, 3, name), literal(0, 7, value)),

  /** Encoder stream: Set Dynamic Table Capacity (section 4.3.1). */
  setCapacity: (capacity: number | bigint): Uint8Array => prefixed(0x20, 5, capacity),
  /** Encoder stream: Insert with Literal Name (section 4.3.3). */
  insert: (name: string, value: string): Uint8Array => rawBytes(literal(0x40, 5, name), literal(0, 7, value)),
  /** Encoder stream: Insert with Name Reference (section 4.3.2). */
  insertNamed: (index: number | bigint, value: string, table: 'static' | 'dynamic' = 'static'): Uint8Array =>
    rawBytes(prefixed(table === 'static' ? 0xc0 : 0x80, 6, index), literal(0, 7, value)),
  /** Encoder stream: Duplicate (section 4.3.4). */
  duplicate: (index: number | bigint): Uint8Array => prefixed(0, 5, index),

  /** Decoder stream: Section Acknowledgment (section 4.4.1). */
  acknowledge: (streamId: number | bigint): Uint8Array => prefixed(0x80, 7, streamId),
  /** Decoder stream: Stream Cancellation (section 4.4.2). */
  cancel: (streamId: number | bigint): Uint8Array => prefixed(0x40, 6, streamId),
  /** Decoder stream: Insert Count Increment (section 4.4.3). */
  increment: (count: number | bigint): Uint8Array => prefixed(0, 6, count),
} as const;

/** Types of frames (RFC 9114 section 7.2, RFC 9218 section 7.2) that {@link rawHttp3} has words for. */
export const RAW_FRAME = {
  DATA: 0x00,
  HEADERS: 0x01,
  CANCEL_PUSH: 0x03,
  SETTINGS: 0x04,
  PUSH_PROMISE: 0x05,
  GOAWAY: 0x07,
  MAX_PUSH_ID: 0x0d,
  PRIORITY_UPDATE: 0xf0700,
  PRIORITY_UPDATE_PUSH: 0xf0701,
} as const;

/** Types of unidirectional streams (RFC 9114 section 6.2, RFC 9204 section 4.2). */
export const RAW_STREAM = { CONTROL: 0x00, PUSH: 0x01, QPACK_ENCODER: 0x02, QPACK_DECODER: 0x03 } as const;

/** Frames of HTTP/3 (RFC 9114 section 7). Nothing is checked: any frame may go on any stream, at any time. */
export const rawHttp3 = {
  /**
   * A frame of any type.
   *
   * @param length what the frame says of its length. Default: what it is
   */
  frame: (type: number | bigint, payload: Uint8Array | string = '', length?: number | bigint): Uint8Array => {
    const bytes = rawBytes(payload);
    return rawBytes(rawVarint(type), rawVarint(length ?? bytes.length), bytes);
  },
  data: (content: Uint8Array | string): Uint8Array => rawHttp3.frame(RAW_FRAME.DATA, content),
  headers: (fields: RawFields): Uint8Array => rawHttp3.frame(RAW_FRAME.HEADERS, rawQpack.section(fields)),
  /** SETTINGS with identifiers and values in this order, twice the same where asked for. */
  settings: (settings: readonly (readonly [number | bigint, number | bigint])[] = []): Uint8Array =>
    rawHttp3.frame(
      RAW_FRAME.SETTINGS,
      rawBytes(...settings.flatMap(([identifier, value]) => [rawVarint(identifier), rawVarint(value)])),
    ),
  goaway: (id: number | bigint): Uint8Array => rawHttp3.frame(RAW_FRAME.GOAWAY, rawVarint(id)),
  maxPushId: (id: number | bigint): Uint8Array => rawHttp3.frame(RAW_FRAME.MAX_PUSH_ID, rawVarint(id)),
  cancelPush: (id: number | bigint): Uint8Array => rawHttp3.frame(RAW_FRAME.CANCEL_PUSH, rawVarint(id)),
  pushPromise: (id: number | bigint, fields: RawFields): Uint8Array =>
    rawHttp3.frame(RAW_FRAME.PUSH_PROMISE, rawBytes(rawVarint(id), rawQpack.section(fields))),
  /** RFC 9218 section 7.2, for a request. */
  priorityUpdate: (streamId: number | bigint, value: string): Uint8Array =>
    rawHttp3.frame(RAW_FRAME.PRIORITY_UPDATE, rawBytes(rawVarint(streamId), value)),
} as const;
