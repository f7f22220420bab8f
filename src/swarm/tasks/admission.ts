import { SwarmError } from '../errors.js';
import type { Attempts } from './attempts.js';
import { type Place, SubmitterLine } from './line.js';
import type { SchedulerLimits } from './limits.js';
import type { LiveRecord, Task } from './model.js';
import { type KeptTaskSpec, type TaskSpec, type TaskState, checkName, checkSpec } from './task.js';

/**
 * What became of a submission. `exists`: the same submitter has submitted it already, under this id or this idempotency key;
 * `id` is what to attach to. `full`: nothing was kept; `park`, or refuse.
 */
export type SubmitResult =
  | { readonly status: 'accepted'; readonly id: string }
  | { readonly status: 'exists'; readonly id: string; readonly state: TaskState }
  | { readonly status: 'full' };

/** Who may bring tasks, and when: keys, limits, and the line of those that wait. */
export class Admission {
  readonly #attempts: Attempts;
  readonly #limits: SchedulerLimits;
  readonly #line = new SubmitterLine();
  #calls: string[] = [];

  constructor(attempts: Attempts) {
    this.#attempts = attempts;
    this.#limits = attempts.limits;
  }

  /** Submitters that wait. */
  get parked(): number {
    return this.#line.size;
  }

  /** See {@link TaskScheduler.submit}. */
  submit(now: number, id: string, spec: TaskSpec): SubmitResult {
    const wasCalled = this.#line.leaveCalled(id);
    const { book, counters } = this.#attempts;
    checkName('id', id);
    const kept = checkSpec(spec);
    const existing = this.#existing(id, kept);
    if (existing) return { status: 'exists', id: existing.record.id, state: existing.record.state };
    if (kept.payloadSize > this.#limits.maxPayloadBytes) {
      const words = `the payload has ${kept.payloadSize} bytes; all tasks together may have ${this.#limits.maxPayloadBytes}`;
      throw new SwarmError('ERR_SWARM_TOO_LARGE', words);
    }
    const hasRoom = wasCalled ? this.#fits(kept.payloadSize) : this.#hasRoom(kept);
    if (!hasRoom) return { status: 'full' };
    this.#line.leave(id);
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
      createdAt: now,
      ...(kept.deadline !== undefined && { deadlineAt: now + kept.deadline }),
    };
    counters.accepted += 1;
    this.#attempts.ready(book.add(record, spec.payload, true), now);
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
      const words = `${submitter} has used the ${name} for another task (${capability}, ${payloadSize} bytes, now ${spec.capability}, ${spec.payloadSize} bytes); use a new one`;
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
    return this.#attempts.book.payloadBytes + this.#line.calledBytes + payloadSize <= this.#limits.maxPayloadBytes;
  }

  #hasPlace(): boolean {
    const { queued, waiting } = this.#attempts.book.counts;
    return queued + waiting + this.#line.called < this.#limits.maxQueued;
  }

  /** See {@link TaskScheduler.park}. */
  park(id: string, capability: string, payloadSize: number): boolean {
    if (this.#line.has(id) || this.#line.size >= this.#limits.maxParked) return false;
    if (payloadSize > this.#limits.maxPayloadBytes) return false;
    this.#line.wait(id, capability, payloadSize);
    return true;
  }

  /** See {@link TaskScheduler.unpark}. */
  unpark(id: string): boolean {
    return this.#line.leaveCalled(id) || this.#line.leave(id);
  }

  /** Calls those for whom there is room now. */
  callNext(): void {
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

  /** Ids that were called since the last time, and are still expected. */
  takeCalls(): string[] {
    const calls = this.#calls.filter((id) => this.#line.isCalled(id));
    this.#calls = [];
    return calls;
  }

  #call(place: Place): void {
    this.#line.call(place);
    this.#calls.push(place.id);
  }
}
