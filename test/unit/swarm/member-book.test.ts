import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemberBook, type SavedMember } from '../../../src/swarm/coordinator/member-book.js';
import { MemoryStore } from '../../../src/swarm/index.js';

const place = { seat: 1, capabilities: [], concurrency: 1, host: '::1', port: 1, topics: [] };

function member(id: string, more: Partial<SavedMember> = {}): SavedMember {
  return { v: 1, id, incarnation: 1, role: 'worker', fingerprint: 'f', ...more };
}

async function idsIn(store: MemoryStore): Promise<string[]> {
  return (await store.list('member/')).map(({ key }) => key.slice('member/'.length)).sort();
}

test('of members that are none any more the last ones are remembered; those in the swarm, and registered ones, are all', async () => {
  const store = new MemoryStore();
  const book = await MemberBook.open(store, 3);
  const registered = { host: '::1', port: 1, role: 'worker' };
  await book.save(member('here', { place }), member('registered', { registered }));
  for (const id of ['a', 'b', 'c', 'd']) await book.save(member(id, { place }));
  assert.equal((await idsIn(store)).length, 6);
  for (const id of ['a', 'b', 'c']) await book.save(member(id));
  // It is back, and leaves again: now others left before it.
  await book.save(member('a', { place, incarnation: 2 }));
  await book.save(member('a', { incarnation: 2 }));
  await book.save(member('d'));
  const left = ['a', 'c', 'd', 'here', 'registered'];
  assert.deepEqual(await idsIn(store), left);
  assert.deepEqual(
    book
      .list()
      .map(({ id }) => id)
      .sort(),
    left,
  );
  assert.equal(book.get('b'), undefined);
  assert.equal(book.get('a')?.incarnation, 2);
  // More at once than are remembered at all.
  await book.save(...['e', 'f', 'g', 'h'].map((id) => member(id)));
  assert.deepEqual(await idsIn(store), ['f', 'g', 'h', 'here', 'registered']);
  const again = await MemberBook.open(store, 3);
  assert.equal(again.list().length, 5);
});
