/** An agent of the demonstration. */

import { joinSwarm, type SwarmAgent } from '../../swarm/index.js';
import { failed, listen, report, type Order, type Word } from './messages.js';
import { demoHandlers } from './tasks.js';

const HOST = '127.0.0.1';
const JOIN_WITHIN = 10_000;

export async function demoAgent(): Promise<void> {
  let agent: Promise<SwarmAgent> | undefined;
  let goOn: () => void = () => undefined;
  const obey = async (message: Order | Word): Promise<void> => {
    switch (message.type) {
      case 'work':
        agent = join(message, () => new Promise((resolve) => (goOn = resolve)));
        await agent;
        await report({ type: 'joined' });
        return;
      case 'goOn':
        goOn();
        return;
      case 'end':
        await (await agent)?.leave({ timeout: 500 });
        process.exit(0);
      default:
        throw new Error(`an agent does not ${message.type}`);
    }
  };
  listen((message) => void obey(message).catch(failed));
}

async function join(order: Extract<Order, { type: 'work' }>, wait: () => Promise<void>): Promise<SwarmAgent> {
  const { coordinator, secret, id, role, capabilities, pauseIn } = order;
  let tasks = 0;
  const halfway = async (task: string, capability: string): Promise<void> => {
    if (++tasks !== pauseIn) return;
    const word = wait();
    await report({ type: 'halfway', task, capability });
    await word;
  };
  const agent: SwarmAgent = await joinSwarm({
    coordinator,
    secret,
    id,
    role,
    capabilities,
    host: HOST,
    concurrency: 2,
    retryFor: JOIN_WITHIN,
    handlers: { ...demoHandlers(halfway), move: () => agent.migrate() },
  });
  agent.on('closed', (error) => {
    if (error) void failed(error);
  });
  return agent;
}
