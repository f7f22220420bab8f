import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeValue, decodeValueAt, encodeValue } from '../../../src/swarm/wire/codec.js';

test('texts come as they went, with a U+FEFF at their beginning too, whatever their length and place', () => {
  for (const start of ['\ufeff', '\ufeff\ufeff', '', 'ï»¿', 'é']) {
    for (const length of [0, 1, 20, 21, 22, 23, 24, 31, 32, 253, 300, 65_533, 70_000]) {
      const text = start + 'x'.repeat(length);
      const value = { [text]: [text, { text }], text };
      assert.deepEqual(decodeValue(encodeValue(value)), value);
      const bytes = encodeValue(text);
      assert.equal(decodeValue(bytes), text);
      assert.equal(decodeValueAt(bytes, 0, bytes.length), text);
    }
  }
});
