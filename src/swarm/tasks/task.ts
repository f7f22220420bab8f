import { SwarmError, type SwarmErrorCode } from '../errors.js';
import { checkNumber } from './limits.js';

/** Pauses between the attempts of a task: `initial * factor^(failures - 1)`, at most `max`, less a random part. */
export interface TaskBackoff {
  /** Milliseconds after the first failure. Default: 200; 0 to a day. */
  readonly initial: number;
  /** Growth with each failure. Default: 2; 1 to 100. */
  readonly factor: number;
  /** Longest pause in milliseconds. Default: 30,000; 0 to a day. */
  readonly max: number;
  /** Largest part of the pause that chance takes away, so that tasks which failed together do not return together. Default: 0.5; 0 to 1. */
  readonly jitter: number;
}

/** What is asked for. Times in milliseconds. */
export interface TaskSpec {
  /** What an agent must be able to do: 1 to 256 characters, anything but `*`. */
  readonly capability: string;
  /** Opaque here. Neither copied nor changed. */
  readonly payload: Uint8Array;
  /** Id of the member that submits: 1 to 256 characters. */
  readonly submitter: string;
  /** Time from submission after which the task is not worth doing any more. Default: none; 1 to a year. */
  readonly deadline?: number | undefined;
  /** Higher goes first. Default: 0; whole numbers from -100 to 100. */
  readonly priority?: number | undefined;
  /** Names the task among those of its submitter, so that it can be submitted again without being done twice. 1 to 256 characters. */
  readonly idempotencyKey?: string | undefined;
  /** Failures after which the task becomes a dead letter. Default: 3; 1 to 100. */
  readonly maxAttempts?: number | undefined;
  readonly backoff?: Partial<TaskBackoff> | undefined;
  /** Longest time of one attempt, whether it reports progress or not. Default: none; 1 to a year. */
  readonly attemptTimeout?: number | undefined;
  /** Id of the only agent that may do it. It must have the capability too; until it is there, the task waits. Default: any. */
  readonly requires?: string | undefined;
}

/** A {@link TaskSpec} with its defaults filled in and its payload left out. */
export interface KeptTaskSpec {
  readonly capability: string;
  readonly payloadSize: number;
  readonly submitter: string;
  readonly deadline?: number;
  readonly priority: number;
  readonly idempotencyKey?: string;
  readonly maxAttempts: number;
  readonly backoff: TaskBackoff;
  readonly attemptTimeout?: number;
  readonly requires?: string;
}

/**
 * Where a task stands: `queued` for an agent, `waiting` for its back-off to end, `assigned` to an agent; or finished:
 * `done`, `failed` (its handler said that trying again is useless), `dead` (failed too often: a dead letter), `cancelled`,
 * `expired` (its deadline passed).
 */
export type TaskState = 'queued' | 'waiting' | 'assigned' | FinishedTaskState;

/** States that a task does not leave by itself. */
export type FinishedTaskState = 'done' | 'failed' | 'dead' | 'cancelled' | 'expired';

/**
 * How an attempt ended. `failed`, `timeout` (the task's `attemptTimeout`) and `lost` (the agent died, or was replaced by a new
 * incarnation of itself) count against `maxAttempts`. `left` (the agent went away in order, or was evicted) and
 * `coordinator-restarted` count as interruptions.
 */
export type AttemptOutcome =
  | 'done'
  | 'failed'
  | 'timeout'
  | 'lost'
  | 'left'
  | 'coordinator-restarted'
  | 'cancelled'
  | 'expired';

