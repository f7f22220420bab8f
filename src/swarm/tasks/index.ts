/** Tasks of a swarm: which agent does what, and what happens when it doesn't. Pure: no clock, no sockets, no store. */

export type { RequeueReason, RevokeReason, SchedulerAction } from './actions.js';
export type { SubmitResult } from './admission.js';
export type { TaskAgent, TaskAgentChange } from './agent-options.js';
export type { TaskCounts } from './book.js';
export type { LatencySummary } from './histogram.js';
export type { SchedulerLimits } from './limits.js';
export type { AgentLeftReason, TaskFailure, TaskFilter, TaskSchedulerOptions } from './options.js';
export { TaskScheduler } from './scheduler.js';
export type { AgentLoad, CapabilityQueue, TaskCounters, TaskStats } from './stats.js';
export {
  type AttemptOutcome,
  type FinishedTaskState,
  type KeptTaskSpec,
  type TaskAttempt,
  type TaskBackoff,
  type TaskRecord,
  type TaskSpec,
  type TaskState,
  isFinished,
  needsPayload,
} from './task.js';
