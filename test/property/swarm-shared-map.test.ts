/** Replicas to which updates come late, twice or never: after they have asked for what they miss, all equal the coordinator. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SharedMapReplica } from '../../src/swarm/state/shared-map-replica.js';
import { SharedMap, type SharedEntry, type SharedUpdate } from '../../src/swarm/state/shared-map.js';

const runs = { seed: Number(process.env['FC_SEED'] ?? 20_261_125), numRuns: 400 };
const REPLICAS = 4;

const key = fc.constantFrom('a', 'b', 'c', 'd/1', 'd/2', 'ä');
const fate = fc.constantFrom('now', 'late', 'lost', 'twice');
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ what: fc.constant('set' as const), key, value: fc.uint8Array({ maxLength: 4 }) }),
  },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('delete' as const), key }) },
  {
    weight: 4,
    arbitrary: fc.record({ what: fc.constant('publish' as const), fates: fc.tuple(fate, fate, fate, fate) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant('deliver' as const), replica: fc.nat(REPLICAS - 1), at: fc.nat() }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('resync' as const), replica: fc.nat(REPLICAS - 1) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('restart' as const), lost: fc.nat(3) }) },
);

const sorted = (entries: Iterable<SharedEntry>): SharedEntry[] =>
  [...entries].sort((one, two) => (one.key < two.key ? -1 : 1));

test('all replicas end equal to the coordinator, and their listeners have seen how', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 6 }), (steps, logChanges) => {
      let map = new SharedMap({ logChanges });
      let published = 0;
      const history = [map.snapshot()];
      const replicas = Array.from({ length: REPLICAS }, () => new SharedMapReplica());
      const late: SharedUpdate[][] = replicas.map(() => []);
      // What a listener that keeps its own copy has.
      const copies = replicas.map((replica) => {
        const copy = new Map<string, SharedEntry>();
        replica.onPrefix('', ({ key: changed, value, version, previousVersion }) => {
          assert.equal(copy.get(changed)?.version ?? 0, previousVersion);
          if (value) copy.set(changed, { key: changed, value, version });
          else copy.delete(changed);
        });
        return copy;
      });
      const resync = (replica: SharedMapReplica): void => {
        const update = map.since(replica.revision, replica.generation);
        assert.notEqual(replica.apply(update), 'gap');
      };
      const deliver = (replica: SharedMapReplica, update: SharedUpdate): void => {
        if (replica.apply(update) === 'gap') resync(replica);
      };
      for (const one of steps) {
        switch (one.what) {
          case 'set':
            map.set(one.key, one.value);
            history.push(map.snapshot());
            break;
          case 'delete':
            map.delete(one.key);
            history.push(map.snapshot());
            break;
          case 'publish': {
            const update = map.since(published);
            published = map.revision;
            for (const [index, replica] of replicas.entries()) {
              const what = one.fates[index];
              if (what === 'now' || what === 'twice') deliver(replica, update);
              if (what === 'late' || what === 'twice') late[index]?.push(update);
            }
            break;
          }
          case 'deliver': {
            const waiting = late[one.replica] ?? [];
            const [update] = waiting.splice(one.at % Math.max(1, waiting.length), 1);
            if (update) deliver(replicas[one.replica] as SharedMapReplica, update);
            break;
          }
          case 'resync':
            resync(replicas[one.replica] as SharedMapReplica);
            break;
          case 'restart': {
            // Even a coordinator that has lost its last changes.
            const kept = history[Math.max(0, history.length - 1 - one.lost)] ?? map.snapshot();
            map = SharedMap.restore(kept.revision, kept.entries, { logChanges, generation: map.generation + 1 });
            published = map.revision;
            history.splice(0, history.length, map.snapshot());
          }
        }
      }
      for (const [index, replica] of replicas.entries()) {
        resync(replica);
        for (const update of late[index] ?? []) assert.equal(replica.apply(update), 'ignored');
        assert.equal(replica.revision, map.revision);
        assert.deepEqual(sorted(replica.entries()), sorted(map.entries()));
        assert.deepEqual(sorted(copies[index]?.values() ?? []), sorted(map.entries()));
      }
    }),
    runs,
  );
});
