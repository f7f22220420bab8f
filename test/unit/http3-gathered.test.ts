import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gathered } from '../../src/http3/client/gathered.js';

const MIB = 1024 * 1024;

/** `length` bytes that tell their place, from `at` on. */
function piece(at: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (Math.imul(at + index, 2654435761) >>> 13) & 0xff);
}

function gather(gathered: Gathered, lengths: readonly number[]): Uint8Array {
  let at = 0;
  for (const length of lengths) {
    gathered.add(piece(at, length));
    at += length;
    assert.equal(gathered.length, at);
  }
  return gathered.take();
}

test('what is gathered is what came, whether its length was known or not', () => {
  for (const lengths of [[], [1], [5000], [1, 1, 1], [4000, 97, 70_000], [300_000, 900_000, 1, 800_000]]) {
    const sum = lengths.reduce((total, length) => total + length, 0);
    for (const expected of [undefined, sum]) {
      const bytes = gather(new Gathered(expected, 64 * MIB), lengths);
      assert.ok(Buffer.from(bytes).equals(piece(0, sum)), `${lengths.join('+')} of ${expected ?? 'unknown'}`);
    }
  }
});

test('a known length is the length of the array; small content keeps no room that it does not fill', () => {
  assert.equal(gather(new Gathered(2_000_000, 64 * MIB), [1_000_000, 1_000_000]).buffer.byteLength, 2_000_000);
  assert.equal(gather(new Gathered(undefined, 64 * MIB), [1000, 1000]).buffer.byteLength, 2000);
});

test('room grows with what has come, never beyond what may come', () => {
  const large = gather(new Gathered(undefined, 3 * MIB), [MIB, MIB, 10]);
  assert.equal(large.buffer.byteLength, 3 * MIB);
  assert.equal(large.length, 2 * MIB + 10);
});
