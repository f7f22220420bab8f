/** What members may ask of the coordinator itself: statistics, tasks, evictions. */

import { z } from 'zod';
import { SwarmError } from '../errors.js';
import { answerError } from '../link/errors.js';
import type { FrameStream } from '../link/frame-stream.js';
import type { MemberCore } from '../member-core.js';
import { frameOf } from '../messaging/values.js';
import type { CoordinatorReport } from '../stats.js';
import type { TaskRecord } from '../tasks/index.js';
import { encodeFrames } from '../wire/frames.js';
import type { ExchangeHead } from '../wire/head.js';
import { parsed } from '../work/messages.js';
import type { TaskService } from '../work/service.js';

/** Questions by name, with what they take. */
export const ADMIN_REQUESTS = {
  stats: z.strictObject({}),
  'cancel-task': z.strictObject({ id: z.string(), reason: z.string().max(1000) }),
  task: z.strictObject({ id: z.string() }),
  tasks: z.strictObject({ state: z.string().optional(), limit: z.number().int().min(1).max(10_000).optional() }),
  'dead-letters': z.strictObject({}),
  'retry-task': z.strictObject({ id: z.string() }),
  evict: z.strictObject({ id: z.string(), reason: z.string().max(1000) }),
} as const;

export type AdminRequest = keyof typeof ADMIN_REQUESTS;

/** What the coordinator does. */
export interface AdminHost {
  readonly core: MemberCore;
  readonly tasks: TaskService;
  report(): CoordinatorReport;
  evict(id: string, reason: string): boolean;
}

export class Admin {
  readonly #host: AdminHost;

  constructor(host: AdminHost) {
    this.#host = host;
  }

  /** Answers from now on. */
  start(): void {
    this.#host.core.serve('admin', (head, stream) => {
      this.#answer(head, stream).catch((error: unknown) => answerError(stream, error));
    });
  }

  async #answer(head: ExchangeHead, stream: FrameStream): Promise<void> {
    if (!Object.hasOwn(ADMIN_REQUESTS, head.name)) {
      throw new SwarmError('ERR_SWARM_NO_HANDLER', `The coordinator answers no question ${head.name}`);
    }
    const frame = await stream.read();
    const answer = await this.#do(head.name as AdminRequest, frame, head.from);
    await stream.writeBytes(encodeFrames(frameOf(answer)));
    stream.finish();
  }

  async #do(name: AdminRequest, frame: Parameters<typeof parsed>[1], from: string): Promise<unknown> {
    const { core, tasks } = this.#host;
    switch (name) {
      case 'stats':
        return this.#host.report();
      case 'cancel-task': {
        const { id, reason } = parsed(ADMIN_REQUESTS[name], frame, from);
        if (tasks.submitterOf(id) !== from) core.assertAllowed(from, 'administer', 'cancel tasks of others');
        return tasks.cancel(id, reason);
      }
      case 'task': {
        const { id } = parsed(ADMIN_REQUESTS[name], frame, from);
        const record = tasks.scheduler.get(id);
        if (record && record.spec.submitter !== from) core.assertAllowed(from, 'administer', 'look at tasks of others');
        return record ?? null;
      }
      case 'tasks': {
        core.assertAllowed(from, 'administer', 'look at tasks of others');
        const { state, limit } = parsed(ADMIN_REQUESTS[name], frame, from);
        return tasks.scheduler.tasks({ ...(state !== undefined && { state: state as TaskRecord['state'] }), limit });
      }
      case 'dead-letters':
        core.assertAllowed(from, 'administer', 'look at dead letters');
        return tasks.scheduler.deadLetters();
      case 'retry-task':
        core.assertAllowed(from, 'administer', 'retry dead letters');
        return tasks.retryDead(parsed(ADMIN_REQUESTS[name], frame, from).id);
      case 'evict': {
        core.assertAllowed(from, 'administer', 'evict agents');
        const { id, reason } = parsed(ADMIN_REQUESTS[name], frame, from);
        return this.#host.evict(id, reason);
      }
    }
  }
}
