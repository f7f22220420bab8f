// A coordinator and agents that do tasks, as processes of the benchmarks.
//
//   node bench/lib/peer-swarm-tasks.mjs coordinator LEASE TOPOLOGY [FILE]          a coordinator, with an SQLite store in FILE if one is named; does what messages ask
//   node bench/lib/peer-swarm-tasks.mjs agents PORT FIRST COUNT CONCURRENCY     that many agents; their tasks: echo at once, hold for `payload` milliseconds
import { setTimeout as pause } from 'node:timers/promises';
import { serveControl } from './control.mjs';
import { loadSwarm } from './skein.mjs';

const secret = 'the secret of the benchmarks';
const host = '127.0.0.1';
const AT_A_TIME = 100;
/** Milliseconds that a task takes while an agent dies. */
const HOLD = 1000;

async function doTasks(swarm, count) {
  let next = 0;
  const worker = async () => {
    while (next++ < count) {
      const task = await swarm.submit({ capability: 'echo', payload: { text: 'what there is to do' } });
      await task.result;
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
}

/** Gives everybody work, waits for an agent to be killed, and for its work to be done by others. Times are of the clock of this machine. */
async function survive(swarm, victim, count, tell) {
  const lost = new Promise((resolve) => {
    swarm.on('memberLeft', ({ id }) => id === victim && resolve(Date.now()));
  });
  const tasks = [];
  for (let done = 0; done < count; done++) tasks.push(await swarm.submit({ capability: 'hold', payload: HOLD }));
  let lastResult = 0;
  const ends = tasks.map(async (task) => {
    let movedOn = false;
    task.on('event', ({ type }) => (movedOn ||= type === 'requeued'));
    await task.result;
    if (movedOn) lastResult = Math.max(lastResult, Date.now());
  });
  await pause(HOLD / 10);
  tell({ kill: true });
  const noticedAt = await lost;
  await Promise.all(ends);
  return { noticedAt, lastResultAt: lastResult };
}

async function coordinator(lease, topology, file) {
  const { initSwarm, SqliteStore } = await loadSwarm();
  const store = file ? await SqliteStore.open(file) : undefined;
  const options = {
    swarmId: 'bench',
    topology,
    host,
    quicPort: 0,
    secret,
    store,
    lease: Number(lease),
    maxAgents: 10_000,
  };
  const swarm = await initSwarm(options);
  process.on('message', async (message) => {
    if (message.members) {
      while (swarm.members().length < message.members) await pause(10);
      process.send({ members: true });
    } else if (message.tasks) {
      const cpu = process.cpuUsage();
      const begin = performance.now();
      await doTasks(swarm, message.tasks);
      const { user, system } = process.cpuUsage(cpu);
      process.send({ wallMs: performance.now() - begin, cpuMs: (user + system) / 1000 });
    } else if (message.survive) {
      process.send(await survive(swarm, message.survive, message.count, (told) => process.send(told)));
    }
  });
  serveControl({ port: swarm.address.port }, memory);
}

function memory() {
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heapUsed, external };
}

async function agents(port, first, count, concurrency) {
  const { joinSwarm } = await loadSwarm();
  const handlers = { echo: (value) => value, hold: (milliseconds) => pause(milliseconds, null) };
  const join = (index) =>
    joinSwarm({
      coordinator: `${host}:${port}`,
      id: `agent-${Number(first) + index}`,
      host,
      secret,
      capabilities: ['echo', 'hold'],
      concurrency: Number(concurrency),
      handlers,
    });
  for (let index = 0; index < Number(count); index++) await join(index);
  process.on('message', async (message) => {
    if (!message.join) return;
    for (let index = 0; index < message.join; index++) await join(message.first - Number(first) + index);
    process.send({ joined: true });
  });
  serveControl({ joined: true }, memory);
}

const [role, ...rest] = process.argv.slice(2);
await { coordinator, agents }[role](...rest);