/** One time that a task was given to an agent. */
export interface TaskAttempt {
  /** Number within the task, from 1. Numbers of attempts that the agent rejected are missing. */
  readonly attempt: number;
  readonly agent: string;
  readonly incarnation: number;
  /** Milliseconds since 1970, as all times in records. */
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly outcome?: AttemptOutcome;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Everything that must survive a coordinator: plain data, fit for CBOR and JSON. No field is ever `undefined`. */
export interface TaskRecord {
  readonly version: 1;
  readonly id: string;
  /** Place in the order of submission; kept over attempts, so that a task which comes back is ahead of later ones. */
  readonly sequence: number;
  readonly spec: KeptTaskSpec;
  readonly state: TaskState;
  /** Number of the latest attempt; 0 before the first. */
  readonly attempt: number;
  /** Attempts that count against `maxAttempts`. */
  readonly failures: number;
  /** Attempts that ended early and do not count. */
  readonly interruptions: number;
  /** The latest ones. */
  readonly attempts: readonly TaskAttempt[];
  readonly createdAt: number;
  readonly deadlineAt?: number;
  /** `waiting`: when the back-off ends. */
  readonly readyAt?: number;
  readonly endedAt?: number;
  /** `done`: bytes of the result. */
  readonly resultSize?: number;
  /** Finished, but not `done`: why. */
  readonly error?: { readonly code: SwarmErrorCode; readonly message: string };
}

/** Whether a task in this state does not go on by itself any more. */
export function isFinished(state: TaskState): state is FinishedTaskState {
  return state !== 'queued' && state !== 'waiting' && state !== 'assigned';
}

/** Whether the payload of a task in this state may still be asked for: it isn't finished, or a dead letter that can be revived. */
export function needsPayload(state: TaskState): boolean {
  return state === 'dead' || !isFinished(state);
}

const day = 86_400_000;
const year = 366 * day;

/** Throws `ERR_SWARM_INVALID_OPTION` unless `value` is a string of 1 to 256 UTF-16 code units. */
export function checkName(name: string, value: unknown): string {
  if (typeof value !== 'string' || value === '' || value.length > 256) {
    throw new SwarmError('ERR_SWARM_INVALID_OPTION', `${name} must be a string of 1 to 256 characters`);
  }
  return value;
}

/** What is kept of a spec; throws `ERR_SWARM_INVALID_OPTION` when something in it is out of range. */
export function checkSpec(spec: TaskSpec): KeptTaskSpec {
  const { payload, deadline, idempotencyKey, backoff = {}, attemptTimeout, requires } = spec;
  const capability = checkName('capability', spec.capability);
  if (capability === '*') {
    throw new SwarmError(
      'ERR_SWARM_INVALID_OPTION',
      'a task must name one capability; * is for agents that have them all',
    );
  }
  if (!(payload instanceof Uint8Array)) {
    throw new SwarmError('ERR_SWARM_INVALID_OPTION', 'payload must be a Uint8Array');
  }
  return {
    capability,
    payloadSize: payload.length,
    submitter: checkName('submitter', spec.submitter),
    ...(deadline !== undefined && { deadline: checkNumber('deadline', deadline, 1, year, false) }),
    priority: checkNumber('priority', spec.priority ?? 0, -100, 100),
    ...(idempotencyKey !== undefined && { idempotencyKey: checkName('idempotencyKey', idempotencyKey) }),
    maxAttempts: checkNumber('maxAttempts', spec.maxAttempts ?? 3, 1, 100),
    backoff: {
      initial: checkNumber('backoff.initial', backoff.initial ?? 200, 0, day, false),
      factor: checkNumber('backoff.factor', backoff.factor ?? 2, 1, 100, false),
      max: checkNumber('backoff.max', backoff.max ?? 30_000, 0, day, false),
      jitter: checkNumber('backoff.jitter', backoff.jitter ?? 0.5, 0, 1, false),
    },
    ...(attemptTimeout !== undefined && {
      attemptTimeout: checkNumber('attemptTimeout', attemptTimeout, 1, year, false),
    }),
    ...(requires !== undefined && { requires: checkName('requires', requires) }),
  };
}

/** Milliseconds until the next attempt of a task that has failed `failures` times; `random` from 0 to 1. */
export function backoffDelay(backoff: TaskBackoff, failures: number, random: number): number {
  const full = Math.min(backoff.max, backoff.initial * backoff.factor ** (failures - 1));
  return full * (1 - backoff.jitter * random);
}
