// The coordinator of a swarm: it gives tasks to agents in other processes, and hears who comes and goes.
//
//   npx tsx examples/swarm-coordinator.ts
//   npx tsx examples/swarm-agent.ts agent-1        in other terminals, as often as you like
//
// Without a secret the swarm is in development mode: agents of the same user on this machine find the secret it makes.

import { once } from 'node:events';
import { initSwarm } from '../src/swarm/index.js';

await using swarm = await initSwarm({
  swarmId: 'example',
  topology: 'mesh',
  quicPort: Number(process.argv[2] ?? 4433),
});
console.log(`listening on port ${swarm.address.port}`);
swarm.on('memberJoined', ({ id, capabilities }) => console.log(`${id} can ${capabilities.join(' and ')}`));
swarm.on('memberLeft', ({ id }, reason) => console.log(`${id} is gone: ${reason}`));
if (swarm.members().length === 1) await once(swarm, 'memberJoined');

// Accepted means kept: whichever agent dies meanwhile, each task ends with a result or an error.
const numbers = [10, 20, 30];
const tasks = await Promise.all(numbers.map((payload) => swarm.submit({ capability: 'fibonacci', payload })));
const results = await Promise.all(tasks.map(({ result }) => result));
numbers.forEach((number, at) => console.log(`fibonacci(${number}) = ${String(results[at])}`));

const { coordinatorStats } = await swarm.getStats();
console.log(
  `${coordinatorStats.tasks.counters.done} tasks done, ${coordinatorStats.quicStats.packetsLost} packets lost`,
);
