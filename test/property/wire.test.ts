/** The seed is fixed in CI; `FC_SEED=1234 npm test -- property` tries another, and a failure prints its own. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';

import { ByteReader, ByteWriter, MAX_EXACT_VARINT, isExactVarint, readVarint } from '../../src/wire/index.js';

const parameters = {
  seed: Number(process.env['FC_SEED'] ?? 20_261_123),
  numRuns: Number(process.env['FC_RUNS'] ?? 500),
};

const integer = fc.oneof(fc.maxSafeNat(), fc.nat(100_000), fc.constantFrom(63, 64, 16_383, 16_384, MAX_EXACT_VARINT));

test('what is written is read', () => {
  const item = fc.oneof(integer, fc.uint8Array({ maxLength: 300 }));
  fc.assert(
    fc.property(fc.array(item), fc.nat(64), (items, capacity) => {
      const writer = new ByteWriter(capacity);
      for (const each of items) {
        if (typeof each === 'number') writer.varint(each);
        else writer.bytes(each);
      }
      const reader = new ByteReader(writer.take());
      for (const each of items) {
        if (typeof each === 'number') assert.equal(reader.varint(), each);
        else assert.deepEqual(reader.bytes(each.length), each);
      }
      assert.equal(reader.remaining, 0);
    }),
    parameters,
  );
});

test('any eight bytes are the integer that BigInt says, exact or known to be rounded', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 62n - 1n), (value) => {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, value | (3n << 62n));
      const read = readVarint(bytes, 0);
      assert.equal(isExactVarint(read), value <= BigInt(MAX_EXACT_VARINT));
      if (isExactVarint(read)) assert.equal(BigInt(read), value);
      else assert.ok(read >= 2 ** 53 && read <= 2 ** 62);
    }),
    parameters,
  );
});

test('any bytes at all are read without an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const reader = new ByteReader(bytes);
      let before = reader.remaining;
      while (reader.varint() >= 0) {
        assert.ok(reader.remaining < before, 'each integer takes at least a byte');
        before = reader.remaining;
      }
      assert.ok(before < 8);
    }),
    parameters,
  );
});
