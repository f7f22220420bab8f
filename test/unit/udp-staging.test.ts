import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';

import { StagingRing } from '../../src/quic/udp/staging-ring.js';

test('a staged datagram stays as it is while it waits', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          length: fc.oneof(fc.constant(32), fc.integer({ min: 0, max: 90 })),
          segmentSize: fc.constantFrom(0, 16, 20),
          drains: fc.boolean(),
        }),
        { maxLength: 60 },
      ),
      fc.constantFrom(1, 8, 40, 64),
      (steps, first) => {
        const ring = new StagingRing(64, first);
        const memory = new Uint8Array(90);
        let waiting: { staged: Uint8Array; value: number; length: number }[] = [];
        for (const [index, { length, segmentSize, drains }] of steps.entries()) {
          memory.fill(index + 1);
          const datagrams = ring.stage(memory.subarray(0, length), segmentSize, () => waiting.length > 0);
          const sizes = datagrams.map((datagram) => datagram.length);
          assert.equal(
            sizes.reduce((sum, size) => sum + size, 0),
            length,
          );
          assert.ok(sizes.slice(0, -1).every((size) => size === segmentSize));
          for (const staged of datagrams) waiting.push({ staged, value: index + 1, length: staged.length });
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
  const ring = new StagingRing(1_000, 1_000);
  const stage = (waits: boolean) => ring.stage(new Uint8Array(400), 0, () => waits)[0]?.buffer;
  const first = stage(false);
  for (let count = 0; count < 20; count++) assert.equal(stage(false), first);
  stage(false);
  assert.notEqual(stage(true), first);
});

test('payloads of one size find the views of the round before, and others never do', () => {
  const ring = new StagingRing(1_000, 1_000);
  const stage = (length: number, segmentSize: number) => ring.stage(new Uint8Array(length), segmentSize, () => false);
  const first = stage(400, 100);
  stage(400, 100);
  assert.equal(stage(400, 100), first);
  stage(400, 100);
  assert.deepEqual(
    stage(400, 150).map((datagram) => datagram.length),
    [150, 150, 100],
  );
});

test('a ring grows as it is used up, to its capacity and no further', () => {
  const ring = new StagingRing(1_000, 100);
  const sizes = new Set<number>();
  for (let count = 0; count < 100; count++) {
    const [datagram] = ring.stage(new Uint8Array(80), 0, () => false);
    sizes.add(datagram?.buffer.byteLength ?? 0);
  }
  assert.deepEqual([...sizes], [100, 400, 1_000]);
});
