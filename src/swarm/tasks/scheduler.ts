import { SwarmError } from '../errors.js';
import type { SchedulerAction } from './actions.js';
import {
  type TaskAgent,
  type TaskAgentChange,
  checkCapabilities,
  checkConcurrency,
  makeAgent,
} from './agent-options.js';
import { Attempts } from './attempts.js';
import { SubmitterLine } from './line.js';
import { type SchedulerLimits, checkLimits, checkNumber } from './limits.js';
import { type Agent, type LiveRecord, type Task, snapshot } from './model.js';
import { agentLoads, taskStats } from './report.js';
import type { AgentLoad, TaskStats } from './stats.js';
import {
  type KeptTaskSpec,
  type TaskRecord,
  type TaskSpec,
  type TaskState,
  checkName,
  checkSpec,
  isFinished,
} from './task.js';

/** How a scheduler is made. */
export interface TaskSchedulerOptions {
  /** Milliseconds since 1970. Here and everywhere: whole or not, and never going back within one process. */
  readonly now: number;
  /** 0 to 1, for the jitter of back-offs. */
  readonly random: () => number;
  readonly limits?: Partial<SchedulerLimits> | undefined;
}

/**
 * What became of a submission. `exists`: the same submitter has submitted it already, under this id or this idempotency key;
 * `id` is what to attach to. `full`: nothing was kept; `park`, or refuse.
 */
export type SubmitResult =
  | { readonly status: 'accepted'; readonly id: string }
  | { readonly status: 'exists'; readonly id: string; readonly state: TaskState }
  | { readonly status: 'full' };

/** Why an agent is gone: `lost` and `replaced` count as failures of the tasks that it had, `left` and `evicted` don't. */
export type AgentLeftReason = 'left' | 'evicted' | 'lost' | 'replaced';

/** What an agent says about an attempt that failed. */
export interface TaskFailure {
  /** Word for programs: kept as it is, up to 256 characters. */
  readonly code: string;
  /** Words for people: kept up to 1000 characters. */
  readonly message: string;
  /** False: trying again is useless, the task is `failed` at once. */
  readonly retry: boolean;
}

/** Which tasks to show; all conditions must hold. */
export interface TaskFilter {
  readonly state?: TaskState | undefined;
  readonly capability?: string | undefined;
  readonly submitter?: string | undefined;
  /** Agent that has, or had last, the task. */
  readonly agent?: string | undefined;
  /** Most tasks. Default: 100; 1 to 1,000,000. */
  readonly limit?: number | undefined;
}

/**
 * Decides which agent does which task and what happens when it doesn't: a state machine without clock, sockets and store.
 * A driver calls it, drains {@link TaskScheduler.take} after the calls, and arms one timer for {@link TaskScheduler.nextTimeout}.
 *
 * Every accepted task is `settled` once. Attempts are at least one: an agent that is cut off may still work on what was
 * given to another, and only reports about the current attempt are heard. Reports return whether they were.
 *
 * Restarts: what `take` gave to be saved is all that {@link TaskScheduler.restore} needs. A task that was assigned then is
 * queued again. That is an interruption and no failure, since coordinators stop for reasons of their own; but a task that is
 * interrupted more than `maxInterruptions` times is taken for the cause of it, and becomes a dead letter.
 */
export class TaskScheduler {
  readonly limits: SchedulerLimits;
  readonly #attempts: Attempts;
  readonly #line = new SubmitterLine();
  #now: number;

  /** Throws `ERR_SWARM_INVALID_OPTION` for limits that are unknown or out of range. */
  constructor(options: TaskSchedulerOptions) {
    this.limits = checkLimits(options.limits ?? {});
    this.#attempts = new Attempts(this.limits, options.random);
    this.#now = options.now;
  }

  /**
   * Takes up the records of an earlier coordinator; before anything else. Finished tasks are kept for the rest of their
   * time, unfinished ones go on: their payloads are read from the store by whoever gets an `assign` without. Throws
   * `ERR_SWARM_STORE` for a record of another version and when tasks are there already.
   */
  restore(records: Iterable<TaskRecord>, now: number): void {
    this.#advance(now);
    const { book } = this.#attempts;
    if (book.size > 0) throw new SwarmError('ERR_SWARM_STORE', 'tasks can be restored into an empty scheduler only');
    const sorted = [...records];
    for (const { id, version, state } of sorted) {
      if (version !== 1 || !Object.hasOwn(book.counts, state)) {
        const what = `version ${String(version)}, state ${String(state)}`;
        throw new SwarmError(
          'ERR_SWARM_STORE',
          `the record of task ${id} (${what}) was written by another version of skein`,
        );
      }
    }
    sorted.sort((left, right) => (left.endedAt ?? 0) - (right.endedAt ?? 0) || left.sequence - right.sequence);
    for (const record of sorted) this.#restore(record, this.#now);
    this.#end();
  }

