import { SwarmError } from '../errors.js';
import type { Attempts } from './attempts.js';
import { type TaskRecord, isFinished } from './task.js';

/** Takes up the tasks of an earlier coordinator: see {@link TaskScheduler.restore}. */
export function restoreTasks(attempts: Attempts, records: Iterable<TaskRecord>, now: number): void {
  const sorted = [...records];
  for (const { id, version, state } of sorted) {
    if (version === 1 && Object.hasOwn(attempts.book.counts, state)) continue;
    const what = `version ${String(version)}, state ${String(state)}`;
    const words = `the record of task ${id} (${what}) was written by another version of skein`;
    throw new SwarmError('ERR_SWARM_STORE', words);
  }
  // Finished tasks are forgotten in the order in which they ended.
  sorted.sort((left, right) => (left.endedAt ?? 0) - (right.endedAt ?? 0) || left.sequence - right.sequence);
  for (const record of sorted) restoreTask(attempts, record, now);
}

function restoreTask(attempts: Attempts, record: TaskRecord, now: number): void {
  const copies = record.attempts.map((attempt) => ({ ...attempt }));
  const task = attempts.book.add({ ...record, attempts: copies }, undefined, false);
  if (isFinished(record.state)) return;
  attempts.counters.restored += 1;
  if (record.state === 'waiting') attempts.wait(task);
  else if (record.state === 'queued') attempts.ready(task, now);
  else {
    const agent = copies.at(-1)?.agent ?? 'unknown';
    const words = `the coordinator stopped while agent ${agent} was at it`;
    attempts.end(task, now, 'coordinator-restarted');
    attempts.interrupt(task, now, 'coordinator-restarted', words);
  }
}
