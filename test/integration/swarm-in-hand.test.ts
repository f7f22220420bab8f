/** A member's handlers are called only once whoever made the member has it in hand, whatever comes before. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { initSwarm, joinSwarm, SqliteStore, type SwarmAgent } from '../../src/swarm/index.js';
import { SECRET, startAgent, startSwarm } from '../support/swarm.js';
import { slowReadingNetwork } from '../support/slow-reading-network.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { until } from '../support/until.js';

test('tasks and messages that wait for an agent reach handlers that can use the agent', async () => {
  const swarm = await startSwarm();
  const client = await startAgent(swarm, 'client');
  const heard: unknown[] = [];
  swarm.on('memberJoined', ({ id }) => {
    swarm.send(id, 'hello', 'sent').catch((error: unknown) => heard.push(error));
    swarm.notify(id, 'hello', 'notified').catch((error: unknown) => heard.push(error));
  });
  for (let n = 0; n < 10; n++) {
    const tasks = await Promise.all(
      ['a', 'b'].map((payload) => client.submit({ capability: `work-${n}`, payload, maxAttempts: 1 })),
    );
    // As most people write it: the handlers close over what is there only when the promise has resolved.
    const agent: SwarmAgent = await joinSwarm({
      coordinator: `127.0.0.1:${swarm.address.port}`,
      id: `agent-${n}`,
      secret: SECRET,
      // What is there for the agent as soon as it is let in comes together with its welcome.
      network: slowReadingNetwork(30),
      capabilities: [`work-${n}`],
      onError: (error) => heard.push(error),
      handlers: {
        [`work-${n}`]: (value) => `${String(value)} by ${agent.id}`,
        hello: (value) => void heard.push(`${agent.id}: ${String(value)}`),
      },
    });
    assert.deepEqual(await Promise.all(tasks.map(({ result }) => result)), [`a by agent-${n}`, `b by agent-${n}`]);
    await until(() => heard.length === 2);
    assert.deepEqual(heard.splice(0).sort(), [`agent-${n}: notified`, `agent-${n}: sent`]);
    await agent.leave();
  }
});

test('tasks of its store wait until a coordinator that does them itself is in hand', async () => {
  const file = join(temporaryFolder(), 'swarm.sqlite');
  const options = { swarmId: 'test', quicPort: 0, host: '127.0.0.1', secret: SECRET } as const;
  const first = await initSwarm({ ...options, store: await SqliteStore.open(file) });
  const { id } = await first.submit({ capability: 'work', payload: 1, maxAttempts: 1 });
  await first.shutdown({ timeout: 100 });
  const second = await initSwarm({
    ...options,
    store: await SqliteStore.open(file),
    capabilities: ['work'],
    concurrency: 1,
    handlers: { work: () => second.id },
  });
  try {
    const handle = await second.submit({ capability: 'work', maxAttempts: 1 });
    assert.equal(await handle.result, 'coordinator');
    assert.deepEqual(
      second.task(id)?.attempts.map(({ outcome }) => outcome),
      ['done'],
    );
  } finally {
    await second.shutdown({ timeout: 100 });
  }
});
