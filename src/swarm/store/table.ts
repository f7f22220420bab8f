import type { SwarmError } from '../errors.js';
import type { StoreEntry } from './store.js';

/**
 * What a backend does for {@link TableStore}: entries in memory or in a file, read and written at once. It trusts its
 * caller, and fails with `ERR_SWARM_STORE`.
 */
export interface StoreTable {
  /** For messages: 'The store FILE'. */
  readonly title: string;
  /** Revision of the last batch that was committed; 0 when there was none. */
  readonly revision: number;
  /** Set once a transaction failed in a way after which nobody knows what is on the disk: nothing more is written. */
  readonly broken: SwarmError | undefined;
  get(key: string): StoreEntry | undefined;
  /** Revision of an entry, 0 when there is none. Does not read the value. */
  revisionOf(key: string): number;
  /** In any order. */
  list(prefix: string): StoreEntry[];
  /** Keys of the entries that were written after a revision, in any order. */
  changedSince(prefix: string, revision: number): { readonly key: string; readonly revision: number }[];
  /** From here to `commit` or `rollback` nothing else happens; reads see what has been written. */
  begin(): void;
  put(key: string, value: Uint8Array, revision: number, leased: boolean): void;
  delete(key: string): void;
  /** Makes the transaction durable, and `revision` that of the table. */
  commit(revision: number): void;
  /** Takes the transaction back. Never fails. */
  rollback(): void;
  close(): void;
}
