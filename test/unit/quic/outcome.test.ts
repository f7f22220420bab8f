import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outcome } from '../../../src/quic/outcome.js';

test('the promise is the same before and after, and what it settles with is what came first', async () => {
  const before = new Outcome<number>();
  const { promise } = before;
  before.resolve(1);
  before.resolve(2);
  before.reject(new Error('too late'));
  assert.equal(before.promise, promise);
  assert.equal(await promise, 1);

  const after = new Outcome<number>();
  after.resolve(3);
  assert.equal(await after.promise, 3);
  assert.equal(after.promise, after.promise);
});

test('a rejection is there for who asks, before or after, and nobody has to', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  const asked = new Outcome<void>();
  const unasked = new Outcome<void>();
  const { promise } = asked;
  asked.reject(new Error('asked before'));
  unasked.reject(new Error('asked after'));
  // Rejections count as unhandled once the microtasks have run.
  await new Promise((resolve) => void setImmediate(resolve));
  assert.deepEqual(unhandled, []);
  process.off('unhandledRejection', note);
  await assert.rejects(promise, /asked before/);
  await assert.rejects(unasked.promise, /asked after/);
});
