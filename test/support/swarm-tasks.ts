import assert from 'node:assert/strict';

import {
  type SchedulerAction,
  type SchedulerLimits,
  type TaskAgent,
  type TaskRecord,
  TaskScheduler,
  type TaskSpec,
} from '../../src/swarm/tasks/index.js';

type Kind = SchedulerAction['kind'];
export type Action<K extends Kind> = Extract<SchedulerAction, { kind: K }>;

export const payload = new Uint8Array([1, 2, 3]);

/** A task of capability `c` by `submitter`. */
export function spec(changes: Partial<TaskSpec> = {}): TaskSpec {
  return { capability: 'c', payload, submitter: 'submitter', ...changes };
}

/** An agent with capability `c` that does one task at a time. */
export function agent(id: string, changes: Partial<TaskAgent> = {}): TaskAgent {
  return { id, incarnation: 1, capabilities: ['c'], concurrency: 1, ...changes };
}

/** A scheduler with a clock in the test's hand. Jitter takes nothing away unless the test says so. */
export class Bench {
  now = 1_000_000;
  random = 0;
  readonly scheduler: TaskScheduler;

  constructor(limits: Partial<SchedulerLimits> = {}, records?: readonly TaskRecord[]) {
    this.scheduler = new TaskScheduler({ now: this.now, random: () => this.random, limits });
    if (records) this.scheduler.restore(records, this.now);
  }

  submit(id: string, changes: Partial<TaskSpec> = {}): string {
    return this.scheduler.submit(this.now, id, spec(changes)).status;
  }

  join(id: string, changes: Partial<TaskAgent> = {}): void {
    assert.equal(this.scheduler.agentJoined(this.now, agent(id, changes)), true);
  }

  done(id: string, attempt = 1): boolean {
    return this.scheduler.completed(this.now, id, attempt, new Uint8Array([9]));
  }

  fail(id: string, attempt = 1, retry = true): boolean {
    return this.scheduler.failed(this.now, id, attempt, { code: 'E_TEST', message: 'no luck', retry });
  }

  /** Lets time pass, with every timeout on the way. */
  pass(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (
      let next = this.scheduler.nextTimeout();
      next !== undefined && next <= end;
      next = this.scheduler.nextTimeout()
    ) {
      this.now = Math.max(this.now, next);
      this.scheduler.handleTimeout(this.now);
    }
    this.now = end;
  }

  /** Actions of one kind of the next batch; the others of the batch are dropped. */
  take<K extends Kind>(kind: K): Action<K>[] {
    return this.scheduler.take().filter((action): action is Action<K> => action.kind === kind);
  }

  /** What was assigned in the next batch, as `task>agent`. */
  assigned(): string[] {
    return this.take('assign').map(({ id, agent: to }) => `${id}>${to}`);
  }

  get(id: string): TaskRecord {
    const record = this.scheduler.get(id);
    assert.ok(record, `task ${id} is not known`);
    return record;
  }

  state(id: string): string {
    return this.get(id).state;
  }
}
