import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { MemoryStore, type StoreResult, type SwarmError, type SwarmStore } from '../../src/swarm/index.js';
import { startAgent, startSwarm } from '../support/swarm.js';
import { until } from '../support/until.js';

/** A store whose writes can be made slow, and then fail. */
class FrailStore extends MemoryStore implements SwarmStore {
  delay: Promise<void> | undefined;
  error: Error | undefined;

  override async write(...batch: Parameters<MemoryStore['write']>): Promise<StoreResult> {
    await this.delay;
    if (this.error) throw this.error;
    return super.write(...batch);
  }
}

test('nobody hears that a task is accepted before the store has it, or when the store fails; the swarm ends then', async () => {
  const store = new FrailStore();
  const swarm = await startSwarm({ store });
  let began = 0;
  await startAgent(swarm, 'worker', { capabilities: ['work'], handlers: { work: () => began++ } });
  const client = await startAgent(swarm, 'client');
  let release: () => void = () => undefined;
  store.delay = new Promise((resolve) => {
    release = resolve;
  });
  let accepted = 0;
  const patience = new AbortController();
  const accept = (): number => accepted++;
  const here = swarm.submit({ capability: 'work' }).then(accept);
  const there = client.submit({ capability: 'work', signal: patience.signal }).then(accept);
  here.catch(() => undefined);
  there.catch(() => undefined);
  await until(() => swarm.tasks().length === 2);
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  assert.deepEqual([accepted, began], [0, 0]);
  const closed = once(swarm, 'closed') as Promise<[SwarmError]>;
  const disconnected = once(client, 'disconnected');
  store.error = new Error('the disk is full');
  release();
  await assert.rejects(here, { code: 'ERR_SWARM_STORE' });
  const [error] = await closed;
  assert.equal(error.code, 'ERR_SWARM_STORE');
  assert.match(error.message, /the disk is full/);
  // For agents this is a coordinator that died: they wait for the next one, for as long as they want to.
  await disconnected;
  patience.abort(new Error('enough'));
  await assert.rejects(there, /enough/);
  await assert.rejects(swarm.submit({ capability: 'work' }), { code: 'ERR_SWARM_STORE' });
  assert.deepEqual([accepted, began], [0, 0]);
});
