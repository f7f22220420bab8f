import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SharedMapReplica, type SharedMapEvent } from '../../../src/swarm/state/shared-map-replica.js';
import {
  MAX_STATE_BYTES,
  MAX_STATE_ENTRIES,
  MAX_STATE_KEY_BYTES,
  MAX_STATE_VALUE_BYTES,
  SharedMap,
  type SharedUpdate,
} from '../../../src/swarm/state/shared-map.js';
import { failsWith } from '../../support/store-contract.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function follower(map: SharedMap): SharedMapReplica {
  const replica = new SharedMapReplica();
  assert.equal(replica.apply(map.snapshot()), 'applied');
  return replica;
}

describe('the shared map on the coordinator', () => {
  test('each change has the next version, and conditions hold to it', () => {
    const map = new SharedMap();
    assert.deepEqual(map.set('a', bytes('1'), { ifVersion: 0 }), { ok: true, version: 1 });
    assert.deepEqual(map.set('b', bytes('1')), { ok: true, version: 2 });
    assert.deepEqual(map.set('a', bytes('2'), { ifVersion: 0 }), { ok: false, version: 1 });
    assert.deepEqual(map.set('a', bytes('2'), { ifVersion: 1 }), { ok: true, version: 3 });
    assert.deepEqual(map.get('a'), { key: 'a', value: bytes('2'), version: 3 });
    assert.deepEqual(map.delete('b', { ifVersion: 1 }), { ok: false, version: 2 });
    assert.deepEqual(map.delete('b', { ifVersion: 2 }), { ok: true, version: 4 });
    assert.deepEqual(map.set('b', bytes(''), { ifVersion: 2 }), { ok: false, version: 0 });
    assert.deepEqual(map.delete('b'), { ok: true, version: 0 });
    assert.deepEqual(map.delete('b', { ifVersion: 0 }), { ok: true, version: 0 });
    assert.equal(map.revision, 4);
    assert.equal(map.size, 1);
    assert.equal(map.bytes, 2);
  });

  test('what is too large is refused, and changes nothing', () => {
    const map = new SharedMap({ maxEntries: 2, maxBytes: 12, maxValueBytes: 8 });
    map.set('a', bytes('1234'));
    const limit = (words: RegExp): ((error: unknown) => boolean) => failsWith('ERR_SWARM_STATE_LIMIT', words);
    assert.throws(() => map.set('b', new Uint8Array(9)), limit(/"b" has 9 bytes; .* 8/));
    assert.throws(() => map.set('b', new Uint8Array(7)), limit(/would have 13 bytes; 12/));
    map.set('b', new Uint8Array(6));
    map.set('a', bytes('4321'));
    assert.throws(() => map.set('c', new Uint8Array(0)), limit(/holds 2 entries/));
    assert.throws(() => map.set('ä'.repeat(MAX_STATE_KEY_BYTES / 2 + 1), bytes('')), limit(/256 bytes at most/));
    assert.equal(map.revision, 3);
    map.delete('b');
    map.set('c', new Uint8Array(6));
    assert.equal(map.bytes, 12);
    assert.doesNotThrow(() => new SharedMap().set('ä'.repeat(128), new Uint8Array(MAX_STATE_VALUE_BYTES)));
    assert.throws(() => new SharedMap().set('a', new Uint8Array(MAX_STATE_VALUE_BYTES + 1)), limit(/65537/));
  });

  test('what is no key, condition or limit is refused', () => {
    const invalid = failsWith('ERR_SWARM_INVALID_OPTION');
    const map = new SharedMap();
    for (const key of ['', '\ud800', 7 as unknown as string]) {
      assert.throws(() => map.set(key, bytes('')), invalid);
      assert.throws(() => map.delete(key), invalid);
    }
    assert.throws(() => map.set('a', bytes(''), { ifVersion: -1 }), invalid);
    assert.throws(() => map.delete('a', { ifVersion: Number.NaN }), invalid);
    for (const options of [
      { maxEntries: MAX_STATE_ENTRIES + 1 },
      { maxBytes: MAX_STATE_BYTES + 1 },
      { maxValueBytes: 0 },
      { logChanges: 0.5 },
      { generation: -1 },
    ]) {
      assert.throws(() => new SharedMap(options), invalid);
    }
    assert.throws(() => SharedMap.restore(1, [{ key: 'a', value: bytes(''), version: 2 }]), invalid);
  });

  test('a restored map goes on where the saved one was', () => {
    const map = new SharedMap({ generation: 1 });
    map.set('a', bytes('1'));
    map.set('b', bytes('2'));
    const replica = follower(map);
    map.delete('a');
    const restored = SharedMap.restore(map.revision, map.entries(), { generation: 2 });
    assert.deepEqual(restored.set('c', bytes('3')), { ok: true, version: 4 });
    assert.equal(restored.bytes, 4);
    assert.equal(replica.apply(restored.since(3)), 'gap');
    assert.equal(replica.apply(restored.since(replica.revision, replica.generation)), 'applied');
    assert.deepEqual([...replica.entries()], [...restored.entries()]);
    assert.equal(replica.apply(map.snapshot()), 'ignored');
  });
});

