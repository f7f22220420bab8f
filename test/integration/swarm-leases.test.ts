import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MuteNetwork } from '../support/mute-network.js';
import { startAgent, startSwarm } from '../support/swarm.js';
import { until } from '../support/until.js';

for (const lease of [400, 10_000]) {
  test(`a quiet agent keeps a lease of ${lease} ms, and loses it when it is silent`, { timeout: 60_000 }, async () => {
    const swarm = await startSwarm({ lease });
    const network = new MuteNetwork();
    await startAgent(swarm, 'quiet', { network });
    const losses: number[] = [];
    swarm.on('memberLeft', () => losses.push(performance.now()));
    const quietUntil = performance.now() + Math.min(4 * lease, 4000);
    await until(() => performance.now() > quietUntil);
    assert.deepEqual(losses, [], 'nobody spoke, and nobody was taken for dead');
    const died = performance.now();
    network.isMute = true;
    await until(() => losses.length === 1);
    assert.ok(Math.min(...losses) - died > 0.8 * lease - 1000, 'not before its time');
  });
}
