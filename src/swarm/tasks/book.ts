import type { SwarmErrorCode } from '../errors.js';
import type { SchedulerAction } from './actions.js';
import { IndexedHeap } from './heap.js';
import type { SchedulerLimits } from './limits.js';
import { type LiveRecord, type Task, snapshot } from './model.js';
import { type FinishedTaskState, type TaskRecord, type TaskState, isFinished, needsPayload } from './task.js';

/** How many tasks are in each state. */
export type TaskCounts = Readonly<Record<TaskState, number>>;

function keyOf(submitter: string, key: string): string {
  return `${submitter.length}:${submitter}${key}`;
}

/** Every task that is known, what is to be told about it, and when it wants the clock. */
export class TaskBook {
  readonly #limits: SchedulerLimits;
  readonly #tasks = new Map<string, Task>();
  readonly #byKey = new Map<string, Task>();
  readonly #timers = new IndexedHeap<Task>((left, right) =>
    left.due === right.due ? left.record.sequence < right.record.sequence : left.due < right.due,
  );
  /** In the order in which they ended. */
  readonly #finished = new Set<Task>();
  readonly #dead = new Set<Task>();
  readonly #unsaved = new Set<Task>();
  #actions: SchedulerAction[] = [];
  #sequence = 0;

  readonly counts: Record<TaskState, number> = {
    queued: 0,
    waiting: 0,
    assigned: 0,
    done: 0,
    failed: 0,
    dead: 0,
    cancelled: 0,
    expired: 0,
  };
  /** Of unfinished tasks. */
  payloadBytes = 0;

  constructor(limits: SchedulerLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#tasks.size;
  }

  get(id: string): Task | undefined {
    return this.#tasks.get(id);
  }

  byKey(submitter: string, key: string): Task | undefined {
    return this.#byKey.get(keyOf(submitter, key));
  }

  values(): IterableIterator<Task> {
    return this.#tasks.values();
  }

  dead(): Iterable<Task> {
    return this.#dead;
  }

  nextSequence(): number {
    return ++this.#sequence;
  }

  /** Takes up a task in the state that its record says. */
  add(record: LiveRecord, payload: Uint8Array | undefined, isNew: boolean): Task {
    const task: Task = {
      record,
      spec: record.spec,
      payload,
      isNew,
      result: undefined,
      lane: undefined,
      agent: undefined,
      queuedAt: record.createdAt,
      avoid: undefined,
      avoidUntil: 0,
      due: Number.POSITIVE_INFINITY,
    };
    this.#tasks.set(record.id, task);
    this.#sequence = Math.max(this.#sequence, record.sequence);
    const { submitter, idempotencyKey, payloadSize } = record.spec;
    if (idempotencyKey !== undefined) this.#byKey.set(keyOf(submitter, idempotencyKey), task);
    this.counts[record.state] += 1;
    if (isFinished(record.state)) this.#keep(task);
    else this.payloadBytes += payloadSize;
    if (isNew) this.#unsaved.add(task);
    return task;
  }

  /** Moves a task from one unfinished state to another. */
  move(task: Task, state: 'queued' | 'waiting' | 'assigned'): void {
    const { record } = task;
    if (isFinished(record.state)) {
      this.#finished.delete(task);
      this.#dead.delete(task);
      this.payloadBytes += task.spec.payloadSize;
    }
    this.counts[record.state] -= 1;
    this.counts[state] += 1;
    record.state = state;
    if (state !== 'waiting') delete record.readyAt;
    this.#unsaved.add(task);
  }

  /** Ends a task, for good. */
  settle(
    task: Task,
    now: number,
    state: FinishedTaskState,
    error: { readonly code: SwarmErrorCode; readonly message: string } | undefined,
    result: Uint8Array | undefined,
  ): void {
    const { record } = task;
    this.counts[record.state] -= 1;
    this.counts[state] += 1;
    this.payloadBytes -= task.spec.payloadSize;
    record.state = state;
    record.endedAt = now;
    delete record.readyAt;
    if (error) record.error = error;
    if (result) record.resultSize = result.length;
    if (!task.isNew) task.payload = undefined;
    task.result = result;
    this.schedule(task, Number.POSITIVE_INFINITY);
    this.#unsaved.add(task);
    const told = { kind: 'settled', id: record.id, record: snapshot(record) } as const;
    this.tell(result ? { ...told, result } : told);
    this.#keep(task);
  }

  /** Sets the clock for a task, or stops it (Infinity). */
  schedule(task: Task, due: number): void {
    task.due = due;
    if (due === Number.POSITIVE_INFINITY) this.#timers.delete(task);
    else this.#timers.set(task);
  }

  /** The task whose time comes next. */
  nextDue(): Task | undefined {
    return this.#timers.peek();
  }

  /** When something is to be forgotten next; Infinity: nothing. */
  nextForgetting(): number {
    const finished = this.#finished.values().next().value;
    const dead = this.#dead.values().next().value;
    return Math.min(
      finished ? (finished.record.endedAt ?? 0) + this.#limits.retention : Number.POSITIVE_INFINITY,
      dead ? (dead.record.endedAt ?? 0) + this.#limits.deadRetention : Number.POSITIVE_INFINITY,
    );
  }

  /** Forgets the finished tasks whose time is over. */
  forget(now: number): void {
    const { retention, deadRetention } = this.#limits;
    for (const [tasks, time] of [[this.#finished, retention] as const, [this.#dead, deadRetention] as const]) {
      for (const task of tasks) {
        if ((task.record.endedAt ?? 0) + time > now) break;
        this.#forget(task);
      }
    }
  }

  tell(action: SchedulerAction): void {
    this.#actions.push(action);
  }

  save(task: Task): void {
    this.#unsaved.add(task);
  }

  take(): SchedulerAction[] {
    const batch: SchedulerAction[] = [];
    for (const task of this.#unsaved) {
      const { payload, result, isNew } = task;
      batch.push({
        kind: 'save',
        record: snapshot(task.record),
        ...(isNew && payload && needsPayload(task.record.state) && { payload }),
        ...(result && { result }),
      });
      task.isNew = false;
      task.result = undefined;
      if (isFinished(task.record.state)) task.payload = undefined;
    }
    this.#unsaved.clear();
    for (const action of this.#actions) batch.push(action);
    this.#actions = [];
    return batch;
  }

  records(accept: (record: TaskRecord) => boolean, limit: number): TaskRecord[] {
    const found: TaskRecord[] = [];
    for (const { record } of this.#tasks.values()) {
      if (found.length >= limit) break;
      if (accept(record)) found.push(snapshot(record));
    }
    return found;
  }

  #keep(task: Task): void {
    const isDead = task.record.state === 'dead';
    const tasks = isDead ? this.#dead : this.#finished;
    tasks.add(task);
    const most = isDead ? this.#limits.maxDead : this.#limits.maxFinished;
    for (const oldest of tasks) {
      if (tasks.size <= most) break;
      this.#forget(oldest);
    }
  }

  #forget(task: Task): void {
    const { record } = task;
    const { submitter, idempotencyKey } = record.spec;
    this.#tasks.delete(record.id);
    if (idempotencyKey !== undefined) this.#byKey.delete(keyOf(submitter, idempotencyKey));
    this.#finished.delete(task);
    this.#dead.delete(task);
    this.counts[record.state] -= 1;
    this.tell({ kind: 'forgotten', id: record.id });
  }
}