  #restore(record: TaskRecord, now: number): void {
    const { book, counters } = this.#attempts;
    const attempts = record.attempts.map((attempt) => ({ ...attempt }));
    const task = book.add({ ...record, attempts }, undefined, false);
    if (isFinished(record.state)) return;
    counters.restored += 1;
    if (record.state === 'waiting') this.#attempts.wait(task);
    else if (record.state === 'queued') this.#attempts.ready(task, now);
    else {
      const agent = attempts.at(-1)?.agent ?? 'unknown';
      this.#attempts.end(task, now, 'coordinator-restarted');
      this.#attempts.interrupt(
        task,
        now,
        'coordinator-restarted',
        `the coordinator stopped while agent ${agent} was at it`,
      );
    }
  }

  /**
   * Submits a task under an id that is new in the swarm. Idempotency keys are looked for among the tasks of the same
   * submitter, for as long as those are remembered. A full queue refuses, unless an idle agent can take the task at once.
   * Throws `ERR_SWARM_INVALID_OPTION` for a spec that is out of range, for an id that another submitter uses, and for a key
   * that was used for another capability or payload size; `ERR_SWARM_TOO_LARGE` for a payload that never has room.
   */
  submit(now: number, id: string, spec: TaskSpec): SubmitResult {
    this.#advance(now);
    const wasCalled = this.#line.remove(id) === 'called';
    try {
      return this.#submit(id, spec, wasCalled);
    } finally {
      this.#end();
    }
  }

  #submit(id: string, spec: TaskSpec, wasCalled: boolean): SubmitResult {
    const { book, counters } = this.#attempts;
    checkName('id', id);
    const kept = checkSpec(spec);
    const existing = this.#existing(id, kept);
    if (existing) return { status: 'exists', id: existing.record.id, state: existing.record.state };
    if (kept.payloadSize > this.limits.maxPayloadBytes) {
      const words = `the payload has ${kept.payloadSize} bytes; all tasks together may have ${this.limits.maxPayloadBytes}`;
      throw new SwarmError('ERR_SWARM_TOO_LARGE', words);
    }
    const hasRoom = wasCalled ? this.#fits(kept.payloadSize) : this.#hasRoom(kept);
    if (!hasRoom) return { status: 'full' };
    const record: LiveRecord = {
      version: 1,
      id,
      sequence: book.nextSequence(),
      spec: kept,
      state: 'queued',
      attempt: 0,
      failures: 0,
      interruptions: 0,
      attempts: [],
      createdAt: this.#now,
      ...(kept.deadline !== undefined && { deadlineAt: this.#now + kept.deadline }),
    };
    counters.accepted += 1;
    this.#attempts.ready(book.add(record, spec.payload, true), this.#now);
    return { status: 'accepted', id };
  }

  #existing(id: string, spec: KeptTaskSpec): Task | undefined {
    const { book } = this.#attempts;
    const sameId = book.get(id);
    if (sameId && sameId.spec.submitter !== spec.submitter) {
      throw new SwarmError(
        'ERR_SWARM_INVALID_OPTION',
        `another member has submitted a task with the id ${id}; use a new id`,
      );
    }
    const { submitter, idempotencyKey: key } = spec;
    const existing = sameId ?? (key === undefined ? undefined : book.byKey(submitter, key));
    if (!existing) return undefined;
    const { capability, payloadSize } = existing.spec;
    if (capability !== spec.capability || payloadSize !== spec.payloadSize) {
      const name = sameId ? `id ${id}` : `idempotency key ${String(key)}`;
      const words = `${submitter} has used the ${name} for another task (${capability}, ${payloadSize} bytes); use a new one`;
      throw new SwarmError('ERR_SWARM_INVALID_OPTION', words);
    }
    return existing;
  }

  /** Whether a task may come in now, past those that wait in line only when an idle agent takes it. */
  #hasRoom(spec: KeptTaskSpec): boolean {
    if (!this.#fits(spec.payloadSize)) return false;
    if (this.#mayOvertake() && this.#attempts.matcher.agentFor(spec.capability, spec.requires, undefined)) return true;
    return this.#line.size === 0 && this.#hasPlace();
  }

  /** Not when the first in line waits for bytes: small payloads would keep a large one out for ever. */
  #mayOvertake(): boolean {
    const first = this.#line.first();
    return !first || this.#fits(first.payloadSize);
  }

  #fits(payloadSize: number): boolean {
    return this.#attempts.book.payloadBytes + this.#line.calledBytes + payloadSize <= this.limits.maxPayloadBytes;
  }

  #hasPlace(): boolean {
    const { queued, waiting } = this.#attempts.book.counts;
    return queued + waiting + this.#line.called < this.limits.maxQueued;
  }

  /**
   * Puts a submitter that was told `'full'` in line; when its turn comes, there is an action `room` with this id. False
   * when the line is full too, or the id stands in it already.
   */
  park(now: number, id: string, capability: string, payloadSize: number): boolean {
    this.#advance(now);
    if (this.#line.has(id) || this.#line.size >= this.limits.maxParked) return false;
    if (payloadSize > this.limits.maxPayloadBytes) return false;
    this.#line.wait(id, capability, payloadSize);
    this.#end();
    return true;
  }

  /** Takes a submitter out of the line, also one that was told `room` and does not want it any more. */
  unpark(now: number, id: string): boolean {
    this.#advance(now);
    const wasThere = this.#line.remove(id) !== undefined;
    this.#end();
    return wasThere;
  }

  /** Cancels a task; false when it is finished or unknown. */
  cancel(now: number, id: string, reason: string): boolean {
    this.#advance(now);
    const task = this.#attempts.book.get(id);
    if (!task || isFinished(task.record.state)) return false;
    if (task.agent) {
      this.#attempts.revoke(task, 'cancelled');
      this.#attempts.end(task, this.#now, 'cancelled');
    }
    const message = `task ${id} was cancelled: ${reason.slice(0, 1000)}`;
    this.#attempts.settle(task, this.#now, 'cancelled', { code: 'ERR_SWARM_TASK_CANCELLED', message });
    this.#end();
    return true;
  }

  /**
   * An agent is there. A larger incarnation replaces the agent that had the id; the same one is taken for `agentChanged`;
   * a smaller one is ignored (false). Throws `ERR_SWARM_INVALID_OPTION`.
   */
  agentJoined(now: number, given: TaskAgent): boolean {
    this.#advance(now);
    const agent = makeAgent(given);
    const { agents } = this.#attempts.matcher;
    const old = agents.get(agent.id);
    if (old && old.incarnation > agent.incarnation) return false;
    if (old?.incarnation === agent.incarnation) return this.agentChanged(now, { ...given, draining: false });
    if (old) this.#removeAgent(old, 'replaced');
    agents.add(agent);
    this.#attempts.offer(agent);
    this.#end();
    return true;
  }

  /**
   * The agent can do more or less than before. What it has, it keeps, even when that is more than it may have now. False
   * for an agent or incarnation that isn't there. Throws `ERR_SWARM_INVALID_OPTION`.
   */
  agentChanged(now: number, change: TaskAgentChange): boolean {
    this.#advance(now);
    const agent = this.#agent(change.id, change.incarnation);
    if (!agent) return false;
    const capabilities = change.capabilities ? checkCapabilities(change.capabilities) : agent.capabilities;
    const concurrency = change.concurrency === undefined ? agent.concurrency : checkConcurrency(change.concurrency);
    this.#attempts.matcher.agents.update(agent, () => {
      agent.capabilities = capabilities;
      agent.concurrency = concurrency;
      agent.draining = change.draining ?? agent.draining;
    });
    this.#attempts.offer(agent);
    this.#attempts.offerAvoided();
    this.#end();
    return true;
  }

  /** The agent finishes what it has and gets nothing new, until `agentChanged` says otherwise. */
  agentDraining(now: number, id: string, incarnation: number): boolean {
    return this.agentChanged(now, { id, incarnation, draining: true });
  }

  /** The agent is gone: its tasks go to others. False for an agent or incarnation that isn't there. */
  agentLeft(now: number, id: string, incarnation: number, why: AgentLeftReason): boolean {
    this.#advance(now);
    const agent = this.#agent(id, incarnation);
    if (!agent) return false;
    this.#removeAgent(agent, why);
    this.#end();
    return true;
  }

  #agent(id: string, incarnation: number): Agent | undefined {
    const agent = this.#attempts.matcher.agents.get(id);
    return agent?.incarnation === incarnation ? agent : undefined;
  }

  #removeAgent(agent: Agent, why: AgentLeftReason): void {
    this.#attempts.matcher.agents.delete(agent);
    const counts = why === 'lost' || why === 'replaced';
    for (const task of agent.running) {
      const message = `agent ${agent.id} (incarnation ${agent.incarnation}) ${words[why]}`;
      this.#attempts.end(task, this.#now, counts ? 'lost' : 'left', { code: 'ERR_SWARM_AGENT_LOST', message });
      if (counts) this.#attempts.retry(task, this.#now, 'lost', message);
      else this.#attempts.interrupt(task, this.#now, 'left', message);
    }
    this.#attempts.offerAvoided();
  }

  /** The agent is at it: whether this is the current attempt, and its progress or partial result is to be passed on. */
  progress(now: number, id: string, attempt: number): boolean {
    this.#advance(now);
    const agent = this.#current(id, attempt)?.agent;
    if (agent) agent.rejections = 0;
    return agent !== undefined;
  }

  /** The attempt succeeded. The result is passed on in the actions, and not kept here. */
  completed(now: number, id: string, attempt: number, result?: Uint8Array): boolean {
    this.#advance(now);
    const task = this.#current(id, attempt);
    if (!task) return false;
    if (task.agent) {
      task.agent.done += 1;
      task.agent.rejections = 0;
    }
    this.#attempts.runTime.record(this.#now - (task.record.attempts.at(-1)?.startedAt ?? this.#now));
    this.#attempts.end(task, this.#now, 'done');
    this.#attempts.settle(task, this.#now, 'done', undefined, result);
    this.#end();
    return true;
  }

  /** The attempt failed. */
  failed(now: number, id: string, attempt: number, failure: TaskFailure): boolean {
    this.#advance(now);
    const task = this.#current(id, attempt);
    if (!task?.agent) return false;
    const { agent } = task;
    agent.failed += 1;
    agent.rejections = 0;
    const error = { code: failure.code.slice(0, 256), message: failure.message.slice(0, 1000) };
    const message = `${error.message} (${error.code}, on agent ${agent.id})`;
    this.#attempts.end(task, this.#now, 'failed', error);
    if (failure.retry) this.#attempts.retry(task, this.#now, 'failed', message);
    else {
      const told = { code: 'ERR_SWARM_TASK_FAILED', message: `task ${id} failed: ${message}` } as const;
      this.#attempts.settle(task, this.#now, 'failed', told);
    }
    this.#end();
    return true;
  }

  /**
   * The agent would not take the task, or could not be reached: it goes to another, or to the same one after a pause that
   * grows. This is no attempt, and may go on until the deadline of the task.
   */
  rejected(now: number, id: string, attempt: number): boolean {
    this.#advance(now);
    const task = this.#current(id, attempt);
    if (!task?.agent) return false;
    const { agent } = task;
    const { rejectionPause, maxRejectionPause } = this.limits;
    const pause = Math.min(maxRejectionPause, rejectionPause * 2 ** Math.min(agent.rejections, 30));
    agent.rejections += 1;
    this.#attempts.matcher.agents.pause(agent, this.#now + pause);
    this.#attempts.end(task, this.#now, 'rejected');
    this.#attempts.reject(task, this.#now);
    this.#end();
    return true;
  }

  #current(id: string, attempt: number): Task | undefined {
    const task = this.#attempts.book.get(id);
    if (task?.agent && task.record.attempt === attempt) return task;
    this.#attempts.counters.staleReports += 1;
    return undefined;
  }

  /** Does what is due. */
  handleTimeout(now: number): void {
    this.#advance(now);
    const { book, matcher } = this.#attempts;
    book.forget(this.#now);
    for (let agent = matcher.agents.endPause(this.#now); agent; agent = matcher.agents.endPause(this.#now)) {
      this.#attempts.offer(agent);
    }
    for (let task = book.nextDue(); task && task.due <= this.#now; task = book.nextDue()) this.#due(task);
    this.#end();
  }

  #due(task: Task): void {
    const { record, spec, agent } = task;
    if (record.deadlineAt !== undefined && record.deadlineAt <= this.#now) {
      this.#attempts.expire(task, this.#now);
    } else if (agent) {
      const message = `agent ${agent.id} took longer than ${spec.attemptTimeout ?? 0} ms`;
      agent.failed += 1;
      this.#attempts.revoke(task, 'timeout');
      this.#attempts.end(task, this.#now, 'timeout', { code: 'ERR_SWARM_TIMEOUT', message });
      this.#attempts.retry(task, this.#now, 'timeout', message);
    } else if (record.state === 'waiting') {
      this.#attempts.book.move(task, 'queued');
      this.#attempts.ready(task, this.#now);
    } else {
      this.#attempts.stopAvoiding(task);
    }
  }

  /** When `handleTimeout` wants to be called; undefined: not before something else happens. */
  nextTimeout(): number | undefined {
    const { book, matcher } = this.#attempts;
    const due = book.nextDue()?.due ?? Number.POSITIVE_INFINITY;
    const next = Math.min(due, book.nextForgetting(), matcher.agents.nextPauseEnd);
    return next === Number.POSITIVE_INFINITY ? undefined : next;
  }

  /** What is to be done, since the last call: see {@link SchedulerAction} for the order. */
  take(): SchedulerAction[] {
    return this.#attempts.book.take();
  }

  /**
   * Puts a dead letter back in the queue: its failures are forgotten, its deadline begins anew, and it will be `settled` once
   * more. False when it is no dead letter.
   */
  retryDead(now: number, id: string): boolean {
    this.#advance(now);
    const task = this.#attempts.book.get(id);
    if (task?.record.state !== 'dead') return false;
    this.#attempts.revive(task, this.#now);
    this.#end();
    return true;
  }

  /** A task that is remembered. */
  get(id: string): TaskRecord | undefined {
    const task = this.#attempts.book.get(id);
    return task && snapshot(task.record);
  }

  /** Task of a submitter with this idempotency key. */
  find(submitter: string, idempotencyKey: string): TaskRecord | undefined {
    const task = this.#attempts.book.byKey(submitter, idempotencyKey);
    return task && snapshot(task.record);
  }

  /** Dead letters, the oldest first. */
  deadLetters(): TaskRecord[] {
    return Array.from(this.#attempts.book.dead(), (task) => snapshot(task.record));
  }

  /** Tasks that are remembered, in the order of their submission since the last restart. Walks them all. */
  tasks(filter: TaskFilter = {}): TaskRecord[] {
    const { state, capability, submitter, agent } = filter;
    const limit = checkNumber('limit', filter.limit ?? 100, 1, 1_000_000);
    return this.#attempts.book.records(
      (record) =>
        (state === undefined || record.state === state) &&
        (capability === undefined || record.spec.capability === capability) &&
        (submitter === undefined || record.spec.submitter === submitter) &&
        (agent === undefined || record.attempts.at(-1)?.agent === agent),
      limit,
    );
  }

  /** Numbers for people and tests. Walks the queue. */
  stats(now: number): TaskStats {
    return taskStats(this.#attempts, this.#line.size, Math.max(now, this.#now));
  }

  /** What each agent has. */
  agents(): AgentLoad[] {
    return agentLoads(this.#attempts.matcher.agents);
  }

  #advance(now: number): void {
    if (now > this.#now) this.#now = now;
  }

  /** Ends every call: gives what can be given, and calls those for whom there is room now. */
  #end(): void {
    this.#attempts.dispatch(this.#now);
    const line = this.#line;
    for (let first = line.first(); first && this.#hasPlace() && this.#fits(first.payloadSize); first = line.first()) {
      this.#call(first);
    }
    if (line.size === 0 || !this.#mayOvertake()) return;
    // The queue is full, but there may be agents for whom nothing is in it.
    for (const first of line.firsts()) {
      const isIdle = this.#attempts.matcher.agentFor(first.capability, undefined, undefined) !== undefined;
      if (isIdle && this.#fits(first.payloadSize) && !line.isExpected(first.capability)) this.#call(first);
    }
  }

  #call(place: Parameters<SubmitterLine['call']>[0]): void {
    this.#line.call(place);
    this.#attempts.book.tell({ kind: 'room', id: place.id });
  }
}

const words: Readonly<Record<AgentLeftReason, string>> = {
  left: 'left',
  evicted: 'was evicted',
  lost: 'was lost',
  replaced: 'was replaced by a later incarnation',
};
