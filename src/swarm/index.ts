/** Swarms of agents over QUIC. */

export { SWARM_ERROR_CODES, SwarmError, type SwarmErrorCode, type SwarmErrorOptions } from './errors.js';
export type {
  StoreConflict,
  StoreEntry,
  StoreEvent,
  StoreLease,
  StoreResult,
  StoreWatchOptions,
  StoreWrite,
  SwarmStore,
} from './store/store.js';
