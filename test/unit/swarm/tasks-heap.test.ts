/** The heap below queues, agents and timers, against a sorted list. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';

import { IndexedHeap } from '../../../src/swarm/tasks/heap.js';

interface Item {
  readonly name: number;
  rank: number;
}

const before = (left: Item, right: Item): boolean =>
  left.rank === right.rank ? left.name < right.name : left.rank < right.rank;
const compare = (left: Item, right: Item): number => left.rank - right.rank || left.name - right.name;

test('items come out in order, whatever was added, moved and removed', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ name: fc.nat(39), rank: fc.nat(99), isGone: fc.constantFrom(true, false, false) }), {
        maxLength: 300,
        size: 'max',
      }),
      fc.nat(99),
      (changes, floor) => {
        const heap = new IndexedHeap<Item>(before);
        const items = Array.from({ length: 40 }, (_, name): Item => ({ name, rank: 0 }));
        const present = new Set<Item>();
        for (const { name, rank, isGone } of changes) {
          const item = items[name]!;
          if (isGone) assert.equal(heap.delete(item), present.delete(item));
          else {
            item.rank = rank;
            heap.set(item);
            present.add(item);
          }
          const sorted = [...present].sort(compare);
          assert.equal(heap.size, sorted.length);
          assert.equal(heap.peek(), sorted[0]);
          assert.equal(
            heap.first((candidate) => candidate.rank >= floor),
            sorted.find((candidate) => candidate.rank >= floor),
          );
          assert.equal(
            heap.first((candidate) => candidate.name % 2 === 1),
            sorted.find((candidate) => candidate.name % 2 === 1),
          );
        }
        for (const item of [...present].sort(compare)) {
          assert.equal(heap.peek(), item);
          heap.delete(item);
        }
        assert.equal(heap.peek(), undefined);
      },
    ),
    { seed: Number(process.env['FC_SEED'] ?? 20_261_125) },
  );
});
