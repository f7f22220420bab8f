// node bench/swarm-tasks.mjs [--quick] [--rounds N] [--json FILE]
//
// Measures the scheduler of a swarm's tasks alone, without network and store: CPU time per task from `submit` to `settled`,
// with a short queue and with one of 100,000 tasks of 100 capabilities for 1,000 agents. All sizes have their turn in each
// round; of all rounds the median counts. The last column is the ratio to the first row: what the queue's length costs.
//
//   --quick        one round of few tasks: does everything still run? The numbers mean nothing.
//   --rounds       rounds; default 5
//   --json FILE    the medians and every sample
import { equal } from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { loadSwarmTasks } from './lib/skein.mjs';
import { medians } from './lib/statistics.mjs';

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    json: { type: 'string' },
  },
});

const { TaskScheduler } = await loadSwarmTasks();
const scale = flags.quick ? 0.01 : 1;
const sizes = {
  '1,000 tasks, 10 agents': { tasks: 1000, capabilities: 10, agents: 10, able: 5 },
  '100,000 tasks, 1,000 agents': { tasks: 100_000, capabilities: 100, agents: 1000, able: 5 },
  'each able to do everything': { tasks: 100_000, capabilities: 100, agents: 1000, able: '*' },
  'each with 100 capabilities': { tasks: 100_000, capabilities: 100, agents: 1000, able: 100 },
};

/** Microseconds of CPU time since the process began. */
function cpuTime() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** One life of a queue: everything is submitted, then agents join, then each task is done, 16 results between two drains. */
function run({ tasks, capabilities, agents, able }) {
  const limits = { maxQueued: 1_000_000 };
  const scheduler = new TaskScheduler({ now: 0, random: () => 0.5, limits });
  const payload = new Uint8Array(0);
  let assigned = [];
  let settled = 0;
  const drain = () => {
    for (const action of scheduler.take()) {
      if (action.kind === 'assign') assigned.push(action);
      else if (action.kind === 'settled') settled += 1;
    }
  };
  const begin = cpuTime();
  for (let index = 0; index < tasks; index += 1) {
    const spec = { capability: `c${index % capabilities}`, payload, submitter: 's', priority: (index * 7) % 5 };
    scheduler.submit(0, `t${index}`, spec);
    if (index % 16 === 0) drain();
  }
  const submitted = cpuTime();
  for (let index = 0; index < agents; index += 1) {
    const words = Array.from({ length: able }, (_, step) => `c${(index + step * 7) % capabilities}`);
    const agent = { id: `a${index}`, incarnation: 1, capabilities: able === '*' ? ['*'] : words, concurrency: 4 };
    scheduler.agentJoined(0, agent);
  }
  drain();
  while (assigned.length > 0) {
    const batch = assigned;
    assigned = [];
    for (const [index, { id, attempt }] of batch.entries()) {
      scheduler.completed(1, id, attempt);
      if (index % 16 === 0) drain();
    }
    drain();
  }
  const end = cpuTime();
  equal(settled, tasks, 'every task ends once');
  return { submit: (submitted - begin) / tasks, rest: (end - submitted) / tasks, total: (end - begin) / tasks };
}

const rounds = flags.quick ? 1 : Number(flags.rounds ?? 5);
const samples = Object.fromEntries(Object.keys(sizes).map((name) => [name, []]));
for (const size of Object.values(sizes)) run({ ...size, tasks: Math.ceil(size.tasks / 100) }); // warms the code up
for (let round = 0; round < rounds; round += 1) {
  for (const [name, size] of Object.entries(sizes)) {
    // A small queue is run as often as it takes to go through as many tasks.
    const times = Math.max(1, Math.round((100_000 * scale) / size.tasks));
    const parts = Array.from({ length: times }, () => run({ ...size, tasks: Math.min(size.tasks, 100_000 * scale) }));
    samples[name].push(medians(parts));
  }
}

const byMedian = Object.fromEntries(Object.entries(samples).map(([name, all]) => [name, medians(all)]));
const [first] = Object.values(byMedian);
console.log(`${cpus()[0]?.model}, Node ${process.version}, load ${loadavg()[0].toFixed(1)}`);
console.log(
  `${'CPU time a task, us'.padEnd(30)}${'submit'.padStart(10)}${'do'.padStart(10)}${'total'.padStart(10)}     ratio`,
);
for (const [name, { submit, rest, total }] of Object.entries(byMedian)) {
  const numbers = [submit, rest, total].map((value) => value.toFixed(1).padStart(10));
  console.log(`${name.padEnd(30)}${numbers.join('')}${(total / first.total).toFixed(2).padStart(10)}`);
}
if (flags.json)
  writeFileSync(flags.json, JSON.stringify({ quick: flags.quick, medians: byMedian, samples }, undefined, 2));
