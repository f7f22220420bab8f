import type { IndexedHeap } from './heap.js';
import type { AttemptOutcome, KeptTaskSpec, TaskRecord } from './task.js';

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** A record that changes, in here only. */
export type LiveRecord = Mutable<Omit<TaskRecord, 'attempts'>> & {
  attempts: Mutable<TaskRecord['attempts'][number]>[];
};

/** A task as the scheduler holds it: the record, and what need not survive. */
export interface Task {
  readonly record: LiveRecord;
  readonly spec: KeptTaskSpec;
  /** Until it is finished, unless it came from the store. */
  payload: Uint8Array | undefined;
  /** Whether `payload` is still to be saved. */
  isNew: boolean;
  /** Result that is still to be saved. */
  result: Uint8Array | undefined;
  /** Where it is queued. */
  lane: Lane | undefined;
  /** Who is at it. */
  agent: Agent | undefined;
  /** When it was queued last. */
  queuedAt: number;
  /** Agent that it had rather not go back to, and until when. */
  avoid: string | undefined;
  avoidUntil: number;
  /** What the clock is set to for this task; Infinity: nothing. */
  due: number;
}

/** Queued tasks of one capability that avoid the same agent, or none. Never empty while it is known to a queue. */
export interface Lane {
  readonly capability: string;
  readonly avoid: string | undefined;
  readonly tasks: IndexedHeap<Task>;
}

/** An agent as the scheduler knows it. */
export interface Agent {
  readonly id: string;
  readonly incarnation: number;
  /** Either `*` alone, or no `*`. */
  capabilities: ReadonlySet<string>;
  concurrency: number;
  draining: boolean;
  /** Set while it gets nothing because it has rejected something. */
  pausedUntil: number | undefined;
  /** Rejections in a row. */
  rejections: number;
  readonly running: Set<Task>;
  /** Grows with everything that is given to the agent or comes back: the smallest has been idle longest. */
  touched: number;
  done: number;
  failed: number;
}

/** Whether one task goes before another: higher priority, then earlier submission. */
export function taskBefore(left: Task, right: Task): boolean {
  if (left.spec.priority !== right.spec.priority) return left.spec.priority > right.spec.priority;
  return left.record.sequence < right.record.sequence;
}

/** For sorting in the order of {@link taskBefore}. */
export function compareTasks(left: Task, right: Task): number {
  return right.spec.priority - left.spec.priority || left.record.sequence - right.record.sequence;
}

const blames: ReadonlySet<AttemptOutcome | undefined> = new Set(['failed', 'timeout', 'lost']);

/** Agent on which the latest attempt failed. */
export function failedOn(record: LiveRecord): string | undefined {
  const last = record.attempts.at(-1);
  return last && blames.has(last.outcome) ? last.agent : undefined;
}

/** A record as it is now, which changes no more. */
export function snapshot(record: LiveRecord): TaskRecord {
  return { ...record, attempts: record.attempts.map((attempt) => ({ ...attempt })) };
}
