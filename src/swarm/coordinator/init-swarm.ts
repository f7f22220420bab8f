/** `initSwarm`: a coordinator in this process. */

import { readFile } from 'node:fs/promises';
import { SwarmError } from '../errors.js';
import { checkId, checkOption, checkWords, DEFAULT_LEASE, DEFAULT_PORT } from '../options.js';
import { givenIdentity } from '../security/identity.js';
import { resolvePermissions } from '../security/permissions.js';
import { Secrets } from '../security/secrets.js';
import { MemoryStore } from '../store/memory-store.js';
import { DEFAULT_FAN_OUT, TOPOLOGIES } from '../topology/topology.js';
import { COORDINATOR_ROLE } from './admission.js';
import { developmentSecretOf, keysOf } from './keys.js';
import { TRANSPORTS, type InitSwarmOptions } from './options.js';
import { Swarm, type SwarmSettings } from './swarm.js';

/**
 * Starts a swarm: this process coordinates it. Resolves when it listens for agents. No handler is called before.
 *
 * Without `secret` (or SKEIN_SWARM_SECRET) and without `ca` the swarm is in development mode: it makes a secret, leaves it for agents of the
 * same user on this machine, listens on loopback only unless told otherwise, and emits a process warning that says so.
 *
 * @throws SwarmError `ERR_SWARM_INVALID_OPTION`, `ERR_SWARM_STORE`; QuicError when the port cannot be bound
 *
 * @example
 *     const swarm = await initSwarm({ swarmId: 'my-swarm', topology: 'mesh', transport: 'quic', quicPort: 4433 });
 */
export async function initSwarm(options: InitSwarmOptions): Promise<Swarm> {
  const { swarmId, transport = 'quic', topology = 'mesh', id = COORDINATOR_ROLE } = options;
  checkId('swarmId', swarmId);
  checkId('id', id);
  if (!TRANSPORTS.includes(transport)) {
    throw new SwarmError(
      'ERR_SWARM_INVALID_OPTION',
      `There is no transport ${JSON.stringify(transport)}; there is ${TRANSPORTS.join(', ')}`,
    );
  }
  if (!TOPOLOGIES.includes(topology)) {
    throw new SwarmError(
      'ERR_SWARM_INVALID_OPTION',
      `There is no topology ${JSON.stringify(topology)}; there are ${TOPOLOGIES.join(', ')}`,
    );
  }
  const ca = options.ca ?? (options.caPath === undefined ? undefined : await readFile(options.caPath, 'utf8'));
  const given = options.secret ?? process.env['SKEIN_SWARM_SECRET'];
  const isDevelopment = given === undefined && ca === undefined;
  const identityGiven = await givenIdentity(options);
  if (ca !== undefined && !identityGiven) {
    throw new SwarmError(
      'ERR_SWARM_INVALID_OPTION',
      'With ca, the coordinator needs a certificate of that CA: give cert and key',
    );
  }
  const store = options.store ?? new MemoryStore();
  const developmentSecret = isDevelopment ? await developmentSecretOf(store) : undefined;
  const settings: SwarmSettings = {
    options,
    swarmId,
    id,
    developmentSecret,
    secrets: new Secrets(given ?? developmentSecret),
    ca,
    store,
    ...(await keysOf(store, id, identityGiven)),
    host: options.host ?? (isDevelopment ? '127.0.0.1' : '0.0.0.0'),
    port: checkOption('quicPort', options.quicPort ?? DEFAULT_PORT, 0, 65_535),
    maxAgents: checkOption('maxAgents', options.maxAgents ?? 100, 1, 100_000),
    capabilities: checkWords('capabilities', options.capabilities ?? []),
    concurrency: checkOption('concurrency', options.concurrency ?? 0, 0, 10_000),
    taskLimits: options.tasks ?? {},
    config: {
      topology,
      fanOut: checkOption('fanOut', options.fanOut ?? DEFAULT_FAN_OUT, 1, 64),
      lease: checkOption('lease', options.lease ?? DEFAULT_LEASE, 300, 3_600_000),
      permissions: resolvePermissions(options.permissions),
    },
  };
  return Swarm.start(settings);
}
