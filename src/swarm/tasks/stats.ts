import type { TaskCounts } from './book.js';
import type { LatencySummary } from './histogram.js';

/** Events since the scheduler was made; a restart begins at 0. */
export interface TaskCounters {
  /** Tasks that `submit` accepted. */
  readonly accepted: number;
  /** Unfinished tasks that came from the store. */
  readonly restored: number;
  /** Dead letters that were put back. */
  readonly revived: number;
  /** Tasks that ended, by how. accepted + restored + revived = these five + unfinished tasks. */
  readonly done: number;
  readonly failed: number;
  readonly dead: number;
  readonly cancelled: number;
  readonly expired: number;
  /** Attempts that were begun, those that were rejected among them. */
  readonly assignments: number;
  /** Attempts that an agent rejected. */
  readonly rejections: number;
  /** Attempts that failed, timed out or were lost with their agent, and were followed by another or may be. */
  readonly retries: number;
  /** Attempts that were interrupted. */
  readonly interruptions: number;
  /** Reports that came too late or twice, and were ignored. */
  readonly staleReports: number;
}

/** Tasks of one capability that are queued. */
export interface CapabilityQueue {
  readonly capability: string;
  readonly queued: number;
  /** Milliseconds since the submission of the oldest. */
  readonly oldestAge: number;
  /** Agents that could take them when they have room; 0: nobody has the capability. */
  readonly ableAgents: number;
}

/** What a scheduler is doing. */
export interface TaskStats {
  /** Tasks by state, as far as they are remembered. */
  readonly tasks: TaskCounts;
  /** Bytes of payload of unfinished tasks. */
  readonly payloadBytes: number;
  /** Submitters that wait for room. */
  readonly parked: number;
  /** Milliseconds since the submission of the oldest queued task; 0 when there is none. */
  readonly oldestAge: number;
  /** Capabilities of queued tasks. */
  readonly capabilities: readonly CapabilityQueue[];
  /** From being queued to being given to an agent, each time. */
  readonly queueWait: LatencySummary;
  /** From being given to an agent to the result, of attempts that succeeded. */
  readonly runTime: LatencySummary;
  /** From submission to the result. */
  readonly total: LatencySummary;
  readonly counters: TaskCounters;
}

/** What an agent is doing. */
export interface AgentLoad {
  readonly id: string;
  readonly incarnation: number;
  readonly capabilities: readonly string[];
  /** Tasks that it has. */
  readonly assigned: number;
  /** Tasks that it may have. */
  readonly concurrency: number;
  readonly isDraining: boolean;
  /** Set while it gets nothing because it has rejected a task. */
  readonly pausedUntil?: number;
  /** Attempts of this incarnation that succeeded. */
  readonly done: number;
  /** Attempts of this incarnation that failed or timed out. */
  readonly failed: number;
}
