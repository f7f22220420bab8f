import type { SwarmErrorCode } from '../errors.js';
import type { RequeueReason, RevokeReason } from './actions.js';
import { hasRoom } from './agents.js';
import { TaskBook } from './book.js';
import { LatencyHistogram } from './histogram.js';
import type { SchedulerLimits } from './limits.js';
import { Matcher } from './matching.js';
import { type Agent, type Task, compareTasks, failedOn } from './model.js';
import type { TaskCounters } from './stats.js';
import { type AttemptOutcome, type FinishedTaskState, backoffDelay } from './task.js';

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** What a task ends with when it isn't done. */
export interface TaskError {
  readonly code: SwarmErrorCode;
  readonly message: string;
}

/** The life of tasks: queued, given to agents, given to others, settled. Transitions only mark; `dispatch` gives. */
export class Attempts {
  readonly limits: SchedulerLimits;
  readonly book: TaskBook;
  readonly matcher = new Matcher();
  readonly queueWait = new LatencyHistogram();
  readonly runTime = new LatencyHistogram();
  readonly total = new LatencyHistogram();
  readonly counters: Mutable<TaskCounters> = {
    accepted: 0,
    restored: 0,
    revived: 0,
    done: 0,
    failed: 0,
    dead: 0,
    cancelled: 0,
    expired: 0,
    assignments: 0,
    rejections: 0,
    retries: 0,
    interruptions: 0,
    staleReports: 0,
  };
  readonly #random: () => number;
  /** Tasks that were queued since the last dispatch. */
  readonly #fresh = new Set<Task>();
  /** Agents that may have room since then. */
  readonly #freed = new Set<Agent>();

  constructor(limits: SchedulerLimits, random: () => number) {
    this.limits = limits;
    this.book = new TaskBook(limits);
    this.#random = random;
  }

  /** Queues a task whose record says `queued`. */
  enqueue(task: Task, now: number): void {
    const { deadlineAt } = task.record;
    if (deadlineAt !== undefined && deadlineAt <= now) {
      this.expire(task, now);
      return;
    }
    if (task.avoid !== undefined && task.avoidUntil <= now) task.avoid = undefined;
    task.queuedAt = now;
    this.matcher.add(task);
    this.#fresh.add(task);
    const avoidEnd = task.avoid === undefined ? Number.POSITIVE_INFINITY : task.avoidUntil;
    this.book.schedule(task, Math.min(deadlineAt ?? Number.POSITIVE_INFINITY, avoidEnd));
  }

  /** Queues a task that comes from somewhere else than an attempt that was rejected: sets whom it avoids. */
  ready(task: Task, now: number): void {
    const agent = task.spec.requires === undefined ? failedOn(task.record) : undefined;
    task.avoid = this.limits.avoidWindow > 0 ? agent : undefined;
    task.avoidUntil = now + this.limits.avoidWindow;
    this.enqueue(task, now);
  }

  /** Lets a queued task go to whoever can do it. */
  stopAvoiding(task: Task): void {
    this.matcher.delete(task);
    task.avoid = undefined;
    this.matcher.add(task);
    this.#fresh.add(task);
    this.book.schedule(task, task.record.deadlineAt ?? Number.POSITIVE_INFINITY);
  }

  /** The agent may have room. */
  offer(agent: Agent): void {
    this.#freed.add(agent);
  }

  /** Fewer agents are able than before: the others may have to take what avoided them. */
  offerAvoided(): void {
    if (!this.matcher.hasAvoiding) return;
    for (const agent of this.matcher.agents.values()) if (hasRoom(agent)) this.#freed.add(agent);
  }

  /** Ends the current attempt; what follows is for the caller. */
  end(task: Task, now: number, outcome: AttemptOutcome | 'rejected', error?: { code: string; message: string }): void {
    const { agent, record } = task;
    task.agent = undefined;
    if (agent) {
      agent.running.delete(task);
      if (this.matcher.agents.get(agent.id) === agent) {
        this.matcher.agents.touch(agent);
        this.#freed.add(agent);
      }
    }
    const attempt = record.attempts.at(-1);
    if (!attempt) return;
    if (outcome === 'rejected') {
      record.attempts.pop();
      return;
    }
    attempt.endedAt = now;
    attempt.outcome = outcome;
    if (error) attempt.error = error;
  }

  /** Tells the agent of the current attempt to stop. */
  revoke(task: Task, reason: RevokeReason): void {
    const { agent, record } = task;
    if (!agent) return;
    const { id, incarnation } = agent;
    this.book.tell({ kind: 'revoke', id: record.id, agent: id, incarnation, attempt: record.attempt, reason });
  }

