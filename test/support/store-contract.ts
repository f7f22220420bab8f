/** What every embedded store promises, as tests: each backend runs the same. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  MAX_STORE_DELETIONS,
  MAX_STORE_KEY_BYTES,
  MAX_STORE_VALUE_BYTES,
  MAX_STORE_WATCH_KEYS,
  SwarmError,
  type StoreEvent,
  type StoreWrite,
  type SwarmErrorCode,
  type SwarmStore,
} from '../../src/swarm/index.js';
import { ManualClock, turn } from './manual-clock.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string | undefined => value && new TextDecoder().decode(value);
const put = (key: string, value: string, more: Partial<StoreWrite> = {}): StoreWrite => ({
  key,
  value: bytes(value),
  ...more,
});
const remove = (key: string, more: Partial<StoreWrite> = {}): StoreWrite => ({ key, value: undefined, ...more });

export function failsWith(code: SwarmErrorCode, words: RegExp = /./) {
  return (error: unknown): boolean => {
    assert.ok(SwarmError.isSwarmError(error), String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, words);
    return true;
  };
}

/** The next events of a watch. */
async function take(watch: AsyncIterable<StoreEvent>, count: number): Promise<[string, string | undefined, number][]> {
  const iterator = watch[Symbol.asyncIterator]();
  const events: [string, string | undefined, number][] = [];
  while (events.length < count) {
    const { done, value } = (await iterator.next()) as IteratorResult<StoreEvent, undefined>;
    if (done === true) break;
    events.push([value.key, text(value.value), value.revision]);
  }
  return events;
}

async function revisionOf(store: SwarmStore): Promise<number> {
  const result = await store.write([]);
  assert.ok(result.ok);
  return result.revision;
}

