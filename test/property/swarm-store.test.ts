/** Both embedded stores against a model: random batches with conditions and leases, and for the file closing and reopening. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { MemoryStore, SqliteStore, type StoreLease, type StoreWrite, type SwarmStore } from '../../src/swarm/index.js';
import { ManualClock, turn } from '../support/manual-clock.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const runs = { seed: Number(process.env['FC_SEED'] ?? 20_261_125), numRuns: 100 };

const KEYS = ['a', 'ab', 'b', 'ä', '\uffff', '\u{1f600}'];

const write = fc.record({
  key: fc.constantFrom(...KEYS),
  value: fc.option(fc.uint8Array({ maxLength: 3 }), { nil: undefined }),
  /** `right`: what the entry has when the turn begins. */
  condition: fc.constantFrom('none', 'none', 'right', 'absent', 'wrong'),
  leased: fc.boolean(),
});
const batch = fc.uniqueArray(write, { selector: ({ key }) => key, maxLength: 4 });
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ what: fc.constant('write' as const), batches: fc.array(batch, { maxLength: 4 }) }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('expire' as const) }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('reopen' as const) }) },
);

interface ModelEntry {
  readonly value: Uint8Array;
  readonly revision: number;
  readonly leased: boolean;
}

async function follow(
  steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[],
  open: (clock: ManualClock) => Promise<SwarmStore>,
  keeps: boolean,
): Promise<void> {
  const clock = new ManualClock();
  let store = await open(clock);
  const model = new Map<string, ModelEntry>();
  let [revision, lease] = [0, undefined as StoreLease | undefined];
  const endLeased = (): void => {
    const leased = KEYS.filter((key) => model.get(key)?.leased === true);
    if (leased.length > 0) revision += 1;
    for (const key of leased) model.delete(key);
  };
  for (const one of steps) {
    switch (one.what) {
      case 'write': {
        lease ??= await store.grantLease(1000);
        const atStart = new Map(model);
        const results = one.batches.map(async (writes) => {
          const given = writes.map(({ key, value, condition, leased }): StoreWrite => {
            const present = atStart.get(key)?.revision ?? 0;
            const ifRevision = { none: undefined, right: present, absent: 0, wrong: present + 1_000_000 }[condition];
            return { key, value, ifRevision, lease: leased ? lease : undefined };
          });
          const holds = given.every(
            (w) => w.ifRevision === undefined || w.ifRevision === (model.get(w.key)?.revision ?? 0),
          );
          const conflicts = given
            .filter((w) => w.ifRevision !== undefined && w.ifRevision !== (model.get(w.key)?.revision ?? 0))
            .map(({ key }) => key);
          if (holds && given.length > 0) {
            revision += 1;
            for (const { key, value, lease: by } of given) {
              if (value === undefined) model.delete(key);
              else model.set(key, { value, revision, leased: by !== undefined });
            }
          }
          const expected = holds ? revision : conflicts;
          const result = await store.write(given);
          assert.deepEqual(result.ok ? result.revision : result.conflicts.map(({ key }) => key), expected);
        });
        await Promise.all(results);
        break;
      }
      case 'expire':
        await clock.advance(1000);
        lease = undefined;
        endLeased();
        break;
      case 'reopen':
        if (!keeps) break;
        await store.close();
        store = await open(clock);
        lease = undefined;
        endLeased();
    }
    const expected = [...model].map(([key, entry]) => ({ key, value: entry.value, revision: entry.revision }));
    expected.sort((x, y) => (x.key < y.key ? -1 : 1));
    assert.deepEqual(await store.list(''), expected);
    assert.deepEqual(await store.write([]), { ok: true, revision });
  }
  await store.close();
  await turn();
}

test('a store in memory does what the model does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), (steps) =>
      follow(steps, async (clock) => new MemoryStore({ clock }), false),
    ),
    runs,
  );
});

test('a store in a file does what the model does, whenever it is opened again', async () => {
  const folder = temporaryFolder();
  let files = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), (steps) => {
      files += 1;
      const file = join(folder, `${files}.sqlite`);
      return follow(steps, (clock) => SqliteStore.open(file, { clock }), true);
    }),
    { ...runs, numRuns: 40 },
  );
});
