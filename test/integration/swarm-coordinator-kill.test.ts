/** The process of a coordinator is killed and started again with its store: its members are members all the while. */

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { joinSwarm, type JoinSwarmOptions, type SwarmAgent } from '../../src/swarm/index.js';
import { SECRET } from '../support/swarm.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { until } from '../support/until.js';

const program = fileURLToPath(new URL('../support/swarm-coordinator-process.mjs', import.meta.url));

interface Coordinator {
  readonly port: number;
  readonly epoch: number;
  /** Whom it awaited when it began to listen. */
  readonly awaited: readonly string[];
  kill(): Promise<void>;
}

const processes: ChildProcess[] = [];
after(() => {
  for (const child of processes) child.kill('SIGKILL');
});

async function startCoordinator(port: number, file: string): Promise<Coordinator> {
  const child = spawn(process.execPath, [program, String(port), file], { stdio: ['pipe', 'pipe', 'inherit'] });
  processes.push(child);
  const exited = once(child, 'exit');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const [, listening, epoch, awaited = ''] = line.toString().trim().split(' ');
  return {
    port: Number(listening),
    epoch: Number(epoch),
    awaited: awaited === '' ? [] : awaited.split(','),
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function startAgent(port: number, id: string, options: Partial<JoinSwarmOptions> = {}): Promise<SwarmAgent> {
  const echo = (value: unknown): unknown => value;
  const agent = await joinSwarm({
    coordinator: `127.0.0.1:${port}`,
    id,
    host: '127.0.0.1',
    secret: SECRET,
    handlers: { echo },
    ...options,
  });
  after(() => agent.leave({ timeout: 200 }));
  return agent;
}

test('kill -9 of the coordinator: agents go on talking, and nobody leaves', { timeout: 120_000 }, async () => {
  const file = join(temporaryFolder(), 'swarm.sqlite');
  let coordinator = await startCoordinator(0, file);
  const { port } = coordinator;
  const agents: SwarmAgent[] = [];
  for (const id of ['a', 'b', 'c']) agents.push(await startAgent(port, id));
  const [a, b, c] = agents as [SwarmAgent, SwarmAgent, SwarmAgent];
  await until(() => agents.every((agent) => agent.members().length === 4));
  await until(async () => (await a.getStats()).links.length === 3 && (await b.getStats()).links.length === 3);
  const told: string[] = [];
  for (const agent of agents) {
    agent.on('memberLeft', ({ id }, reason) => told.push(`${agent.id}: ${id} ${reason}`));
    agent.on('memberJoined', ({ id }) => told.push(`${agent.id}: ${id} joined`));
  }
  let asked = 0;
  let stopped = false;
  /** Asks without a pause, from the first death to the last return: not one question may fail. */
  const talk = async (from: SwarmAgent, to: SwarmAgent): Promise<void> => {
    while (!stopped) {
      const question = asked++;
      assert.equal(await from.request(to.id, 'echo', question, { timeout: 10_000 }), question);
      await from.send(to.id, 'echo', question);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const talks = Promise.all([talk(a, b), talk(b, c), talk(c, a)]);
  for (const pause of ['at once', 'when all have noticed']) {
    const { epoch } = coordinator;
    await coordinator.kill();
    const before = asked;
    if (pause !== 'at once') await until(() => agents.every(({ isConnected }) => !isConnected));
    await Promise.race([talks, until(() => asked > before + 50)]);
    coordinator = await startCoordinator(port, file);
    assert.deepEqual(coordinator.awaited, ['a', 'b', 'c']);
    assert.ok(coordinator.epoch > epoch);
    const back = async (): Promise<boolean> => {
      const stats = await a.getStats().catch(() => undefined);
      return stats?.coordinatorStats.awaited === 0 && stats.agents.length === 3;
    };
    await Promise.race([talks, until(back)]);
  }
  stopped = true;
  await talks;
  assert.deepEqual(told, []);
  const members = a.members().map(({ id, incarnation }) => [id, incarnation]);
  assert.deepEqual(members, [
    ['coordinator', 1],
    ['a', 1],
    ['b', 1],
    ['c', 1],
  ]);
});

test('an agent that died with the coordinator is awaited, then dead', { timeout: 120_000 }, async () => {
  const file = join(temporaryFolder(), 'swarm.sqlite');
  const first = await startCoordinator(0, file);
  const survivor = await startAgent(first.port, 'survivor');
  const mortal = await startAgent(first.port, 'mortal');
  await until(() => survivor.members().length === 3);
  await first.kill();
  await mortal.leave({ timeout: 0 });
  const second = await startCoordinator(first.port, file);
  assert.deepEqual(second.awaited, ['survivor', 'mortal']);
  const reasons: string[] = [];
  survivor.on('memberLeft', ({ id }, reason) => reasons.push(`${id} ${reason}`));
  const awaited: unknown[] = [];
  await until(async () => {
    const stats = await survivor.getStats().catch(() => undefined);
    awaited.push(...(stats?.awaited.map(({ id }) => id) ?? []));
    return reasons.length > 0;
  });
  assert.deepEqual(reasons, ['mortal lost']);
  assert.ok(awaited.includes('mortal'));
  assert.deepEqual((await survivor.getStats()).awaited, []);
});
