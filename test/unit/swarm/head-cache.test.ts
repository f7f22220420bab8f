import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeadCache } from '../../../src/swarm/link/head-cache.js';
import { FRAME } from '../../../src/swarm/wire/codes.js';
import { FrameReader } from '../../../src/swarm/wire/frames.js';
import { encodeHead, type ExchangeHead } from '../../../src/swarm/wire/head.js';

const head: ExchangeHead = {
  type: 'request',
  name: 'greet',
  from: 'a',
  to: 'b',
  hops: 8,
  path: ['a'],
  timeout: 30_000,
  targets: [],
};

const others: readonly Partial<ExchangeHead>[] = [
  { type: 'message' },
  { name: 'other' },
  { to: 'c' },
  { hops: 7 },
  { timeout: 0 },
  { from: 'z', path: ['z'] },
  { path: ['a', 'm'] },
  { targets: ['b', 'c'] },
];

function payloadOf(bytes: Uint8Array): Uint8Array {
  const reader = new FrameReader(1024);
  reader.push(bytes);
  const frame = reader.next();
  assert.equal(frame?.kind, FRAME.head);
  return frame.payload;
}

test('heads that are alike are encoded once, and every difference shows', () => {
  const cache = new HeadCache();
  const bytes = cache.encode(head);
  assert.deepEqual(bytes, encodeHead(head));
  assert.equal(cache.encode({ ...head, path: ['a'] }), bytes);
  for (const difference of others) {
    const other = { ...head, ...difference };
    assert.deepEqual(cache.encode(other), encodeHead(other), JSON.stringify(difference));
    assert.deepEqual(cache.encode(head), encodeHead(head), `after ${JSON.stringify(difference)}`);
  }
});

test('heads that came as the same bytes are one object; others are read', () => {
  const cache = new HeadCache();
  const first = cache.decode(payloadOf(encodeHead(head)));
  assert.deepEqual(first, head);
  assert.equal(cache.decode(payloadOf(encodeHead(head))), first);
  for (const difference of others) {
    const other = { ...head, ...difference };
    assert.deepEqual(cache.decode(payloadOf(encodeHead(other))), other);
  }
});

test('what is kept does not change with the array that it came in', () => {
  const cache = new HeadCache();
  const payload = payloadOf(encodeHead(head)).slice();
  cache.decode(payload);
  payload.fill(0);
  assert.deepEqual(cache.decode(payloadOf(encodeHead(head))), head);
  assert.throws(() => cache.decode(payload), { code: 'ERR_SWARM_PROTOCOL' });
});

test('more names than are kept', () => {
  const cache = new HeadCache();
  for (let round = 0; round < 2; round++) {
    for (let n = 0; n < 100; n++) {
      const named = { ...head, name: `name ${n}` };
      const bytes = cache.encode(named);
      assert.deepEqual(bytes, encodeHead(named));
      assert.deepEqual(cache.decode(payloadOf(bytes)), named);
    }
  }
});
