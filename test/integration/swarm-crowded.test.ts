/** A connection on which as many exchanges are under way as may be: further ones wait, no longer than they may. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startAgent, startSwarm } from '../support/swarm.js';
import { until } from '../support/until.js';

/** Exchanges that one side may have under way on a connection. */
const MOST = 1000;

test('an exchange that cannot begin ends with its deadline, and with its signal', { timeout: 60_000 }, async () => {
  const swarm = await startSwarm();
  const held: (() => void)[] = [];
  const hold = (value: unknown): Promise<unknown> => new Promise((resolve) => held.push(() => resolve(value)));
  const busy = await startAgent(swarm, 'busy', { handlers: { hold } });
  const crowd = Promise.all(
    Array.from({ length: MOST }, (_, n) => swarm.request(busy.id, 'hold', n, { timeout: 60_000 })),
  );
  await until(() => held.length === MOST);
  await assert.rejects(swarm.request(busy.id, 'hold', 'late', { timeout: 200 }), { code: 'ERR_SWARM_TIMEOUT' });
  await assert.rejects(swarm.stream(busy.id, 'hold', 'late', { timeout: 200 }), { code: 'ERR_SWARM_TIMEOUT' });
  const signal = AbortSignal.timeout(200);
  await assert.rejects(swarm.request(busy.id, 'hold', 'late', { timeout: 0, signal }), { name: 'TimeoutError' });
  const patient = swarm.request(busy.id, 'hold', 'patient', { timeout: 30_000 });
  for (const release of held.splice(0)) release();
  assert.equal((await crowd).length, MOST);
  await until(() => held.length === 1);
  held[0]?.();
  assert.equal(await patient, 'patient');
});
