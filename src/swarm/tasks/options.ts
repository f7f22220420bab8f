import type { SchedulerLimits } from './limits.js';
import type { TaskState } from './task.js';

/** How a scheduler is made. */
export interface TaskSchedulerOptions {
  /** Milliseconds since 1970. Here and everywhere: whole or not, and never going back within one process. */
  readonly now: number;
  /** 0 to 1, for the jitter of back-offs. */
  readonly random: () => number;
  readonly limits?: Partial<SchedulerLimits> | undefined;
}

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