  /** After an attempt that counts: once more, or a dead letter. */
  retry(task: Task, now: number, reason: 'failed' | 'timeout' | 'lost', message: string): void {
    const { record, spec } = task;
    record.failures += 1;
    this.counters.retries += 1;
    if (record.failures >= spec.maxAttempts) {
      const times = record.failures === 1 ? 'once, and may not be tried again' : `${record.failures} times`;
      this.#bury(task, now, `task ${record.id} failed ${times}; the last time: ${message}`);
      return;
    }
    const delay = backoffDelay(spec.backoff, record.failures, this.#random());
    this.#requeued(task, reason, delay);
    if (delay <= 0) {
      this.book.move(task, 'queued');
      this.ready(task, now);
      return;
    }
    this.book.move(task, 'waiting');
    record.readyAt = now + delay;
    this.wait(task);
  }

  /** Sets the clock of a `waiting` task. */
  wait(task: Task): void {
    const { readyAt = 0, deadlineAt = Number.POSITIVE_INFINITY } = task.record;
    this.book.schedule(task, Math.min(readyAt, deadlineAt));
  }

  /** After an attempt that ended without the task's fault: once more, unless it happens again and again. */
  interrupt(task: Task, now: number, reason: 'left' | 'coordinator-restarted', message: string): void {
    const { record } = task;
    record.interruptions += 1;
    this.counters.interruptions += 1;
    if (record.interruptions > this.limits.maxInterruptions) {
      const words = `task ${record.id} was interrupted ${record.interruptions} times and is taken for the cause; the last time: ${message}`;
      this.#bury(task, now, words);
      return;
    }
    this.#requeued(task, reason, 0);
    this.book.move(task, 'queued');
    this.ready(task, now);
  }

  /** After a rejection: to whoever takes it. */
  reject(task: Task, now: number): void {
    this.counters.rejections += 1;
    this.#requeued(task, 'rejected', 0);
    this.book.move(task, 'queued');
    this.enqueue(task, now);
  }

  /** Puts a dead letter back, as if it had never been tried. */
  revive(task: Task, now: number): void {
    const { record, spec } = task;
    this.counters.revived += 1;
    this.book.move(task, 'queued');
    record.failures = 0;
    record.interruptions = 0;
    delete record.endedAt;
    delete record.error;
    if (spec.deadline !== undefined) record.deadlineAt = now + spec.deadline;
    this.#requeued(task, 'revived', 0);
    this.ready(task, now);
  }

  /** Ends a task whose deadline has passed. */
  expire(task: Task, now: number): void {
    const { record, spec } = task;
    const words = `the deadline of task ${record.id}, ${spec.deadline ?? 0} ms after its submission, passed`;
    if (task.agent) {
      const on = `${words} while agent ${task.agent.id} was at it`;
      this.revoke(task, 'expired');
      this.end(task, now, 'expired');
      this.settle(task, now, 'expired', { code: 'ERR_SWARM_TASK_DEADLINE', message: on });
      return;
    }
    const where = `${words} before an agent could finish it (capability ${spec.capability}, ${record.failures} failures)`;
    this.settle(task, now, 'expired', { code: 'ERR_SWARM_TASK_DEADLINE', message: where });
  }

  settle(task: Task, now: number, state: FinishedTaskState, error?: TaskError, result?: Uint8Array): void {
    this.matcher.delete(task);
    this.#fresh.delete(task);
    this.counters[state] += 1;
    if (state === 'done') this.total.record(now - task.record.createdAt);
    this.book.settle(task, now, state, error, result);
  }

  /** Gives what is queued to those with room: the higher priority first, then the earlier submission. */
  dispatch(now: number): void {
    for (const agent of this.#freed) {
      this.#freed.delete(agent);
      while (this.matcher.agents.get(agent.id) === agent && hasRoom(agent)) {
        const task = this.matcher.taskFor(agent);
        if (!task) break;
        this.#assign(task, this.#agentFor(task) ?? agent, now);
      }
    }
    if (this.#fresh.size === 0) return;
    const fresh = [...this.#fresh].sort(compareTasks);
    this.#fresh.clear();
    for (const task of fresh) {
      const agent = this.#agentFor(task);
      if (agent) this.#assign(task, agent, now);
    }
  }

  #agentFor(task: Task): Agent | undefined {
    return this.matcher.agentFor(task.spec.capability, task.spec.requires, task.avoid);
  }

  #assign(task: Task, agent: Agent, now: number): void {
    const { record, spec } = task;
    this.matcher.delete(task);
    this.#fresh.delete(task);
    if (record.deadlineAt !== undefined && record.deadlineAt <= now) {
      this.expire(task, now);
      return;
    }
    this.queueWait.record(now - task.queuedAt);
    this.counters.assignments += 1;
    this.book.move(task, 'assigned');
    record.attempt += 1;
    const { id, incarnation } = agent;
    record.attempts.push({ attempt: record.attempt, agent: id, incarnation, startedAt: now });
    if (record.attempts.length > this.limits.attemptsKept) record.attempts.shift();
    task.agent = agent;
    agent.running.add(task);
    this.matcher.agents.touch(agent);
    const { deadlineAt = Number.POSITIVE_INFINITY } = record;
    this.book.schedule(task, Math.min(deadlineAt, now + (spec.attemptTimeout ?? Number.POSITIVE_INFINITY)));
    this.book.tell({
      kind: 'assign',
      id: record.id,
      agent: id,
      incarnation,
      attempt: record.attempt,
      spec,
      deadlineAt: record.deadlineAt,
      payload: task.payload,
    });
  }

  #bury(task: Task, now: number, message: string): void {
    this.settle(task, now, 'dead', { code: 'ERR_SWARM_TASK_DEAD', message });
  }

  #requeued(task: Task, reason: RequeueReason, delay: number): void {
    this.book.tell({ kind: 'requeued', id: task.record.id, attempt: task.record.attempt, reason, delay });
  }
}
