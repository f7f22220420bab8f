/** What becomes of tasks when connections, agents and coordinators are lost. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { SqliteStore, type ExchangeContext } from '../../src/swarm/index.js';
import { MuteNetwork } from '../support/mute-network.js';
import { startAgent, startSwarm } from '../support/swarm.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { until } from '../support/until.js';

test('a submitter that loses its connection learns the result when it is back', { timeout: 60_000 }, async () => {
  const swarm = await startSwarm({ lease: 1200 });
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const begun = new Set<unknown>();
  const work = async (value: unknown): Promise<unknown> => {
    begun.add(value);
    await finished;
    return value;
  };
  await startAgent(swarm, 'worker', { capabilities: ['work'], handlers: { work } });
  const network = new MuteNetwork();
  const client = await startAgent(swarm, 'client', { network });
  const under = await client.submit({ capability: 'work', payload: 'under way' });
  await until(() => begun.size === 1);
  network.isMute = true;
  await Promise.all([once(client, 'disconnected'), once(swarm, 'memberLeft')]);
  // What is submitted now waits for the connection.
  const later = client.submit({ capability: 'work', payload: 'submitted without a connection' });
  const aborted = client.submit({ capability: 'work', payload: 'aborted', signal: AbortSignal.timeout(50) });
  await assert.rejects(aborted, { name: 'TimeoutError' });
  finish();
  await until(() => swarm.task(under.id)?.state === 'done');
  network.isMute = false;
  assert.equal(await under.result, 'under way');
  assert.equal(await (await later).result, 'submitted without a connection');
  assert.deepEqual([...begun], ['under way', 'submitted without a connection'], 'what was aborted was never begun');
});

test('an agent that dies counts as a failure of its task, which another does', { timeout: 60_000 }, async () => {
  const swarm = await startSwarm({ lease: 1200 });
  const network = new MuteNetwork();
  let began = false;
  let aborted = false;
  await startAgent(swarm, 'mortal', {
    network,
    capabilities: ['work'],
    handlers: {
      work: async (_, { signal }) => {
        began = true;
        await once(signal, 'abort');
        aborted = true;
      },
    },
  });
  const client = await startAgent(swarm, 'client');
  const task = await client.submit({ capability: 'work', backoff: { initial: 10 } });
  await until(() => began);
  await startAgent(swarm, 'other', { capabilities: ['work'], handlers: { work: () => 'done by another' } });
  network.isMute = true;
  assert.equal(await task.result, 'done by another');
  assert.deepEqual(
    swarm.task(task.id)?.attempts.map(({ agent, outcome }) => [agent, outcome]),
    [
      ['mortal', 'lost'],
      ['other', 'done'],
    ],
  );
  await until(() => aborted);
});

for (const how of ['shut down', 'cut off'] as const) {
  test(`a coordinator that was ${how} comes back with the tasks of its store`, { timeout: 60_000 }, async () => {
    const file = join(temporaryFolder(), 'swarm.sqlite');
    const network = new MuteNetwork();
    const first = await startSwarm({ store: await SqliteStore.open(file), lease: 1200, network });
    const quicPort = first.address.port;
    let began = 0;
    const work = async (value: unknown, { task, signal }: ExchangeContext) => {
      began++;
      if (task?.attempt === 1 && value === 'under way') await once(signal, 'abort');
      return value;
    };
    const options = { capabilities: ['work'], handlers: { work } } as const;
    let worker = await startAgent(first, 'worker', options);
    let client = await startAgent(first, 'client');
    const submit = (payload: string, capability: string) =>
      client.submit({ capability, payload, idempotencyKey: payload });
    const before = [await submit('under way', 'work'), await submit('queued', 'later')];
    await until(() => began >= 1);
    // Cut off, its farewells reach nobody, as if it had been killed; the store is closed, so that this process can open it again.
    network.isMute = how === 'cut off';
    const ended = how === 'shut down' ? [once(worker, 'closed'), once(client, 'closed')] : [];
    await first.shutdown({ timeout: 500 });
    await Promise.all(ended);
    const second = await startSwarm({ store: await SqliteStore.open(file), lease: 1200, quicPort });
    if (how === 'shut down') {
      // The agents of a swarm that was shut down are told so: they do not wait for another one.
      for (const { result } of before) await assert.rejects(result, { code: 'ERR_SWARM_CLOSED' });
      worker = await startAgent(second, 'worker', options);
      client = await startAgent(second, 'client');
    } else {
      await until(() => second.member('worker') !== undefined && second.member('client') !== undefined);
    }
    worker.handle('later', (value) => value);
    await worker.update({ capabilities: ['work', 'later'] });
    const after = how === 'cut off' ? before : [await submit('under way', 'work'), await submit('queued', 'later')];
    assert.deepEqual(
      after.map(({ id }) => id),
      before.map(({ id }) => id),
    );
    assert.deepEqual(await Promise.all(after.map(({ result }) => result)), ['under way', 'queued']);
    assert.equal(second.task((after[0] as { id: string }).id)?.interruptions, 1);
  });
}
