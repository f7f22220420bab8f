/** `skein swarm status` and `skein swarm agents`: what the coordinator counts and measures. */

import { formatHostAndPort, type HostAndPort } from '../arguments.js';
import { colors as pc } from '../colors.js';
import { count, formatBytes, formatTime, table } from '../format.js';
import type { SwarmStats } from '../../swarm/index.js';
import { observer, type JoiningArguments } from './arguments.js';
import { withMember } from './with-member.js';

export interface LookArguments extends JoiningArguments {
  readonly json: boolean;
}

/** The coordinator's statistics, without this command itself. */
async function statsOf(coordinator: HostAndPort, options: LookArguments): Promise<SwarmStats> {
  const stats = await withMember(await observer(coordinator, options), (member) => member.getStats());
  const agents = stats.agents.filter(({ id }) => id !== stats.id);
  return { ...stats, agents, coordinatorStats: { ...stats.coordinatorStats, agents: agents.length } };
}

/** Prints statistics of the swarm. */
export async function swarmStatus(coordinator: HostAndPort, options: LookArguments): Promise<void> {
  const stats = await statsOf(coordinator, options);
  console.log(options.json ? JSON.stringify(stats, null, 2) : statusInWords(stats, coordinator));
}

/** Prints the agents of the swarm. */
export async function swarmAgents(coordinator: HostAndPort, options: LookArguments): Promise<void> {
  const { agents, awaited } = await statsOf(coordinator, options);
  if (options.json) {
    const all = [
      ...agents.map((agent) => ({ ...agent, state: 'connected' })),
      ...awaited.map((agent) => ({ ...agent, state: 'awaited' })),
    ];
    console.log(JSON.stringify(all, null, 2));
    return;
  }
  const rows = agents.map(({ id, role, capabilities, address, rttMs, tasks }) => [
    id,
    role,
    capabilities.join(','),
    address,
    formatTime(rttMs),
    `${tasks.assigned}/${tasks.concurrency}`,
    String(tasks.done),
    String(tasks.failed),
  ]);
  for (const { id, role, capabilities, reachedAt, timeLeft } of awaited) {
    rows.push([id, role, capabilities.join(','), reachedAt, `awaited for ${formatTime(timeLeft)}`, '', '', '']);
  }
  console.log(
    rows.length === 0
      ? 'no agents'
      : table(['agent', 'role', 'capabilities', 'address', 'RTT', 'load', 'done', 'failed'], rows, ''),
  );
}

/** States of tasks, in the order of their lives. */
const STATES = ['queued', 'waiting', 'assigned', 'done', 'failed', 'dead', 'cancelled', 'expired'] as const;

function statusInWords(stats: SwarmStats, coordinator: HostAndPort): string {
  const { coordinatorStats, swarmId, topology } = stats;
  const { tasks, quicStats, state, agents, awaited, maxAgents, epoch, id } = coordinatorStats;
  const { counters } = tasks;
  const waiting = tasks.capabilities.map(({ capability, queued, oldestAge, ableAgents }) => {
    const by = ableAgents === 0 ? pc.red('nobody has it') : count(ableAgents, 'agent');
    return `             ${capability}: ${count(queued, 'task')}, the oldest ${formatTime(oldestAge)} old; ${by}`;
  });
  return [
    `${pc.bold(`swarm ${swarmId}`)} at ${formatHostAndPort(coordinator)}, led by ${id}, topology ${topology}, epoch ${epoch}`,
    `  agents     ${agents} of ${maxAgents}${awaited > 0 ? `, ${awaited} awaited since the coordinator was restarted` : ''}`,
    `  tasks      ${STATES.map((state) => `${tasks.tasks[state]} ${state}`).join(', ')}`,
    ...waiting,
    `  attempts   ${counters.assignments}, repeated ${counters.retries}`,
    `  times      waited ${formatTime(tasks.queueWait.p50)}, ran ${formatTime(tasks.runTime.p50)} (medians); 99% were done within ${formatTime(tasks.total.p99)}`,
    `  state      ${count(state.entries, 'entry', 'entries')}, revision ${state.revision}`,
    `  QUIC       ${count(quicStats.activeConnections, 'connection')}, ${count(quicStats.totalStreams, 'stream')} so far; ${formatBytes(quicStats.bytesSent)} sent, ${formatBytes(quicStats.bytesReceived)} received, ${count(quicStats.packetsLost, 'packet')} lost; RTT ${formatTime(quicStats.rttMs)}`,
  ].join('\n');
}
