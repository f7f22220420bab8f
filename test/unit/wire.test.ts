import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  ByteReader,
  ByteWriter,
  MAX_EXACT_VARINT,
  isExactVarint,
  readVarint,
  varintLength,
  varintLengthFromFirst,
  writeVarint,
} from '../../src/wire/index.js';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

/** RFC 9000 A.1, and the ends of each length. */
const cases: readonly (readonly [string, number])[] = [
  ['9d 7f 3e 7d', 494_878_333],
  ['7b bd', 15_293],
  ['25', 37],
  ['00', 0],
  ['3f', 63],
  ['40 40', 64],
  ['7f ff', 16_383],
  ['80 00 40 00', 16_384],
  ['bf ff ff ff', 1_073_741_823],
  ['c0 00 00 00 40 00 00 00', 1_073_741_824],
  ['c0 00 00 01 00 00 00 00', 2 ** 32],
  ['c0 1f ff ff ff ff ff ff', MAX_EXACT_VARINT],
];

test('variable-length integers are written and read as RFC 9000 A.1 has them', () => {
  for (const [bytes, value] of cases) {
    const encoded = hex(bytes);
    assert.equal(readVarint(encoded, 0), value);
    assert.equal(varintLength(value), encoded.length);
    assert.equal(varintLengthFromFirst(encoded[0]!), encoded.length);
    const target = new Uint8Array(encoded.length + 2).fill(0xee);
    assert.equal(writeVarint(target, 1, value), 1 + encoded.length);
    assert.deepEqual(target, Uint8Array.from([0xee, ...encoded, 0xee]));
  }
});

test('encodings longer than needed are read', () => {
  assert.equal(readVarint(hex('40 25'), 0), 37);
  assert.equal(readVarint(hex('80 00 00 25'), 0), 37);
  assert.equal(readVarint(hex('c0 00 00 00 00 00 00 25'), 0), 37);
});

test('RFC 9000 A.1: an eight-byte value above 2^53 - 1 is read rounded, and known as such', () => {
  const value = readVarint(hex('c2 19 7c 5e ff 14 e8 8c'), 0);
  assert.equal(value, Number(151_288_809_941_952_652n));
  assert.equal(isExactVarint(value), false);
  assert.equal(isExactVarint(readVarint(hex('c0 20 00 00 00 00 00 00'), 0)), false, '2^53');
  assert.equal(isExactVarint(readVarint(hex('c0 20 00 00 00 00 00 01'), 0)), false, '2^53 + 1');
  assert.equal(isExactVarint(readVarint(hex('ff ff ff ff ff ff ff ff'), 0)), false, '2^62 - 1');
  assert.equal(isExactVarint(MAX_EXACT_VARINT), true);
});

test('what cannot be written is refused', () => {
  for (const value of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, MAX_EXACT_VARINT + 1]) {
    assert.throws(() => varintLength(value), RangeError);
    assert.throws(() => writeVarint(new Uint8Array(8), 0, value), RangeError);
    assert.throws(() => new ByteWriter().varint(value), RangeError);
  }
  assert.throws(() => writeVarint(new Uint8Array(3), 0, 16_384), RangeError);
  assert.throws(() => writeVarint(new Uint8Array(3), 2, 64), RangeError);
});

test('every truncation of an integer is an answer of -1, and the reader stays where it was', () => {
  for (const [bytes] of cases) {
    const encoded = hex(bytes);
    for (let length = 0; length < encoded.length; length++) {
      assert.equal(readVarint(encoded.subarray(0, length), 0), -1);
      const reader = new ByteReader(Uint8Array.from([7, ...encoded.subarray(0, length)]));
      assert.equal(reader.uint8(), 7);
      assert.equal(reader.varint(), -1);
      assert.equal(reader.offset, 1);
    }
  }
});

test('a reader takes bytes, integers and views in turn', () => {
  const bytes = hex('01 7bbd aabbcc dd');
  const reader = new ByteReader(bytes);
  assert.equal(reader.uint8(), 1);
  assert.equal(reader.varint(), 15_293);
  assert.equal(reader.remaining, 4);
  assert.equal(reader.bytes(5), undefined);
  assert.equal(reader.bytes(-1), undefined);
  const view = reader.bytes(3);
  assert.deepEqual(view, hex('aabbcc'));
  assert.equal(view?.buffer, bytes.buffer, 'a view, not a copy');
  assert.deepEqual(reader.rest(), hex('dd'));
  assert.equal(reader.uint8(), -1);
  assert.equal(reader.varint(), -1);
  assert.deepEqual(reader.bytes(0), hex(''));
  reader.reset(hex('02'));
  assert.equal(reader.uint8(), 2);
  assert.equal(new ByteReader().remaining, 0);
});

test('a writer grows, gives what was written, and starts over', () => {
  const writer = new ByteWriter(0);
  writer.uint8(0x1ff);
  writer.varint(15_293);
  writer.bytes(hex('aabbcc'));
  assert.equal(writer.length, 6);
  assert.deepEqual(writer.view(), hex('ff 7bbd aabbcc'));
  const taken = writer.take();
  assert.equal(writer.length, 0);
  writer.bytes(new Uint8Array(10_000).fill(9));
  assert.deepEqual(taken, hex('ff 7bbd aabbcc'), 'what was taken is a copy');
  assert.equal(writer.view().length, 10_000);
  writer.clear();
  assert.deepEqual(writer.take(), hex(''));
});
