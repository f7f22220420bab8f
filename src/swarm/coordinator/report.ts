/** What the coordinator tells of the swarm. */

import { formatSocketAddress } from '../../quic/udp/address.js';
import { toQuicStats } from '../../quic-config.js';
import type { SwarmEndpoint } from '../link/endpoint.js';
import type { MemberCore } from '../member-core.js';
import type { MemberInfo } from '../membership/view.js';
import type { AgentStats, AwaitedStats, CoordinatorReport, LinkStats } from '../stats.js';
import type { AgentLoad, TaskScheduler } from '../tasks/index.js';
import type { AwaitedMembers } from './awaited.js';
import type { PresentMember } from './registry.js';

/** Where the figures come from. */
export interface ReportSources {
  readonly core: MemberCore;
  readonly swarmId: string;
  readonly topology: string;
  readonly maxAgents: number;
  readonly present: ReadonlyMap<string, PresentMember>;
  readonly awaited: AwaitedMembers;
  readonly scheduler: TaskScheduler;
  readonly endpoint: SwarmEndpoint;
  /** Links of agents, as they told last. */
  readonly links: ReadonlyMap<string, readonly LinkStats[]>;
  readonly stateEntries: number;
}

export function reportOf(sources: ReportSources): CoordinatorReport {
  const { core, swarmId, topology, maxAgents, present, awaited, scheduler, endpoint, stateEntries } = sources;
  const loads = new Map(scheduler.agents().map((load) => [load.id, load]));
  return {
    swarmId,
    topology,
    coordinatorStats: {
      id: core.id,
      agents: present.size,
      awaited: awaited.size,
      maxAgents,
      epoch: core.view.epoch,
      quicStats: toQuicStats(endpoint.stats()),
      tasks: scheduler.stats(core.clock.wallTime()),
      state: { entries: stateEntries, revision: core.map.revision },
    },
    agents: Array.from(present, ([id, member]) => agentStats(sources, id, member, loads.get(id))),
    awaited: awaited.ids().flatMap((id) => {
      const info = core.view.get(id);
      return info ? [awaitedStats(info, awaited.timeLeft)] : [];
    }),
  };
}

function awaitedStats({ id, role, incarnation, capabilities, host, port }: MemberInfo, timeLeft: number): AwaitedStats {
  const reachedAt = formatSocketAddress({ address: host, port });
  return { id, role, incarnation, capabilities: [...capabilities], reachedAt, timeLeft };
}

function agentStats(
  sources: ReportSources,
  id: string,
  member: PresentMember,
  load: AgentLoad | undefined,
): AgentStats {
  const info = sources.core.view.get(id);
  const { connection } = member.link;
  const { rttMs, packetsLost, bytesSent, bytesReceived } = connection.stats();
  return {
    id,
    role: info?.role ?? '',
    incarnation: member.incarnation,
    capabilities: [...(info?.capabilities ?? [])],
    address: formatSocketAddress(connection.remoteAddress),
    reachedAt: info ? formatSocketAddress({ address: info.host, port: info.port }) : '',
    rttMs,
    packetsLost,
    bytesSent,
    bytesReceived,
    sendRate: member.rates.sendRate,
    receiveRate: member.rates.receiveRate,
    tasks: {
      assigned: load?.assigned ?? 0,
      concurrency: load?.concurrency ?? 0,
      done: load?.done ?? 0,
      failed: load?.failed ?? 0,
    },
    links: sources.links.get(id) ?? [],
  };
}
