/** `joinSwarm`: an agent in this process. */

import { readFile } from 'node:fs/promises';
import { SwarmError, type SwarmErrorCode } from '../errors.js';
import { checkId, checkOption, checkWords, DEFAULT_PORT, parseAddress } from '../options.js';
import { findSecret, isLoopback } from '../security/development.js';
import { givenIdentity, makeIdentity } from '../security/identity.js';
import { Secrets } from '../security/secrets.js';
import type { Clock } from '../../quic/index.js';
import { systemClock } from '../../quic/udp/system-clock.js';
import { SwarmAgent, type AgentSettings } from './agent.js';
import type { JoinSwarmOptions } from './options.js';

/**
 * Joins a swarm. Resolves when the coordinator has let the agent in; without `coordinator`, as soon as it listens for a coordinator that
 * registers it (`agent.joined` tells when). No handler is called before the promise has resolved: they may use what it resolves to.
 *
 * @throws SwarmError `ERR_SWARM_UNREACHABLE`, `ERR_SWARM_AUTHENTICATION`, `ERR_SWARM_FULL`, `ERR_SWARM_DUPLICATE_ID`,
 *   `ERR_SWARM_UNKNOWN_SWARM`, `ERR_SWARM_FORBIDDEN`, `ERR_SWARM_INVALID_OPTION`; QuicError when the port cannot be bound
 *
 * @example
 *     const agent = await joinSwarm({
 *       coordinator: 'localhost:4433',
 *       id: 'agent-1',
 *       capabilities: ['greet'],
 *       handlers: { greet: (name) => `Hello, ${name}` },
 *     });
 */
export async function joinSwarm(options: JoinSwarmOptions): Promise<SwarmAgent> {
  checkId('id', options.id);
  if (options.swarmId !== undefined) checkId('swarmId', options.swarmId);
  const role = checkWords('role', [options.role ?? 'worker'])[0] ?? 'worker';
  const coordinator =
    options.coordinator === undefined ? undefined : parseAddress('coordinator', options.coordinator, DEFAULT_PORT);
  const ca = options.ca ?? (options.caPath === undefined ? undefined : await readFile(options.caPath, 'utf8'));
  const port = checkOption('port', options.port ?? 0, 0, 65_535);
  const advertised =
    options.advertise === undefined ? undefined : parseAddress('advertise', options.advertise, 0x10000 - 1);
  const settings: AgentSettings = {
    options,
    role,
    coordinator,
    capabilities: checkWords('capabilities', options.capabilities ?? []),
    concurrency: checkOption('concurrency', options.concurrency ?? 4, 0, 10_000),
    advertise: advertised && {
      host: advertised.host,
      port: /:\d+$/.test(options.advertise ?? '') ? advertised.port : undefined,
    },
    identity: (await givenIdentity(options)) ?? (await makeIdentity(options.id)),
    secrets: await secretsOf(options, coordinator, ca),
    ca,
    host: options.host ?? '0.0.0.0',
    port,
  };
  const agent = await SwarmAgent.start(settings);
  if (options.unref) agent.unref();
  if (!coordinator) return agent.giveAway();
  try {
    await connectWithin(agent, options.retryFor ?? 0, options.clock);
    return agent.giveAway();
  } catch (error) {
    await agent.leave({ timeout: 0 });
    throw error;
  }
}

/** What may be otherwise in a moment: nobody is there, or whoever was has just died or ended. */
const PASSING = new Set<SwarmErrorCode>([
  'ERR_SWARM_UNREACHABLE',
  'ERR_SWARM_AGENT_LOST',
  'ERR_SWARM_TIMEOUT',
  'ERR_SWARM_CLOSED',
]);

async function connectWithin(agent: SwarmAgent, retryFor: number, clock: Clock = systemClock): Promise<void> {
  const end = clock.now() + checkOption('retryFor', retryFor, 0, 0x7fffffff);
  for (let pause = 50; ; pause = Math.min(2 * pause, 1000)) {
    try {
      await agent.connect();
      return;
    } catch (error) {
      const again = SwarmError.isSwarmError(error) && PASSING.has(error.code) && clock.now() + pause < end;
      if (!again) throw error;
      await new Promise<void>((resolve) => {
        clock.setTimer(pause, resolve);
      });
    }
  }
}

async function secretsOf(
  options: JoinSwarmOptions,
  coordinator: { host: string; port: number } | undefined,
  ca: string | undefined,
): Promise<Secrets> {
  const given = options.secret ?? process.env['SKEIN_SWARM_SECRET'];
  if (given !== undefined || ca !== undefined) return new Secrets(given);
  if (!coordinator) return new Secrets(undefined);
  const found = isLoopback(coordinator.host)
    ? await findSecret({ port: coordinator.port, swarmId: options.swarmId })
    : undefined;
  if (found !== undefined) return new Secrets(found);
  throw new SwarmError(
    'ERR_SWARM_INVALID_OPTION',
    `There is no secret for the swarm at ${options.coordinator ?? ''}: give secret, or the environment variable SKEIN_SWARM_SECRET, or ca with a certificate` +
      (isLoopback(coordinator.host) ? '; no swarm in development mode has left one on this machine for that port' : ''),
  );
}