describe('replicas', () => {
  test('a delta has the newest change of each key, deletions too, and fits all who are in between', () => {
    const map = new SharedMap();
    const [early, later] = [follower(map), follower(map)];
    map.set('a', bytes('1'));
    map.set('b', bytes('1'));
    later.apply(map.since(0));
    map.set('a', bytes('2'));
    map.delete('b');
    map.set('c', bytes('1'));
    map.delete('c');
    const delta = map.since(0);
    assert.deepEqual(delta, {
      kind: 'delta',
      generation: 0,
      from: 0,
      to: 6,
      changes: [
        { key: 'a', value: bytes('2'), version: 3 },
        { key: 'b', value: undefined, version: 4 },
        { key: 'c', value: undefined, version: 6 },
      ],
    });
    for (const replica of [early, later]) {
      assert.equal(replica.apply(delta), 'applied');
      assert.equal(replica.apply(delta), 'ignored');
      assert.deepEqual([...replica.entries()], [...map.entries()]);
      assert.equal(replica.revision, 6);
    }
    assert.deepEqual(map.since(6), { kind: 'delta', generation: 0, from: 6, to: 6, changes: [] });
  });

  test('one that has missed something says so, and one too far behind gets everything', () => {
    const map = new SharedMap({ logChanges: 2 });
    assert.equal(new SharedMapReplica().apply(map.since(0)), 'gap');
    const replica = follower(map);
    for (let count = 0; count < 10; count += 1) map.set(`k${count % 3}`, bytes(String(count)));
    assert.equal(replica.apply(map.since(9)), 'gap');
    assert.equal(replica.size, 0);
    assert.equal(map.since(8).kind, 'delta');
    const update = map.since(replica.revision);
    assert.equal(update.kind, 'snapshot');
    assert.equal(replica.apply(update), 'applied');
    assert.equal(replica.apply(update), 'ignored');
    assert.equal(replica.get('k0')?.version, 10);
    assert.equal(replica.has('k3'), false);
    assert.equal(map.since(11).kind, 'snapshot');
  });

  test('listeners are told of keys and prefixes, with the versions before and after', () => {
    const map = new SharedMap();
    map.set('x/a', bytes('1'));
    const replica = follower(map);
    const told: [string, string, number, number][] = [];
    const note = (who: string) => (event: SharedMapEvent) => {
      assert.equal(replica.revision, map.revision);
      told.push([who, event.key, event.previousVersion, event.version]);
    };
    const stop = [
      replica.onKey('x/a', note('key')),
      replica.onPrefix('x/', note('x')),
      replica.onPrefix('', note('all')),
    ];
    map.set('x/b', bytes('1'));
    map.set('x/a', bytes('2'));
    map.set('y', bytes('1'));
    map.set('never', bytes('1'));
    map.delete('never');
    replica.apply(map.since(1));
    assert.deepEqual(told.splice(0), [
      ['x', 'x/b', 0, 2],
      ['all', 'x/b', 0, 2],
      ['key', 'x/a', 1, 3],
      ['x', 'x/a', 1, 3],
      ['all', 'x/a', 1, 3],
      ['all', 'y', 0, 4],
    ]);
    map.delete('x/a');
    map.set('y', bytes('2'));
    replica.apply(map.snapshot());
    assert.deepEqual(told.splice(0), [
      ['key', 'x/a', 3, 8],
      ['x', 'x/a', 3, 8],
      ['all', 'x/a', 3, 8],
      ['all', 'y', 4, 8],
    ]);
    for (const end of stop) end();
    map.set('x/a', bytes('3'));
    replica.apply(map.since(8));
    assert.deepEqual(told, []);
  });

  test('a listener that throws keeps nobody else from being told', () => {
    const map = new SharedMap();
    const replica = follower(map);
    let told = 0;
    replica.onPrefix('', ({ key }) => {
      throw new Error(key);
    });
    replica.onPrefix('', () => (told += 1));
    map.set('a', bytes('1'));
    assert.throws(() => replica.apply(map.since(0)), /^Error: a$/);
    map.set('b', bytes('1'));
    map.set('c', bytes('1'));
    assert.throws(() => replica.apply(map.since(1)), AggregateError);
    assert.equal(told, 3);
    assert.equal(replica.revision, 3);
  });

  test('an update that contradicts itself is refused whole', () => {
    const map = new SharedMap();
    map.set('a', bytes('1'));
    const replica = follower(map);
    const set = (key: string, version: number, size = 0) => ({ key, value: new Uint8Array(size), version });
    const many = Array.from({ length: MAX_STATE_ENTRIES + 1 }, (_, index) => set(`k${index}`, index + 2));
    const heavy = many.slice(0, 257).map((entry) => ({ ...entry, value: new Uint8Array(MAX_STATE_VALUE_BYTES) }));
    const delta = { kind: 'delta', generation: 0, from: 1, to: 20_000 } as const;
    const snapshot = { kind: 'snapshot', generation: 0, revision: 20_000 } as const;
    const wrong: SharedUpdate[] = [
      { ...delta, changes: [set('b', 3), set('c', 2)] },
      { ...delta, changes: [set('b', 2), set('b', 3)] },
      { ...delta, changes: [set('b', 1)] },
      { ...delta, changes: [set('b', 20_001)] },
      { ...delta, changes: many },
      { ...delta, changes: heavy },
      { ...snapshot, entries: [set('b', 1), set('b', 2)] },
      { ...snapshot, entries: [set('b', 0)] },
      { ...snapshot, entries: [set('b', 20_001)] },
      { ...snapshot, entries: many },
      { ...snapshot, entries: heavy },
    ];
    for (const update of wrong) assert.throws(() => replica.apply(update), failsWith('ERR_SWARM_PROTOCOL'));
    assert.deepEqual([...replica.entries()], [...map.entries()]);
    assert.equal(replica.revision, 1);
    map.set('b', bytes('1'));
    assert.equal(replica.apply(map.since(1)), 'applied');
  });
});
