/** The coordinator of the demonstration. */

import { initSwarm, type Swarm } from '../../swarm/index.js';
import { failed, listen, report, type Order, type Word } from './messages.js';

const HOST = '127.0.0.1';

export async function demoCoordinator(): Promise<void> {
  let swarm: Promise<Swarm> | undefined;
  const obey = async (message: Order | Word): Promise<void> => {
    if (message.type === 'coordinate') {
      const { swarmId, secret, lease } = message;
      swarm = initSwarm({ swarmId, secret, lease, topology: 'mesh', quicPort: 0, host: HOST });
      const running = await swarm;
      running.on('closed', (error) => {
        if (error) void failed(error);
      });
      await report({ type: 'listening', port: running.address.port });
    } else if (message.type === 'end') {
      await (await swarm)?.shutdown({ timeout: 500 });
      process.exit(0);
    }
  };
  listen((message) => void obey(message).catch(failed));
}
