// What only swarms have: tasks through a coordinator, what an agent costs, what happens when one dies.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPeer } from '../lib/pair.mjs';

const SCRIPT = 'peer-swarm-tasks.mjs';
const KIB = 1024;

/** A coordinator, and processes of agents: `groups` says how many each has. */
async function withSwarm({ lease = 3000, topology = 'mesh', file, execArgv }, groups, concurrency, use) {
  const peers = [];
  const start = (args) => {
    const peer = startPeer(SCRIPT, args, { execArgv });
    peers.push(peer);
    return peer;
  };
  try {
    const coordinator = start(['coordinator', lease, topology, ...(file ? [file] : [])]);
    const { port } = await coordinator.next();
    const agents = [];
    let first = 0;
    for (const count of groups) {
      const group = start(['agents', port, first, count, concurrency]);
      await group.next();
      agents.push(group);
      first += count;
    }
    const everybodyIsIn = () => ask(coordinator, { members: first + 1 });
    const more = async (group, count) => {
      await ask(group, { join: count, first });
      first += count;
      await everybodyIsIn();
    };
    await everybodyIsIn();
    return await use(coordinator, agents, more);
  } finally {
    await Promise.all(peers.map((peer) => peer.stop()));
  }
}

const ask = async (peer, message) => {
  peer.say(message);
  return peer.next();
};

const tasks = (store) => async (_context, count) => {
  const folder = mkdtempSync(join(tmpdir(), 'skein-bench-store-'));
  try {
    const file = store === 'sqlite' ? join(folder, 'swarm.db') : undefined;
    return await withSwarm({ file }, [1, 1, 1, 1], 32, async (coordinator, agents) => {
      await ask(coordinator, { tasks: Math.ceil(count / 4) });
      for (const agent of agents) await ask(agent, 'cpu');
      const { wallMs, cpuMs } = await ask(coordinator, { tasks: count });
      let agentsCpuMs = 0;
      for (const agent of agents) agentsCpuMs += (await ask(agent, 'cpu')).cpuMs;
      return {
        perSecond: (count / wallMs) * 1000,
        coordinatorCpuUs: (cpuMs * 1000) / count,
        agentsCpuUs: (agentsCpuMs * 1000) / count,
      };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const death = (lease) => async (_context, count) =>
  withSwarm({ lease }, [1, 1, 1, 1], 4, async (coordinator, agents) => {
    coordinator.say({ survive: 'agent-2', count });
    await coordinator.next();
    const killedAt = Date.now();
    agents[2].child.kill('SIGKILL');
    const { noticedAt, lastResultAt } = await coordinator.next();
    if (lastResultAt === 0) throw new Error('the agent that was killed had no task');
    return { noticedMs: noticedAt - killedAt, rebalancedMs: lastResultAt - killedAt };
  });

/** KiB of a further agent: at its own side, where all share a process, and at the coordinator's. A star: nobody but the coordinator knows it. */
async function memory(_context, count) {
  const options = { lease: 60_000, topology: 'star', execArgv: ['--expose-gc'] };
  return withSwarm(options, [1], 4, async (coordinator, [group], more) => {
    const before = { coordinator: await ask(coordinator, 'cpu'), agents: await ask(group, 'cpu') };
    await more(group, count);
    const after = { coordinator: await ask(coordinator, 'cpu'), agents: await ask(group, 'cpu') };
    const kib = (side, key) => (after[side][key] - before[side][key]) / KIB / count;
    return {
      agentRssKib: kib('agents', 'rss'),
      agentHeapKib: kib('agents', 'heapUsed'),
      agentExternalKib: kib('agents', 'external'),
      coordinatorRssKib: kib('coordinator', 'rss'),
      coordinatorHeapKib: kib('coordinator', 'heapUsed'),
    };
  });
}

export const swarmWork = [
  {
    name: 'tasks',
    title: 'Tasks through one coordinator, four agents, 100 at a time',
    unit: 'task',
    size: { full: 2000, quick: 40 },
    sides: { 'store in memory': tasks('memory'), 'store in SQLite': tasks('sqlite') },
    results: [
      {
        label: 'SQLite / memory',
        value: (round) => round['store in SQLite'].perSecond / round['store in memory'].perSecond,
      },
    ],
  },
  {
    name: 'death',
    title:
      'An agent of four is killed (SIGKILL) in the middle of its tasks of one second; when is that noticed, and when are they done',
    unit: 'task',
    size: { full: 16, quick: 16 },
    sides: { 'lease of 3 s': death(3000), 'lease of 1 s': death(1000) },
    results: [
      { label: 'ms to notice, lease of 3 s', value: (round) => round['lease of 3 s'].noticedMs, atMost: 3500 },
      { label: 'ms to notice, lease of 1 s', value: (round) => round['lease of 1 s'].noticedMs, atMost: 1500 },
    ],
  },
  {
    name: 'memory',
    title: 'Memory of agents: KiB of each further one, in a star',
    unit: 'agent',
    size: { full: 100, quick: 5 },
    rounds: 1,
    sides: { skein: memory },
    results: [{ label: 'KiB per agent at the coordinator', value: ({ skein }) => skein.coordinatorRssKib }],
  },
];
