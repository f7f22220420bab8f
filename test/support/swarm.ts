/** Swarms on loopback, whose members leave when the tests of the file are over. */

import { after } from 'node:test';
import {
  initSwarm,
  joinSwarm,
  type InitSwarmOptions,
  type JoinSwarmOptions,
  type Swarm,
  type SwarmAgent,
} from '../../src/swarm/index.js';

export const SECRET = 'a secret for tests only';

/** A coordinator on a free port of 127.0.0.1. */
export async function startSwarm(options: Partial<InitSwarmOptions> = {}): Promise<Swarm> {
  const swarm = await initSwarm({ swarmId: 'test', quicPort: 0, host: '127.0.0.1', secret: SECRET, ...options });
  after(() => swarm.shutdown({ timeout: 500 }));
  return swarm;
}

/** An agent of that swarm. */
export async function startAgent(
  swarm: Swarm,
  id: string,
  options: Partial<JoinSwarmOptions> = {},
): Promise<SwarmAgent> {
  const coordinator = `127.0.0.1:${swarm.address.port}`;
  const agent = await joinSwarm({ coordinator, id, host: '127.0.0.1', secret: SECRET, ...options });
  after(() => agent.leave({ timeout: 500 }));
  return agent;
}
