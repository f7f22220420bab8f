// An agent of the swarm that swarm-coordinator.ts leads. It does tasks until the coordinator has no more for it.

import { once } from 'node:events';
import { joinSwarm } from '../src/swarm/index.js';

const [id = `agent-${process.pid}`, port = '4433'] = process.argv.slice(2);

const fibonacci = (n: number): number => (n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2));

const agent = await joinSwarm({
  coordinator: `localhost:${port}`,
  id,
  capabilities: ['fibonacci'],
  handlers: {
    fibonacci: (n, { task, from }) => {
      console.log(`fibonacci(${String(n)}) for ${from}, attempt ${task?.attempt ?? 1}`);
      return fibonacci(n as number);
    },
  },
  retryFor: 10_000, // the coordinator may start later
});
console.log(`${agent.id} has joined ${agent.members().length - 1} other members`);
const [error] = (await once(agent, 'closed')) as [Error | undefined];
console.log(`the swarm is over: ${error?.message ?? 'left'}`);
