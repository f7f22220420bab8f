import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fillFromSystem } from '../../../src/engine/random.js';

test('no byte is given twice, whatever lengths are asked for', () => {
  const seen = new Set<string>();
  let count = 0;
  for (let round = 0; round < 200; round++) {
    for (const length of [16, 24, 32, 48, 64, 65, 100, 2000]) {
      const bytes = new Uint8Array(length);
      fillFromSystem(bytes);
      // Any 16 bytes that come again would be bytes that were not drawn anew.
      for (let at = 0; at + 16 <= length; at += 16) {
        seen.add(Buffer.from(bytes.subarray(at, at + 16)).toString('hex'));
        count++;
      }
    }
  }
  assert.equal(seen.size, count);
});

test('all of it is filled', () => {
  for (const length of [1, 7, 64, 65, 1024, 200_000]) {
    const ones = new Uint8Array(length);
    for (let round = 0; round < 64; round++) {
      const bytes = new Uint8Array(length);
      fillFromSystem(bytes);
      bytes.forEach((byte, index) => (ones[index] = (ones[index] as number) | byte));
    }
    assert.ok(ones.every((byte) => byte !== 0));
  }
  fillFromSystem(new Uint8Array(0));
});
