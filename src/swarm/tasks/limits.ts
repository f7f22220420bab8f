import { SwarmError } from '../errors.js';

/** What a {@link TaskScheduler} keeps, and for how long. Times in milliseconds. */
export interface SchedulerLimits {
  /**
   * Accepted tasks that may wait for an agent or for their back-off to end; then `submit` says `'full'`. Tasks that come
   * back from an agent are never refused. Default: 10,000; 1 to 1,000,000.
   */
  readonly maxQueued: number;
  /** Bytes of payload of all unfinished tasks together. Default: 256 MiB; 1 to 2^40. */
  readonly maxPayloadBytes: number;
  /** Submitters that may stand in line for room. Default: 1000; 0 to 1,000,000. */
  readonly maxParked: number;
  /** Time that a finished task is remembered, with its result. Default: 10 minutes; 0 to a year. */
  readonly retention: number;
  /** Finished tasks that are remembered, dead letters not among them; the oldest go first. Default: 10,000; 1 to 1,000,000. */
  readonly maxFinished: number;
  /** Time that a dead letter is kept, with its payload. Default: 7 days; 0 to a year. */
  readonly deadRetention: number;
  /** Dead letters that are kept; the oldest go first. Default: 10,000; 1 to 1,000,000. */
  readonly maxDead: number;
  /** Attempts that a record shows, the latest. Default: 20; 1 to 1000. */
  readonly attemptsKept: number;
  /**
   * Times that a task may be interrupted by what does not count as a failure (its agent left in order, the coordinator
   * started again) before it is taken for poison and becomes a dead letter. Default: 20; 1 to 1000.
   */
  readonly maxInterruptions: number;
  /**
   * Time for which a task waits for another able agent than the one on which its last attempt failed, rather than go back
   * to that one. Default: 2000; 0 (never waits) to an hour.
   */
  readonly avoidWindow: number;
  /** Pause of an agent that has rejected a task; doubles with each further rejection in a row. Default: 100; 1 to an hour. */
  readonly rejectionPause: number;
  /** Longest such pause. Default: 5000; 1 to an hour. */
  readonly maxRejectionPause: number;
}

const hour = 3_600_000;
const day = 24 * hour;
const year = 366 * day;

/** `[default, smallest, largest]` of each limit. */
const ranges: { readonly [Name in keyof SchedulerLimits]: readonly [number, number, number] } = {
  maxQueued: [10_000, 1, 1_000_000],
  maxPayloadBytes: [256 * 2 ** 20, 1, 2 ** 40],
  maxParked: [1000, 0, 1_000_000],
  retention: [10 * 60_000, 0, year],
  maxFinished: [10_000, 1, 1_000_000],
  deadRetention: [7 * day, 0, year],
  maxDead: [10_000, 1, 1_000_000],
  attemptsKept: [20, 1, 1000],
  maxInterruptions: [20, 1, 1000],
  avoidWindow: [2000, 0, hour],
  rejectionPause: [100, 1, hour],
  maxRejectionPause: [5000, 1, hour],
};

/** Throws `ERR_SWARM_INVALID_OPTION` unless `value` is a number from `least` to `most`, whole where `whole` says so. */
export function checkNumber(name: string, value: unknown, least: number, most: number, whole = true): number {
  if (typeof value !== 'number' || !(value >= least && value <= most) || (whole && !Number.isInteger(value))) {
    const kind = whole ? 'a whole number' : 'a number';
    throw new SwarmError('ERR_SWARM_INVALID_OPTION', `${name} must be ${kind} from ${least} to ${most}`);
  }
  return value;
}

/** Limits with their defaults; throws `ERR_SWARM_INVALID_OPTION` for one that is unknown or out of range. */
export function checkLimits(given: Partial<SchedulerLimits>): SchedulerLimits {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(ranges, name)) {
      const known = Object.keys(ranges).join(', ');
      throw new SwarmError('ERR_SWARM_INVALID_OPTION', `there is no limit ${name} of tasks; there are ${known}`);
    }
  }
  const entries = Object.entries(ranges).map(([name, [usual, least, most]]) => {
    const value = given[name as keyof SchedulerLimits];
    return [name, value === undefined ? usual : checkNumber(name, value, least, most)] as const;
  });
  return Object.fromEntries(entries) as unknown as SchedulerLimits;
}
