import { SwarmError } from '../errors.js';
import type { SchedulerAction } from './actions.js';
import { Admission, type SubmitResult } from './admission.js';
import { type TaskAgent, type TaskAgentChange, changeAgent, makeAgent } from './agent-options.js';
import { Attempts } from './attempts.js';
import { type SchedulerLimits, checkLimits } from './limits.js';
import { type Agent, type Task, snapshot } from './model.js';
import type { AgentLeftReason, TaskFailure, TaskFilter, TaskSchedulerOptions } from './options.js';
import { agentLoads, findTasks, taskStats } from './report.js';
import { restoreTasks } from './restore.js';
import type { AgentLoad, TaskStats } from './stats.js';
import { type TaskRecord, type TaskSpec, isFinished } from './task.js';

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
  readonly #admission: Admission;
  #now: number;

  /** Throws `ERR_SWARM_INVALID_OPTION` for limits that are unknown or out of range. */
  constructor(options: TaskSchedulerOptions) {
    this.limits = checkLimits(options.limits ?? {});
    this.#attempts = new Attempts(this.limits, options.random);
    this.#admission = new Admission(this.#attempts);
    this.#now = options.now;
  }

  /**
   * Takes up the records of an earlier coordinator; before anything else, and its actions are to be done before anybody is
   * answered: tasks may have ended by it. Finished tasks are kept for the rest of their
   * time, unfinished ones go on: their payloads are read from the store by whoever gets an `assign` without. Throws
   * `ERR_SWARM_STORE` for a record of another version and when tasks are there already.
   */
  restore(records: Iterable<TaskRecord>, now: number): void {
    this.#advance(now);
    if (this.#attempts.book.size > 0) {
      throw new SwarmError('ERR_SWARM_STORE', 'tasks can be restored into an empty scheduler only');
    }
    restoreTasks(this.#attempts, records, this.#now);
    this.#end();
  }

  /**
   * Submits a task under an id that is new in the swarm. Idempotency keys are looked for among the tasks of the same
   * submitter, for as long as those are remembered. A full queue refuses, unless an idle agent can take the task at once.
   * Throws `ERR_SWARM_INVALID_OPTION` for a spec that is out of range, for an id that another submitter uses, and for a key
   * that was used for another capability or payload size; `ERR_SWARM_TOO_LARGE` for a payload that never has room.
   */
  submit(now: number, id: string, spec: TaskSpec): SubmitResult {
    this.#advance(now);
    try {
      return this.#admission.submit(this.#now, id, spec);
    } finally {
      this.#end();
    }
  }

  /**
   * Puts a submitter that was told `'full'` in line; when its turn comes, there is an action `room` with this id. False
   * when the line is full too, or the id stands in it already.
   */
  park(now: number, id: string, capability: string, payloadSize: number): boolean {
    this.#advance(now);
    const isParked = this.#admission.park(id, capability, payloadSize);
    this.#end();
    return isParked;
  }

  /** Takes a submitter out of the line, also one that was told `room` and does not want it any more. */
  unpark(now: number, id: string): boolean {
    this.#advance(now);
    const wasThere = this.#admission.unpark(id);
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
    const apply = changeAgent(agent, change);
    this.#attempts.matcher.agents.update(agent, apply);
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
    const batch = this.#attempts.book.take();
    for (const id of this.#admission.takeCalls()) batch.push({ kind: 'room', id });
    return batch;
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
    return findTasks(this.#attempts.book, filter);
  }

  /** Numbers for people and tests. Walks the queue. */
  stats(now: number): TaskStats {
    return taskStats(this.#attempts, this.#admission.parked, Math.max(now, this.#now));
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
    this.#admission.callNext();
  }
}

const words: Readonly<Record<AgentLeftReason, string>> = {
  left: 'left',
  evicted: 'was evicted',
  lost: 'was lost',
  replaced: 'was replaced by a later incarnation',
};
