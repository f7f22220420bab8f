import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';

import { StagingRing } from '../../src/quic/udp/staging-ring.js';

test('a staged datagram stays as it is while it waits', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ length: fc.integer({ min: 0, max: 90 }), drains: fc.boolean() }), { maxLength: 60 }),
      (steps) => {
        const ring = new StagingRing(64);
        const memory = new Uint8Array(90);
        let waiting: { staged: Uint8Array; value: number; length: number }[] = [];
        for (const [index, { length, drains }] of steps.entries()) {
          memory.fill(index + 1);
          const staged = ring.stage(memory.subarray(0, length), () => waiting.length > 0);
          waiting.push({ staged, value: index + 1, length });
          memory.fill(0xee);
          for (const one of waiting) {
            assert.equal(one.staged.length, one.length);
            assert.ok(one.staged.every((byte) => byte === one.value));
          }
          if (drains) waiting = [];
        }
      },
    ),
  );
});

test('one ring serves for as long as nothing waits', () => {
  const ring = new StagingRing(1_000);
  const first = ring.stage(new Uint8Array(400), () => false);
  for (let count = 0; count < 20; count++) {
    assert.equal(ring.stage(new Uint8Array(400), () => false).buffer, first.buffer);
  }
  ring.stage(new Uint8Array(400), () => false);
  assert.notEqual(ring.stage(new Uint8Array(400), () => true).buffer, first.buffer);
});
