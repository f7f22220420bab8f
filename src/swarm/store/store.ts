/**
 * Where a coordinator keeps what it must not lose: a map of keys to bytes with revisions, written in atomic batches. The
 * shape is the one that distributed stores have (etcd, NATS JetStream), so that one of them can stand behind it later.
 */

/** One entry. */
export interface StoreEntry {
  readonly key: string;
  readonly value: Uint8Array;
  /** Revision of the store at which the entry was last written: grows with every batch, never repeats. */
  readonly revision: number;
}

/** One change within a batch. */
export interface StoreWrite {
  readonly key: string;
  /** New value; `undefined` deletes the entry. */
  readonly value: Uint8Array | undefined;
  /**
   * Condition (compare-and-set): the revision that the entry must have, 0 for "must not exist". One that does not hold
   * refuses the whole batch. Default: no condition.
   */
  readonly ifRevision?: number | undefined;
  /** Lease that the entry lives by: it is deleted when the lease ends. Default: none. */
  readonly lease?: StoreLease | undefined;
}

/** What became of a batch: all of it was written, or nothing. */
export type StoreResult =
  | { readonly ok: true /** Revision of the batch. */; readonly revision: number }
  | {
      readonly ok: false /** Keys whose conditions did not hold, with what is there now. */;
      readonly conflicts: readonly StoreConflict[];
    };

/** A condition that did not hold. */
export interface StoreConflict {
  readonly key: string;
  /** What is there now; `undefined` when nothing is. */
  readonly entry: StoreEntry | undefined;
}

/** A change, as watchers see it. */
export interface StoreEvent {
  readonly key: string;
  /** `undefined`: the entry was deleted, by a write or because its lease ended. */
  readonly value: Uint8Array | undefined;
  readonly revision: number;
}

/** Keeps entries alive for as long as it is renewed. */
export interface StoreLease {
  readonly id: number;
  /** Milliseconds that it lives after `grantLease` or the last `renew`. */
  readonly ttl: number;
  /** Rejects with `ERR_SWARM_STORE` when it has ended already. */
  renew(): Promise<void>;
  /** Ends it now, with its entries. */
  revoke(): Promise<void>;
}

/** Options of {@link SwarmStore.watch}. */
export interface StoreWatchOptions {
  /** Begin with what happened after this revision, as far as the store remembers it. Default: now. */
  readonly afterRevision?: number | undefined;
  /** Ends the watch without an error. */
  readonly signal?: AbortSignal | undefined;
}

/** A place for what a coordinator must not lose. Every method may fail with `ERR_SWARM_STORE`. */
export interface SwarmStore {
  get(key: string): Promise<StoreEntry | undefined>;
  /** Entries whose keys begin with `prefix`, sorted by key (UTF-16 code units). */
  list(prefix: string): Promise<StoreEntry[]>;
  /**
   * Writes a batch atomically, and resolves when it is durable: a process that is killed right afterwards finds it again.
   * Batches take effect in the order of the calls; those that are given within one turn of the event loop may share one commit.
   */
  write(batch: readonly StoreWrite[]): Promise<StoreResult>;
  /** Changes to keys with this prefix, in the order of their revisions, until the signal or `close` ends it. */
  watch(prefix: string, options?: StoreWatchOptions): AsyncIterable<StoreEvent>;
  /** @param ttl milliseconds, 100 to 2^31-1 */
  grantLease(ttl: number): Promise<StoreLease>;
  /** Waits for what was written, and closes. Later calls fail with `ERR_SWARM_STORE`. Closing twice is no error. */
  close(): Promise<void>;
}
