/** Large swarms in one process. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TOPOLOGIES, type SwarmAgent, type SwarmMember } from '../../src/swarm/index.js';
import { MuteNetwork } from '../support/mute-network.js';
import { startAgent, startSwarm } from '../support/swarm.js';
import { topologyHolds } from '../support/swarm-topologies.js';
import { until } from '../support/until.js';

for (const topology of TOPOLOGIES) {
  test(`${topology} of a coordinator and 50 agents`, { timeout: 300_000 }, (t) =>
    topologyHolds(t, topology, 50, 10_000),
  );
}

const AGENTS = Number(process.env['SKEIN_SWARM_AGENTS'] ?? 1000);
const MIB = 2 ** 20;

test(`${AGENTS} agents join one coordinator, hear one broadcast, and are told of one death`, {
  timeout: 600_000,
}, async (t) => {
  const heard = new Set<string>();
  const swarm = await startSwarm({ topology: 'star', maxAgents: AGENTS, lease: 20_000 });
  const network = new MuteNetwork();
  const agents: SwarmAgent[] = [];
  // One certificate for all would make one member of them, so each has its own; the first is left out of the measurement.
  agents.push(await startAgent(swarm, 'agent-0', { network, handlers: { hear: () => heard.add('agent-0') } }));
  const before = process.memoryUsage().rss;
  const began = performance.now();
  for (let n = 1; n < AGENTS; n += 10) {
    const ids = Array.from({ length: Math.min(10, AGENTS - n) }, (_, index) => `agent-${n + index}`);
    agents.push(
      ...(await Promise.all(ids.map((id) => startAgent(swarm, id, { handlers: { hear: () => heard.add(id) } })))),
    );
  }
  const joined = performance.now();
  const members: SwarmMember[] = [swarm, ...agents];
  await until(() => members.every((member) => member.members().length === AGENTS + 1));
  const perAgent = (process.memoryUsage().rss - before) / (AGENTS - 1) / MIB;
  t.diagnostic(`joined in ${Math.round(joined - began)} ms; ${perAgent.toFixed(2)} MiB an agent, both sides together`);

  const report = await swarm.broadcast('hear', 'all', { timeout: 120_000 });
  assert.deepEqual(report.failed, {});
  assert.deepEqual(report.failed, {});
  assert.equal(report.delivered.length, AGENTS);
  await until(() => heard.size === AGENTS);

  const told = new Set<string>();
  for (const member of members.slice(2)) member.on('memberLeft', ({ id }) => id === 'agent-0' && told.add(member.id));
  const died = performance.now();
  network.isMute = true;
  await until(() => told.size === AGENTS - 1);
  t.diagnostic(
    `all ${told.size} were told ${Math.round(performance.now() - died)} ms after the death (lease 20000 ms)`,
  );
});