/** @param open a new empty store */
export function storeContract(name: string, open: (clock: ManualClock) => Promise<SwarmStore>): void {
  const withStore = (what: string, run: (store: SwarmStore, clock: ManualClock) => Promise<void>): void => {
    test(what, async () => {
      const clock = new ManualClock();
      const store = await open(clock);
      try {
        await run(store, clock);
      } finally {
        await store.close();
      }
    });
  };

  describe(`${name}: entries`, () => {
    withStore('what was written is read, with the revision of its batch', async (store) => {
      assert.equal(await store.get('a'), undefined);
      assert.deepEqual(await store.write([put('a', '1'), put('b', '')]), { ok: true, revision: 1 });
      assert.deepEqual(await store.write([put('a', '2')]), { ok: true, revision: 2 });
      assert.deepEqual(await store.get('a'), { key: 'a', value: bytes('2'), revision: 2 });
      assert.deepEqual(await store.get('b'), { key: 'b', value: new Uint8Array(0), revision: 1 });
      assert.deepEqual(await store.write([remove('a'), remove('none')]), { ok: true, revision: 3 });
      assert.equal(await store.get('a'), undefined);
      assert.deepEqual(await store.write([]), { ok: true, revision: 3 });
    });

    withStore('lists come sorted by UTF-16 code units, whatever the keys hold', async (store) => {
      const keys = ['a/\0', 'a/\0\0', 'a/', 'a/\uffff', 'a/\u{1f600}', 'a/z', 'a', 'b', 'a0', 'ä', "a/';--"];
      await store.write(keys.map((key) => put(key, key)));
      const all = await store.list('');
      assert.deepEqual(
        all.map((entry) => entry.key),
        [...keys].sort(),
      );
      for (const entry of all) assert.equal(text(entry.value), entry.key);
      assert.deepEqual(
        (await store.list('a/')).map((entry) => entry.key),
        keys.filter((key) => key.startsWith('a/')).sort(),
      );
      assert.deepEqual(await store.list('c'), []);
    });

    withStore('values are copies on the way in and out', async (store) => {
      const value = Buffer.from('before');
      const written = store.write([{ key: 'a', value }]);
      value.fill(0);
      await written;
      const watch = store.watch('a', { afterRevision: 0 });
      (await store.get('a'))?.value.fill(0);
      (await store.list(''))[0]?.value.fill(0);
      assert.deepEqual(await take(watch, 1), [['a', 'before', 1]]);
      const entry = await store.get('a');
      assert.equal(text(entry?.value), 'before');
      assert.equal(Object.getPrototypeOf(entry?.value), Uint8Array.prototype);
    });

    withStore('a value of 64 MiB comes back whole', async (store) => {
      const value = new Uint8Array(MAX_STORE_VALUE_BYTES);
      value.fill(7);
      value[MAX_STORE_VALUE_BYTES - 1] = 9;
      await store.write([{ key: 'a', value }]);
      const entry = await store.get('a');
      assert.equal(Buffer.compare(value, entry?.value ?? new Uint8Array(0)), 0);
    });

    withStore('keys, sizes and conditions out of range are refused, and nothing is written', async (store) => {
      const longest = 'ä'.repeat(MAX_STORE_KEY_BYTES / 2);
      assert.ok((await store.write([put(longest, 'x')])).ok);
      assert.equal((await store.list(longest)).length, 1);
      const bad: [unknown, RegExp][] = [
        ['not an array', /array/],
        [[put('', 'x')], /not empty/],
        [[put(`${longest}a`, 'x')], /1025 bytes; 1024/],
        [[put('\ud800', 'x')], /well-formed/],
        [[{ key: 7, value: bytes('x') }], /string, not number/],
        [[{ key: 'a', value: 'text' }], /Uint8Array/],
        [[{ key: 'a', value: null }], /Uint8Array/],
        [[{ key: 'a', value: new Uint8Array(MAX_STORE_VALUE_BYTES + 1) }], /67108865 bytes/],
        [[put('a', 'x', { ifRevision: -1 })], /ifRevision/],
        [[put('a', 'x', { ifRevision: 1.5 })], /ifRevision/],
        [[put('a', 'x'), remove('a')], /twice/],
      ];
      for (const [batch, words] of bad) {
        await assert.rejects(
          store.write([put('good', 'x'), ...(batch as StoreWrite[])]),
          failsWith('ERR_SWARM_INVALID_OPTION'),
        );
        await assert.rejects(store.write(batch as StoreWrite[]), failsWith('ERR_SWARM_INVALID_OPTION', words));
      }
      await assert.rejects(store.get(''), failsWith('ERR_SWARM_INVALID_OPTION'));
      await assert.rejects(store.list(7 as unknown as string), failsWith('ERR_SWARM_INVALID_OPTION'));
      assert.equal(await revisionOf(store), 1);
    });
  });

  describe(`${name}: batches`, () => {
    withStore('a condition that does not hold refuses its batch, and says what is there', async (store) => {
      await store.write([put('a', '1')]);
      const refused = await store.write([
        put('new', 'x', { ifRevision: 0 }),
        put('a', 'x', { ifRevision: 0 }),
        remove('none', { ifRevision: 3 }),
      ]);
      assert.deepEqual(refused, {
        ok: false,
        conflicts: [
          { key: 'a', entry: { key: 'a', value: bytes('1'), revision: 1 } },
          { key: 'none', entry: undefined },
        ],
      });
      assert.equal(await store.get('new'), undefined);
      assert.deepEqual(await store.write([put('a', '2', { ifRevision: 1 })]), { ok: true, revision: 2 });
      assert.deepEqual(await store.write([remove('a', { ifRevision: 2 })]), { ok: true, revision: 3 });
    });

    withStore('batches of one turn take effect in order, each standing or falling alone', async (store) => {
      const results = await Promise.all([
        store.write([put('a', 'first', { ifRevision: 0 })]),
        store.write([put('a', 'second', { ifRevision: 0 }), put('b', 'x')]),
        store.write([put('c', 'x', { ifRevision: 0 }), remove('a', { ifRevision: 1 })]),
        store.write([put('a', 'third', { ifRevision: 0 })]),
      ]);
      assert.deepEqual(
        results.map((result) => (result.ok ? result.revision : 'refused')),
        [1, 'refused', 2, 3],
      );
      assert.deepEqual(
        (await store.list('')).map(({ key, value, revision }) => [key, text(value), revision]),
        [
          ['a', 'third', 3],
          ['c', 'x', 2],
        ],
      );
    });

    withStore('one of many that increment a counter at the same time wins each round', async (store) => {
      const increment = async (): Promise<void> => {
        for (;;) {
          const entry = await store.get('n');
          const value = String(Number(text(entry?.value) ?? 0) + 1);
          if ((await store.write([put('n', value, { ifRevision: entry?.revision ?? 0 })])).ok) return;
        }
      };
      await Promise.all(Array.from({ length: 20 }, increment));
      assert.equal(text((await store.get('n'))?.value), '20');
    });

    withStore('close commits what was written before, and ends everything else', async (store) => {
      const watch = store.watch('');
      const lease = await store.grantLease(1000);
      const written = store.write([put('a', '1')]);
      await store.close();
      await store.close();
      assert.deepEqual(await written, { ok: true, revision: 1 });
      assert.deepEqual(await take(watch, 1), []);
      const closed = failsWith('ERR_SWARM_STORE', /closed/);
      await assert.rejects(store.get('a'), closed);
      await assert.rejects(store.list(''), closed);
      await assert.rejects(store.write([]), closed);
      await assert.rejects(store.grantLease(1000), closed);
      await assert.rejects(lease.renew(), closed);
      await assert.rejects(take(store.watch(''), 1), closed);
      await lease.revoke();
    });
  });

  describe(`${name}: watches`, () => {
    withStore('a watch begins with its call and tells changes in order, deletions too', async (store) => {
      await store.write([put('w/before', 'x')]);
      const watch = store.watch('w/');
      await store.write([put('w/a', '1'), put('other', 'x'), put('w/b', '2')]);
      await store.write([remove('w/before'), remove('w/never'), put('w/c', '3')]);
      assert.deepEqual(await take(watch, 4), [
        ['w/a', '1', 2],
        ['w/b', '2', 2],
        ['w/before', undefined, 3],
        ['w/c', '3', 3],
      ]);
      const later = take(watch, 1);
      await store.write([put('w/d', '4')]);
      assert.deepEqual(await later, [['w/d', '4', 4]]);
    });

    withStore('a slow reader gets the newest state of each key, once', async (store) => {
      const watch = store.watch('');
      const first = take(watch, 1);
      await Promise.all([store.write([put('a', '1')]), store.write([put('b', '1')]), store.write([put('a', '2')])]);
      assert.deepEqual(await first, [['b', '1', 2]]);
      await store.write([put('c', '1')]);
      await store.write([remove('c')]);
      await store.write([put('d', '1')]);
      assert.deepEqual(await take(watch, 3), [
        ['a', '2', 3],
        ['c', undefined, 5],
        ['d', '1', 6],
      ]);
    });

    withStore('a watch after a revision begins with what happened since', async (store) => {
      await store.write([put('w/a', '1'), put('w/b', '1')]);
      await store.write([put('w/c', '2')]);
      await store.write([remove('w/a'), put('x', '3')]);
      await store.write([put('w/b', '4')]);
      await store.write([remove('w/c')]);
      await store.write([put('w/c', '6')]);
      const watch = store.watch('w/', { afterRevision: 1 });
      assert.deepEqual(await take(watch, 3), [
        ['w/a', undefined, 3],
        ['w/b', '4', 4],
        ['w/c', '6', 6],
      ]);
      const next = take(watch, 1);
      await store.write([put('w/d', '7')]);
      assert.deepEqual(await next, [['w/d', '7', 7]]);
    });

    withStore('a revision that is not remembered, or has not come, ends the watch with an error', async (store) => {
      const keys = Array.from({ length: MAX_STORE_DELETIONS }, (_, index) => `k${index}`);
      await store.write([put('old', 'x'), ...keys.map((key) => put(key, ''))]);
      await store.write([remove('old')]);
      await store.write(keys.map((key) => remove(key)));
      await assert.rejects(
        take(store.watch('', { afterRevision: 1 }), 1),
        failsWith('ERR_SWARM_STORE', /after revision 2, not after 1: list/),
      );
      assert.equal((await take(store.watch('', { afterRevision: 2 }), keys.length)).length, keys.length);
      await assert.rejects(
        take(store.watch('', { afterRevision: 4 }), 1),
        failsWith('ERR_SWARM_STORE', /another store/),
      );
      await assert.rejects(take(store.watch('', { afterRevision: -1 }), 1), failsWith('ERR_SWARM_INVALID_OPTION'));
      await assert.rejects(take(store.watch('\ud800'), 1), failsWith('ERR_SWARM_INVALID_OPTION'));
    });

    withStore('a reader that falls too far behind is told so, and costs nothing more', async (store) => {
      const watch = store.watch('');
      const other = store.watch('k1', {});
      const keys = Array.from({ length: MAX_STORE_WATCH_KEYS + 1 }, (_, index) => `k${index}`);
      await store.write(keys.map((key) => put(key, '')));
      await assert.rejects(take(watch, 1), failsWith('ERR_SWARM_STORE', /fell more than 10000 keys behind/));
      assert.deepEqual(await take(watch, 1), []);
      assert.deepEqual(await take(other, 1), [['k1', '', 1]]);
    });

    withStore('the signal, and leaving the loop, end a watch without an error', async (store) => {
      const abort = new AbortController();
      const watch = store.watch('', { signal: abort.signal });
      const waiting = take(watch, 1);
      abort.abort();
      assert.deepEqual(await waiting, []);
      assert.deepEqual(await take(store.watch('', { signal: abort.signal }), 1), []);
      const seen: string[] = [];
      const looped = store.watch('');
      await store.write([put('a', '1'), put('b', '1')]);
      for await (const { key } of looped) {
        seen.push(key);
        break;
      }
      assert.deepEqual(seen, ['a']);
      assert.deepEqual(await take(looped, 1), []);
    });
  });

  describe(`${name}: leases`, () => {
    withStore(
      'entries live while their lease is renewed, and are deleted in one batch when it ends',
      async (store, clock) => {
        const lease = await store.grantLease(1000);
        await store.write([put('a', '1', { lease }), put('b', '1', { lease }), put('c', '1')]);
        const watch = store.watch('');
        await clock.advance(900);
        await lease.renew();
        await clock.advance(900);
        assert.equal((await store.list('')).length, 3);
        await clock.advance(100);
        assert.deepEqual(await take(watch, 2), [
          ['a', undefined, 2],
          ['b', undefined, 2],
        ]);
        assert.deepEqual(
          (await store.list('')).map((entry) => entry.key),
          ['c'],
        );
        const ended = failsWith('ERR_SWARM_STORE', /not renewed for 1000 ms/);
        await assert.rejects(lease.renew(), ended);
        await assert.rejects(store.write([put('d', '1', { lease })]), ended);
        await lease.revoke();
      },
    );

    withStore('a renewal that was waiting in the event loop comes in time', async (store, clock) => {
      const lease = await store.grantLease(1000);
      await store.write([put('a', '1', { lease })]);
      // What has arrived is taken in the same turn as the timer, after it.
      const advanced = clock.advance(1000);
      await lease.renew();
      await advanced;
      assert.ok(await store.get('a'));
      await clock.advance(1000);
      assert.equal(await store.get('a'), undefined);
    });

    withStore('an entry that is written anew leaves its lease', async (store, clock) => {
      const [one, two] = [await store.grantLease(1000), await store.grantLease(2000)];
      assert.notEqual(one.id, two.id);
      await store.write([put('a', '1', { lease: one }), put('b', '1', { lease: one }), put('c', '1', { lease: one })]);
      await store.write([put('a', '2'), put('b', '2', { lease: two }), remove('c')]);
      await store.write([put('c', '3')]);
      await clock.advance(1000);
      assert.equal(await revisionOf(store), 3);
      await clock.advance(1000);
      assert.deepEqual(
        (await store.list('')).map((entry) => entry.key),
        ['a', 'c'],
      );
    });

    withStore('revoking deletes also what was written in the same turn before it', async (store) => {
      const lease = await store.grantLease(1000);
      const written = store.write([put('a', '1', { lease })]);
      const revoked = lease.revoke();
      const after = store.write([put('b', '1', { ifRevision: 0 })]);
      await assert.rejects(store.write([put('c', '1', { lease })]), failsWith('ERR_SWARM_STORE', /revoked/));
      assert.deepEqual(await written, { ok: true, revision: 1 });
      await revoked;
      assert.deepEqual(await after, { ok: true, revision: 3 });
      assert.deepEqual(
        (await store.list('')).map((entry) => entry.key),
        ['b'],
      );
      await assert.rejects(lease.renew(), failsWith('ERR_SWARM_STORE', /revoked/));
    });

    withStore('leases of another store, and times out of range, are refused', async (store, clock) => {
      const other = await open(clock);
      const lease = await other.grantLease(1000);
      await assert.rejects(store.write([put('a', '1', { lease })]), failsWith('ERR_SWARM_INVALID_OPTION', /granted/));
      await other.close();
      const { id, ttl } = lease;
      const forged = { id, ttl, renew: async () => undefined, revoke: async () => undefined };
      await assert.rejects(store.write([put('a', '1', { lease: forged })]), failsWith('ERR_SWARM_INVALID_OPTION'));
      for (const wrong of [99, 2 ** 31, Number.NaN, Infinity, '1000' as unknown as number]) {
        await assert.rejects(store.grantLease(wrong), failsWith('ERR_SWARM_INVALID_OPTION', /100 to 2147483647/));
      }
      await turn();
    });
  });
}
