/** Attempts under way: each is a stream to the agent that makes it, or a call in this process. */

import { SwarmError } from '../errors.js';
import { wordsOf } from '../link/errors.js';
import { streamError, type FrameStream } from '../link/frame-stream.js';
import type { MemberCore } from '../member-core.js';
import type { SchedulerAction, TaskFailure } from '../tasks/index.js';
import { encodeValue } from '../wire/codec.js';
import { FRAME, STREAM_CODE } from '../wire/codes.js';
import { encodeFrames, protocolError } from '../wire/frames.js';
import { encodeHead } from '../wire/head.js';
import { pack, readAttemptNews, readValueFrame, unpack, type TaskNews, type TaskOrder } from './messages.js';
import type { TaskStore } from './task-store.js';
import type { Worker } from './worker.js';

type Assignment = Extract<SchedulerAction, { kind: 'assign' }>;

/** Hears of attempts. */
export interface AttemptReports {
  /** The promise is the backpressure of the submitter. */
  progress(id: string, attempt: number, news: TaskNews): Promise<void> | undefined;
  completed(id: string, attempt: number, result: Uint8Array): void;
  failed(id: string, attempt: number, failure: TaskFailure): void;
  /** The agent takes no more at the moment. */
  rejected(id: string, attempt: number): void;
}

export class Attempts {
  readonly #core: MemberCore;
  readonly #store: TaskStore;
  readonly #worker: Worker;
  readonly #reports: AttemptReports;
  /** Ends each attempt, by id of the task and number of the attempt. */
  readonly #revokers = new Map<string, () => void>();

  constructor(core: MemberCore, store: TaskStore, worker: Worker, reports: AttemptReports) {
    this.#core = core;
    this.#store = store;
    this.#worker = worker;
    this.#reports = reports;
  }

  /** Gives the task to the agent. @param now wall time, against which the deadline is */
  begin(assignment: Assignment, now: number): void {
    const { id, attempt, agent } = assignment;
    const timeLeft = assignment.deadlineAt === undefined ? 0 : Math.max(1, Math.ceil(assignment.deadlineAt - now));
    const { submitter, idempotencyKey } = assignment.spec;
    const order: TaskOrder = { id, attempt, submitter, timeLeft, idempotencyKey };
    const run = agent === this.#core.id ? this.#runHere(assignment, order) : this.#runThere(assignment, order);
    run.catch((error: unknown) => this.#core.onError(error, `task ${id}, attempt ${attempt}`));
  }

  /** Stops an attempt: the agent's signal aborts. */
  revoke(id: string, attempt: number): void {
    this.#revokers.get(`${attempt} ${id}`)?.();
  }

  async #payload({ id, payload }: Assignment): Promise<Uint8Array> {
    const found = payload ?? (await this.#store.payload(id));
    if (found) return found;
    throw new SwarmError('ERR_SWARM_STORE', `The store has lost the payload of task ${id}`);
  }

  async #runHere(assignment: Assignment, order: TaskOrder): Promise<void> {
    const { id, attempt, spec } = assignment;
    const controller = new AbortController();
    const name = `${attempt} ${id}`;
    this.#revokers.set(name, () =>
      controller.abort(new SwarmError('ERR_SWARM_TASK_CANCELLED', `Task ${id} was revoked`)),
    );
    try {
      const payload = unpack(await this.#payload(assignment));
      const sink = {
        progress: (value: unknown) => void this.#reports.progress(id, attempt, ['progress', value]),
        partial: async (value: unknown) => this.#reports.progress(id, attempt, ['partial', value]),
      };
      const end = await this.#worker.run(spec.capability, order, payload, sink, controller);
      if (end.kind === 'done') this.#reports.completed(id, attempt, pack(end.result));
      else this.#reports.failed(id, attempt, end);
    } catch (error) {
      const { code, message } = wordsOf(error);
      this.#reports.failed(id, attempt, { code, message, retry: true });
    } finally {
      this.#revokers.delete(name);
    }
  }

  async #runThere(assignment: Assignment, order: TaskOrder): Promise<void> {
    const { id, attempt, agent } = assignment;
    const name = `${attempt} ${id}`;
    let stream: FrameStream | undefined;
    let revoked = false;
    this.#revokers.set(name, () => {
      revoked = true;
      stream?.cancel(STREAM_CODE.cancelled);
    });
    try {
      const link = this.#core.links.get(agent);
      if (!link) throw new SwarmError('ERR_SWARM_AGENT_LOST', `${agent} is not connected`);
      const payload = await this.#payload(assignment);
      stream = await link.open();
      if (revoked) stream.cancel(STREAM_CODE.cancelled);
      const from = this.#core.id;
      const head = encodeHead({
        type: 'task',
        name: assignment.spec.capability,
        from,
        to: agent,
        hops: 0,
        path: [from],
        timeout: order.timeLeft,
        targets: [],
      });
      await stream.writeBytes(head);
      await stream.writeBytes(encodeFrames({ kind: FRAME.value, payload: encodeValue(order) }));
      const { kind, payload: bytes } = unpack(payload);
      await stream.write(kind, bytes);
      stream.finish();
      await this.#listen(assignment, stream);
    } catch (error) {
      stream?.cancel(STREAM_CODE.done);
      this.#lost(assignment, streamError(error, agent), revoked);
    } finally {
      this.#revokers.delete(name);
    }
  }

  async #listen({ id, attempt, agent }: Assignment, stream: FrameStream): Promise<void> {
    for (;;) {
      const frame = await stream.read();
      if (!frame) throw protocolError(`the end of task ${id} without an outcome`);
      const news = readAttemptNews(frame, agent);
      switch (news[0]) {
        case 'progress':
        case 'partial': {
          const full = this.#reports.progress(id, attempt, news);
          if (full) await full;
          break;
        }
        case 'done':
          this.#reports.completed(id, attempt, pack(await readValueFrame(stream, agent)));
          return;
        case 'failed':
          this.#reports.failed(id, attempt, { code: news[1], message: news[2], retry: news[3] });
          return;
        case 'rejected':
          this.#reports.rejected(id, attempt);
          return;
      }
    }
  }

  /**
   * The stream ended without an outcome. Where the agent is gone too, its departure, which the membership tells, gives the task to somebody
   * else: it knows whether the agent left or died, and a task of which agents die must count that.
   */
  #lost({ id, attempt, agent }: Assignment, error: SwarmError, revoked: boolean): void {
    if (revoked || !this.#core.links.get(agent)) return;
    this.#reports.failed(id, attempt, { code: error.code, message: error.message, retry: true });
  }
}
