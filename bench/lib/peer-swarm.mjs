// Agents of a swarm as sides of the benchmarks.
//
//   node bench/lib/peer-swarm.mjs server [HOST [PORT]]                       a coordinator and the agent `server`; tells the coordinator's port
//   node bench/lib/peer-swarm.mjs client HOST PORT turns COUNT AT_A_TIME     the agent `client`, which asks `server`; tells what it measured
//   node bench/lib/peer-swarm.mjs client HOST PORT rate|mixed-rate PER_SECOND SECONDS
import { clientControl, serveControl } from './control.mjs';
import { runRequests } from './requests.mjs';
import { loadSwarm } from './skein.mjs';

const secret = 'the secret of the benchmarks';

async function server(host = '127.0.0.1', port = '0') {
  const { initSwarm, joinSwarm } = await loadSwarm();
  const swarm = await initSwarm({ swarmId: 'bench', host, quicPort: Number(port), secret });
  const coordinator = `${host}:${swarm.address.port}`;
  await joinSwarm({ coordinator, id: 'server', host, secret, handlers: { echo: (value) => value } });
  serveControl({ port: swarm.address.port });
}

/** Resolves when there is a connection of its own to the agent: until then requests go by way of the coordinator. */
export async function directLink(member, agent) {
  const isUp = async () => (await member.getStats()).links.some(({ id }) => id === agent);
  while (!(await isUp())) await new Promise((resolve) => setTimeout(resolve, 10));
}

async function client(host, port, work, ...numbers) {
  const { joinSwarm } = await loadSwarm();
  const control = clientControl();
  const agent = await joinSwarm({ coordinator: `${host}:${port}`, id: 'client', secret });
  await directLink(agent, 'server');
  await runRequests(control, (value) => agent.request('server', 'echo', value), work, ...numbers.map(Number));
  await agent.leave({ timeout: 0 });
  process.disconnect?.();
}

const [role, ...rest] = process.argv.slice(2);
await { server, client }[role](...rest);
