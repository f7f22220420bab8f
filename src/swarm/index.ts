/** Swarms of agents over QUIC. */

export { SWARM_ERROR_CODES, SwarmError, type SwarmErrorCode, type SwarmErrorOptions } from './errors.js';
export { MemoryStore, type MemoryStoreOptions } from './store/memory-store.js';
export type { SqliteDriverName } from './store/sqlite-driver.js';
export { SqliteStore, type SqliteStoreOptions } from './store/sqlite-store.js';
export {
  MAX_STORE_DELETIONS,
  MAX_STORE_KEY_BYTES,
  MAX_STORE_VALUE_BYTES,
  MAX_STORE_WATCH_KEYS,
  type StoreConflict,
  type StoreEntry,
  type StoreEvent,
  type StoreLease,
  type StoreResult,
  type StoreWatchOptions,
  type StoreWrite,
  type SwarmStore,
} from './store/store.js';
export type {
  AgentLoad,
  AttemptOutcome,
  CapabilityQueue,
  FinishedTaskState,
  KeptTaskSpec,
  LatencySummary,
  SchedulerLimits,
  TaskAttempt,
  TaskBackoff,
  TaskCounters,
  TaskCounts,
  TaskFilter,
  TaskRecord,
  TaskState,
  TaskStats,
} from './tasks/index.js';
export { DEFAULT_FAN_OUT, MAX_FAN_OUT, MIN_FAN_OUT, TOPOLOGIES, type Topology } from './topology/topology.js';
