/** Options of tasks. */

import { randomUUID } from 'node:crypto';
import { SwarmError } from '../errors.js';
import { frameOf } from '../messaging/values.js';
import type { TaskBackoff } from '../tasks/index.js';
import type { Frame } from '../wire/frames.js';
import { checkName } from '../wire/head.js';
import { taskRequest, type TaskRequest } from './messages.js';

/** What `submit` takes. Times in milliseconds. */
export interface SubmitOptions {
  /** What the agent must be able to do, and the name of the handler that does it. */
  readonly capability: string;
  /** What the handler gets. Default: `undefined`. */
  readonly payload?: unknown;
  /** Time from now after which the task is not worth doing any more. Default: none; up to a year. */
  readonly deadline?: number | undefined;
  /** Higher goes first. Default 0; whole numbers from -100 to 100. */
  readonly priority?: number | undefined;
  /** Names the task among those of this member: submitted again, it is not done again. Default: none; 1 to 256 characters. */
  readonly idempotencyKey?: string | undefined;
  /** Failures (of handlers, agents that died, `attemptTimeout`) after which it is a dead letter. Default 3; from 1 to 100. */
  readonly maxAttempts?: number | undefined;
  /** Pauses between attempts. Default 200 ms, doubling, 30 s at most, half of it by chance. */
  readonly backoff?: Partial<TaskBackoff> | undefined;
  /** Longest time of one attempt. Default: none; up to a year. */
  readonly attemptTimeout?: number | undefined;
  /** Id of the only agent that may do it. Default: any. */
  readonly agent?: string | undefined;
  /** Whether to wait for room when the queue is full; else `submit` fails with `ERR_SWARM_QUEUE_FULL`. Default true. */
  readonly wait?: boolean | undefined;
  /** Gives up waiting to be accepted, and cancels the task afterwards. */
  readonly signal?: AbortSignal | undefined;
}

/** The request and the payload. @throws SwarmError `ERR_SWARM_INVALID_OPTION`, `ERR_SWARM_VALUE` */
export function requestOf(options: SubmitOptions): { readonly request: TaskRequest; readonly payload: Frame } {
  const { capability, payload, deadline, priority, idempotencyKey, maxAttempts, backoff, attemptTimeout } = options;
  checkName('capability', capability);
  const given = {
    id: randomUUID(),
    deadline,
    priority,
    idempotencyKey,
    maxAttempts,
    backoff,
    attemptTimeout,
    requires: options.agent,
    wait: options.wait ?? true,
  };
  const result = taskRequest.safeParse(given);
  if (result.success) return { request: result.data, payload: frameOf(payload) };
  const [issue] = result.error.issues;
  throw new SwarmError(
    'ERR_SWARM_INVALID_OPTION',
    `The option ${issue?.path.join('.') ?? ''} of the task is wrong: ${issue?.message ?? ''}`,
  );
}
