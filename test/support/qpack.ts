import assert from 'node:assert/strict';
import { QpackError, type FieldLine, type QpackDecoder, type QpackErrorCode } from '../../src/qpack/index.js';

/** Bytes of hexadecimal digits; blanks between them do not count. */
export function hex(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits.replaceAll(/\s/g, ''), 'hex'));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export function field(name: string, value: string): FieldLine {
  return { name, value };
}

/** Name and value of field lines, without what a decoder adds. */
export function plain(fields: Iterable<FieldLine> | undefined): FieldLine[] | undefined {
  return fields && Array.from(fields, ({ name, value }) => ({ name, value }));
}

/** What `decode` returns, as objects; its memory is given back. */
export function decodeLines(decoder: QpackDecoder, streamId: number, section: Uint8Array): FieldLine[] | undefined {
  const fields = decoder.decode(streamId, section);
  const lines = fields?.toArray();
  fields?.release();
  return lines;
}

/** What `receiveEncoderStream` returns, with field lines as objects. */
export function unblockLines(
  decoder: QpackDecoder,
  bytes: Uint8Array,
): { readonly streamId: number; readonly fields?: FieldLine[]; readonly error?: QpackError }[] {
  return decoder
    .receiveEncoderStream(bytes)
    .map(({ streamId, fields, error }) => (fields ? { streamId, fields: fields.toArray() } : { streamId, error }));
}

/** What `assert.throws` takes to see that a call fails with this code. */
export function qpackError(code: QpackErrorCode, message?: RegExp): (error: unknown) => true {
  return (error) => {
    if (!QpackError.isQpackError(error)) throw error;
    assert.equal(error.code, code, error.message);
    if (message) assert.match(error.message, message);
    return true;
  };
}

/** Everything of some byte strings, one after the other. */
export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

/** A prefixed integer (RFC 7541 section 5.1), made in the simplest way. */
export function integer(flags: number, prefix: number, value: bigint | number): Uint8Array {
  const limit = (1n << BigInt(prefix)) - 1n;
  let rest = BigInt(value);
  if (rest < limit) return Uint8Array.of(flags | Number(rest));
  const bytes = [flags | Number(limit)];
  for (rest -= limit; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

/** A string literal without Huffman code. */
export function literal(flags: number, prefix: number, text: string): Uint8Array {
  return join(integer(flags, prefix, text.length), Buffer.from(text, 'latin1'));
}

/** Encoder instructions and representations, one function for each form of RFC 9204 section 4. */
export const wire = {
  setCapacity: (capacity: number) => integer(0x20, 5, capacity),
  insertStaticName: (index: number, value: string) => join(integer(0xc0, 6, index), literal(0, 7, value)),
  insertDynamicName: (index: number, value: string) => join(integer(0x80, 6, index), literal(0, 7, value)),
  insert: (name: string, value: string) => join(literal(0x40, 5, name), literal(0, 7, value)),
  duplicate: (index: number) => integer(0x00, 5, index),

  sectionAcknowledgment: (streamId: number | bigint) => integer(0x80, 7, streamId),
  streamCancellation: (streamId: number | bigint) => integer(0x40, 6, streamId),
  insertCountIncrement: (increment: number | bigint) => integer(0x00, 6, increment),

  /** `base` relative to the Required Insert Count: from 0 on above it, below 0 under it. */
  prefix: (encodedInsertCount: number, base: number) =>
    join(integer(0, 8, encodedInsertCount), base >= 0 ? integer(0, 7, base) : integer(0x80, 7, -base - 1)),
  indexedStatic: (index: number) => integer(0xc0, 6, index),
  indexedDynamic: (index: number) => integer(0x80, 6, index),
  indexedPostBase: (index: number) => integer(0x10, 4, index),
  literalStaticName: (index: number, value: string) => join(integer(0x50, 4, index), literal(0, 7, value)),
  literalDynamicName: (index: number, value: string) => join(integer(0x40, 4, index), literal(0, 7, value)),
  literalPostBaseName: (index: number, value: string) => join(integer(0x00, 3, index), literal(0, 7, value)),
  literal: (name: string, value: string) => join(literal(0x20, 3, name), literal(0, 7, value)),
};
