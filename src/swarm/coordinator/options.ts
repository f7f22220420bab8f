import type { MemberOptions } from '../options.js';
import type { Permissions } from '../security/permissions.js';
import type { SwarmStore } from '../store/store.js';
import type { SchedulerLimits } from '../tasks/index.js';
import type { Topology } from '../topology/topology.js';

/** What swarms run over. */
export const TRANSPORTS = ['quic'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** Options of `initSwarm`. */
export interface InitSwarmOptions extends MemberOptions {
  /** Names the swarm: 1 to 128 characters. */
  readonly swarmId: string;
  /** Who holds a connection to whom. Default `mesh`. */
  readonly topology?: Topology | undefined;
  /** Default and only value: `quic`. */
  readonly transport?: Transport | undefined;
  /** UDP port to listen on. Default 4433; 0: any free one (`swarm.address` tells). */
  readonly quicPort?: number | undefined;
  /** Address to listen on. Default `'0.0.0.0'`; in development mode `'127.0.0.1'`. */
  readonly host?: string | undefined;
  /** Agents beside the coordinator. Default 100; from 1 to 100,000. */
  readonly maxAgents?: number | undefined;
  /** Children of each member in the topology `hierarchical`. Default 4; from 1 to 64. */
  readonly fanOut?: number | undefined;
  /** Milliseconds of silence after which an agent is dead. Default 3000; from 300 to 3,600,000. */
  readonly lease?: number | undefined;
  /** Id of the coordinator itself. Default `coordinator`. */
  readonly id?: string | undefined;
  /** Where members, tasks, the shared map and keys are kept. Default: in memory. The swarm closes it with itself. */
  readonly store?: SwarmStore | undefined;
  /** Bounds of tasks: how many may wait, how long they are remembered. */
  readonly tasks?: Partial<SchedulerLimits> | undefined;
  /** What roles may do. Default: everybody everything but `administer`; the coordinator all. */
  readonly permissions?: Permissions | undefined;
}
