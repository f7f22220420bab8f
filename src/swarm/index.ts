/** Swarms of agents over QUIC: who coordinates calls `initSwarm`, agents call `joinSwarm`. */

export { joinSwarm } from './agent/join-swarm.js';
export type { JoinSwarmOptions } from './agent/options.js';
export { SwarmAgent } from './agent/agent.js';
export type { AdminRequest } from './coordinator/admin.js';
export { initSwarm } from './coordinator/init-swarm.js';
export { TRANSPORTS, type InitSwarmOptions, type Transport } from './coordinator/options.js';
export { Swarm, type RegisterAgentOptions } from './coordinator/swarm.js';
export { SWARM_ERROR_CODES, SwarmError, type SwarmErrorCode, type SwarmErrorOptions } from './errors.js';
export type { MemberEvents } from './member-core.js';
export { SwarmMember, type BroadcastOptions, type ExchangeOptions } from './member.js';
export type { LeaveReason, MemberInfo } from './membership/view.js';
export { SwarmExchange } from './messaging/exchange.js';
export type { ExchangeContext, Handler, Handlers } from './messaging/handlers.js';
export type { DeliveryReport } from './messaging/multicast.js';
export type { TopicListener } from './messaging/subscriptions.js';
export type { TaskDetails } from './messaging/task-details.js';
export { SWARM_CHANNELS } from './observe.js';
export type { MemberOptions } from './options.js';
export type { SwarmIdentityOptions } from './security/identity.js';
export { DEFAULT_PERMISSIONS, type Permissions } from './security/permissions.js';
export { makeSecret } from './security/proof.js';
export { SharedState, type StateChange, type StateCondition, type StateEntry } from './state/shared-state.js';
export {
  MAX_STATE_BYTES,
  MAX_STATE_ENTRIES,
  MAX_STATE_KEY_BYTES,
  MAX_STATE_VALUE_BYTES,
} from './state/shared-map.js';
export type { AgentStats, AwaitedStats, CoordinatorStats, LinkStats, MessageStats, SwarmStats } from './stats.js';
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
export type { SwarmValue } from './wire/codec.js';
export { PERMISSIONS, type Permission } from './wire/control.js';
export { TaskHandle, type TaskEvent, type TaskHandleEvents } from './work/handle.js';
export type { SubmitOptions } from './work/options.js';
