/**
 * Where a coordinator keeps what it must not lose: a map of keys to bytes with revisions, written in atomic batches. The
 * shape is the one that distributed stores have (etcd, NATS JetStream), so that one of them can stand behind it later.
 */

/** Longest key and prefix, in bytes of UTF-8. */
export const MAX_STORE_KEY_BYTES = 1024;

/** Largest value, in bytes. */
export const MAX_STORE_VALUE_BYTES = 64 * 1024 * 1024;

/** Most keys whose changes wait for a watcher; one that falls further behind ends with `ERR_SWARM_STORE`. */
export const MAX_STORE_WATCH_KEYS = 10_000;

/** Most deletions that a store remembers for {@link StoreWatchOptions.afterRevision}. */
export const MAX_STORE_DELETIONS = 10_000;

/** One entry. */
export interface StoreEntry {
  /** Not empty, well-formed Unicode, at most {@link MAX_STORE_KEY_BYTES} bytes of UTF-8. */
  readonly key: string;
  /** At most {@link MAX_STORE_VALUE_BYTES} bytes; a copy, which the reader may change. */
  readonly value: Uint8Array;
  /** Revision of the store at which the entry was last written: grows with every batch, never repeats. */
  readonly revision: number;
}

/** One change within a batch; each key comes once at most. The value is copied before `write` returns. */
export interface StoreWrite {
  readonly key: string;
  /** New value; `undefined` deletes the entry. */
  readonly value: Uint8Array | undefined;
  /**
   * Condition (compare-and-set): the revision that the entry must have, 0 for "must not exist". One that does not hold
   * refuses the whole batch. Default: no condition.
   */
  readonly ifRevision?: number | undefined;
  /**
   * Lease that the entry lives by: it is deleted when the lease ends. Default: none, also for an entry that had one. Has
   * no meaning for a deletion.
   */
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

/**
 * Keeps entries alive for as long as it is renewed. It belongs to the store object that granted it: entries that still
 * live by a lease when a store is closed, or its process dies, are gone when the store is opened again.
 */
export interface StoreLease {
  readonly id: number;
  /**
   * Milliseconds that it lives at least after `grantLease` or the last `renew`. When they are over it still waits for the
   * input that the event loop has already got, so that a process that was held up does not end leases whose renewals lie
   * in its sockets.
   */
  readonly ttl: number;
  /** Costs nothing on the disk. Rejects with `ERR_SWARM_STORE` when it has ended already. */
  renew(): Promise<void>;
  /** Ends it now; resolves when its entries are deleted. Again: no error. */
  revoke(): Promise<void>;
}

/** Options of {@link SwarmStore.watch}. */
export interface StoreWatchOptions {
  /**
   * Begin with what happened after this revision. Default: now. A store remembers the last
   * {@link MAX_STORE_DELETIONS} deletions since it was opened; a revision from before those, or one that the store has
   * not come to, ends the watch with `ERR_SWARM_STORE`: list again.
   */
  readonly afterRevision?: number | undefined;
  /** Ends the watch without an error. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A place for what a coordinator must not lose. Every method may fail with `ERR_SWARM_STORE`: the store is closed, or its
 * disk failed (`cause`). Arguments that cannot be meant (keys, sizes, leases of another store) fail with
 * `ERR_SWARM_INVALID_OPTION`. Reads see what is committed at the time of the call, never a part of a batch.
 */
export interface SwarmStore {
  get(key: string): Promise<StoreEntry | undefined>;
  /** Entries whose keys begin with `prefix` (`''`: all), sorted by key (UTF-16 code units). */
  list(prefix: string): Promise<StoreEntry[]>;
  /**
   * Writes a batch atomically, and resolves when it is durable: a process that is killed right afterwards finds it again.
   * Batches take effect in the order of the calls; those that are given within one turn of the event loop may share one
   * commit, and still each of them stands or falls alone. Conditions are checked against the state just before the batch.
   * An empty batch writes nothing and resolves with the present revision.
   */
  write(batch: readonly StoreWrite[]): Promise<StoreResult>;
  /**
   * Changes to keys with this prefix, in the order of their revisions, until the signal, the end of the loop, or `close`
   * ends it. It begins with this call, not with the first read. A slow reader gets the newest state of each key: changes
   * that were overwritten meanwhile are left out. One that lets more than {@link MAX_STORE_WATCH_KEYS} keys wait gets
   * `ERR_SWARM_STORE`: list and watch again. All readers of one watch share its events. Failures, also those of the
   * arguments, come with the first read.
   */
  watch(prefix: string, options?: StoreWatchOptions): AsyncIterable<StoreEvent>;
  /** @param ttl milliseconds, 100 to 2^31-1 */
  grantLease(ttl: number): Promise<StoreLease>;
  /** Commits what was written, ends watches, and closes. Later calls fail with `ERR_SWARM_STORE`. Closing twice is no error. */
  close(): Promise<void>;
}
