/** The table of streams does what a Map does, whatever comes and goes. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { StreamIndex } from '../../src/wire/index.js';

const seed = Number(process.env['FC_SEED'] ?? 20261125);
const id = fc.oneof(
  fc.integer({ min: 0, max: 100 }),
  fc.integer({ min: 0, max: 40 }).map((n) => 4 * n * 64),
  fc.integer({ min: 0, max: 2 ** 52 }),
);
const step = fc.oneof(
  fc.record({ how: fc.constant('set' as const), id }),
  fc.record({ how: fc.constant('delete' as const), id }),
  fc.record({ how: fc.constant('clear' as const), id: fc.constant(0) }),
);

test('a stream index holds what a Map would hold', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const index = new StreamIndex<number>();
      const map = new Map<number, number>();
      for (const [at, { how, id }] of steps.entries()) {
        if (how === 'set') {
          index.set(id, at);
          map.set(id, at);
        } else if (how === 'delete') {
          index.delete(id);
          map.delete(id);
        } else if (at % 50 === 0) {
          index.clear();
          map.clear();
        }
        assert.equal(index.size, map.size);
      }
      for (const { id } of steps) assert.equal(index.get(id), map.get(id));
      const byNumber = (a: number, b: number): number => a - b;
      assert.deepEqual(index.values().sort(byNumber), [...map.values()].sort(byNumber));
    }),
    { seed, numRuns: 300 },
  );
});

test('streams that come and go by the thousand are all found', () => {
  const index = new StreamIndex<string>();
  for (let id = 0; id < 40_000; id += 4) {
    index.set(id, `stream ${id}`);
    if (id >= 400) index.delete(id - 400);
  }
  assert.equal(index.size, 100);
  for (let id = 40_000 - 400; id < 40_000; id += 4) assert.equal(index.get(id), `stream ${id}`);
  assert.equal(index.get(0), undefined);
});
