import type { AgentPool } from './agents.js';
import type { Attempts } from './attempts.js';
import type { TaskBook } from './book.js';
import { checkNumber } from './limits.js';
import type { TaskFilter } from './options.js';
import type { AgentLoad, CapabilityQueue, TaskStats } from './stats.js';
import type { TaskRecord } from './task.js';

/** Walks the queue once. */
export function taskStats(attempts: Attempts, parked: number, now: number): TaskStats {
  const { book, matcher, counters, queueWait, runTime, total } = attempts;
  const queues = new Map<string, { queued: number; oldest: number }>();
  let oldest = now;
  for (const { record } of book.values()) {
    if (record.state !== 'queued') continue;
    oldest = Math.min(oldest, record.createdAt);
    const queue = queues.get(record.spec.capability);
    if (!queue) queues.set(record.spec.capability, { queued: 1, oldest: record.createdAt });
    else {
      queue.queued += 1;
      queue.oldest = Math.min(queue.oldest, record.createdAt);
    }
  }
  const capabilities = Array.from(
    queues,
    ([capability, queue]): CapabilityQueue => ({
      capability,
      queued: queue.queued,
      oldestAge: now - queue.oldest,
      ableAgents: matcher.agents.ableCount(capability),
    }),
  );
  return {
    tasks: { ...book.counts },
    payloadBytes: book.payloadBytes,
    parked,
    oldestAge: now - oldest,
    capabilities,
    queueWait: queueWait.summary(),
    runTime: runTime.summary(),
    total: total.summary(),
    counters: { ...counters },
  };
}

export function agentLoads(agents: AgentPool): AgentLoad[] {
  return Array.from(agents.values(), (agent) => ({
    id: agent.id,
    incarnation: agent.incarnation,
    capabilities: [...agent.capabilities],
    assigned: agent.running.size,
    concurrency: agent.concurrency,
    isDraining: agent.draining,
    ...(agent.pausedUntil !== undefined && { pausedUntil: agent.pausedUntil }),
    done: agent.done,
    failed: agent.failed,
  }));
}

/** Walks the tasks in the order in which they are remembered. */
export function findTasks(book: TaskBook, filter: TaskFilter): TaskRecord[] {
  const { state, capability, submitter, agent } = filter;
  const limit = checkNumber('limit', filter.limit ?? 100, 1, 1_000_000);
  return book.records(
    (record) =>
      (state === undefined || record.state === state) &&
      (capability === undefined || record.spec.capability === capability) &&
      (submitter === undefined || record.spec.submitter === submitter) &&
      (agent === undefined || record.attempts.at(-1)?.agent === agent),
    limit,
  );
}
