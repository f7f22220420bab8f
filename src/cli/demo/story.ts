/** What a person reads of the demonstration. */

import type { AgentStats } from '../../swarm/index.js';
import { colors as pc } from '../colors.js';
import { count, formatBytes, formatTime, table } from '../format.js';
import type { Child } from './children.js';
import type { Input } from './input.js';
import { judge } from './judge.js';
import type { Observed } from './observed.js';
import { DEMO_CAPABILITIES } from './tasks.js';

/** Words shown of the index. */
const SHOWN = 5;

export class Story {
  readonly isSilent: boolean;

  constructor(isSilent: boolean) {
    this.isSilent = isSilent;
  }

  #say(...lines: string[]): void {
    if (!this.isSilent) console.log(lines.join('\n'));
  }

  input({ files, bytes, isOwn, root, leftOut }: Input): void {
    const texts = files.filter(({ text }) => text !== undefined).length;
    const whose = isOwn ? 'of this package' : `below ${root}`;
    this.#say(
      pc.bold('skein: a swarm of agents over QUIC, six processes on this machine'),
      '',
      `  input        ${count(files.length, 'file')} ${whose}, ${formatBytes(bytes)}; ${texts} of them text`,
      ...leftOut.map((words) => `               left out: ${words}`),
    );
  }

  processes(address: string, coordinator: Child, agents: ReadonlyMap<string, Child>): void {
    const list = Array.from(agents, ([id, { pid }]) => `${id} ${pid}`).join(', ');
    this.#say(`  coordinator  process ${coordinator.pid} on ${address}`, `  agents       ${list}`, '', pc.bold('Work'));
  }

  /** Prints what came of it, what was measured, and whether all is as it should be; the latter is the result. */
  end(observed: Observed, saved: { readonly path: string; readonly bytes: number }): boolean {
    const checks = judge(observed);
    const ok = checks.every((check) => check.ok);
    if (this.isSilent) {
      console.log(JSON.stringify({ ok, checks, index: saved.path, ...inJson(observed) }, null, 2));
      return ok;
    }
    this.#say(
      `  ${count(observed.ledger.entries.length, 'task')} in ${formatTime(observed.ms)}`,
      '',
      ...theIndex(observed, saved),
      '',
      pc.bold('What each agent did') + pc.dim('   connections to the coordinator as it measured them last'),
      whatAgentsDid(observed),
      '',
      pc.bold('QUIC at the coordinator'),
      ...quic(observed),
      '',
      pc.bold('Verified'),
    );
    for (const { ok: isOk, what, detail } of checks) {
      this.#say(`  ${isOk ? pc.green('yes') : pc.red('NO ')}  ${what}${detail ? pc.dim(`  ${detail}`) : ''}`);
    }
    this.#say('', ok ? pc.green('Everything was verified.') : pc.red('Not everything could be verified: see above.'));
    return ok;
  }
}

function theIndex({ index, input }: Observed, saved: { readonly path: string; readonly bytes: number }): string[] {
  const occurrences = index.entries.map(([word, postings]) => ({
    word,
    files: postings.length,
    times: postings.reduce((sum, [, times]) => sum + times, 0),
  }));
  const long = occurrences.filter(({ word }) => word.length >= 5).sort((left, right) => right.times - left.times);
  const some = long.slice(0, SHOWN).map(({ word, times }) => `${word} ${times.toLocaleString('en')}`);
  const words = [...index.counts.values()].reduce((sum, counts) => sum + counts.words, 0);
  const question = long[0]?.word ?? 'word';
  return [
    `${pc.bold('The index')}${pc.dim(`   ${formatBytes(saved.bytes)} in ${saved.path}`)}`,
    `  ${count(index.entries.length, 'different word')}, ${count(words, 'occurrence')} in ${count(input.files.length, 'file')}`,
    ...(some.length > 0 ? [`  the most frequent of five letters or more: ${some.join(', ')}`] : []),
    `  ask it: skein demo --query ${question}`,
  ];
}

function whatAgentsDid({ agents, ledger, death, move }: Observed): string {
  const rows = [...agents.values()]
    .filter(({ role }) => role !== 'submitter')
    .sort((left, right) => (left.id < right.id ? -1 : 1))
    .map((agent) => {
      const done = ledger.doneBy(agent.id);
      const fate = agent.id === death?.agent ? 'killed' : agent.id === move?.agent ? 'moved' : '';
      return [agent.id, ...DEMO_CAPABILITIES.map((name) => String(done.get(name) ?? 0)), ...connection(agent), fate];
    });
  return table(['agent', ...DEMO_CAPABILITIES, 'sent it', 'received', 'RTT', 'lost', ''], rows);
}

function connection({ bytesSent, bytesReceived, rttMs, packetsLost }: AgentStats): string[] {
  return [formatBytes(bytesSent), formatBytes(bytesReceived), formatTime(rttMs), String(packetsLost)];
}

function quic({ stats }: Observed): string[] {
  const { quicStats, tasks } = stats.coordinatorStats;
  const { totalConnections, totalStreams, bytesSent, bytesReceived, packetsLost, rttMs } = quicStats;
  const { queueWait, runTime } = tasks;
  return [
    `  ${count(totalConnections, 'connection')}, ${count(totalStreams, 'stream')}, ${formatBytes(bytesSent)} sent, ${formatBytes(bytesReceived)} received`,
    `  ${count(packetsLost, 'packet')} lost, mean round trip ${formatTime(rttMs)}`,
    `  tasks waited ${formatTime(queueWait.p50)} and ran ${formatTime(runTime.p50)} (medians); 99% ran ${formatTime(runTime.p99)} at most`,
  ];
}

function inJson(observed: Observed): object {
  const { input, ledger, index, death, move, agents, stats, ms } = observed;
  return {
    input: { root: input.root, files: input.files.length, bytes: input.bytes, leftOut: input.leftOut },
    words: index.entries.length,
    ms,
    death,
    move: move && {
      agent: move.agent,
      from: move.before.address,
      to: move.after?.address,
      incarnation: move.before.incarnation,
    },
    agents: Array.from(agents.values(), (agent) => ({
      ...agent,
      finished: Object.fromEntries(ledger.doneBy(agent.id)),
    })),
    tasks: ledger.entries,
    stats,
  };
}
