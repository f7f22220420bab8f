import { systemClock } from '../../quic/udp/system-clock.js';
import type { Clock } from '../../quic/types/udp.js';
import { SwarmError } from '../errors.js';
import { checkKey, checkPrefix, checkRevision, checkTtl, checkedBatch } from './checks.js';
import { Lease } from './lease.js';
import {
  MAX_STORE_DELETIONS,
  type StoreConflict,
  type StoreEntry,
  type StoreEvent,
  type StoreLease,
  type StoreResult,
  type StoreWatchOptions,
  type StoreWrite,
  type SwarmStore,
} from './store.js';
import type { StoreTable } from './table.js';
import { Watch } from './watch.js';

/** How long after a failure (a full disk) the entries of an ended lease are deleted again. */
const LEASE_RETRY_MS = 1000;

/** A batch that waits for the end of the turn. */
interface Job {
  /** `Lease`: the deletion of all its entries, whatever they are when its turn comes. */
  readonly work: readonly StoreWrite[] | Lease;
  resolve(result: StoreResult): void;
  reject(error: unknown): void;
}

interface Outcome {
  readonly job: Job;
  readonly writes: readonly StoreWrite[];
  readonly result: StoreResult;
}

/** Options that every embedded store has. */
export interface TableStoreOptions {
  /** Time for leases. Default: this machine's. */
  readonly clock?: Clock | undefined;
}

/**
 * Everything of a store but where its entries lie: order, group commit, conditions, leases and watches, over a table that
 * is read and written at once.
 */
export abstract class TableStore implements SwarmStore {
  readonly #table: StoreTable;
  readonly #clock: Clock;
  readonly #watches = new Set<Watch>();
  readonly #leases = new Set<Lease>();
  readonly #leaseOf = new Map<string, Lease>();
  /** Keys that were deleted, with the revision of that, oldest first. */
  readonly #deletions = new Map<string, number>();
  /** Deletions up to this revision are not remembered. */
  #forgotten: number;
  #queue: Job[] = [];
  #lastLeaseId = 0;
  #closed = false;

  protected constructor(table: StoreTable, options: TableStoreOptions) {
    this.#table = table;
    this.#clock = options.clock ?? systemClock;
    this.#forgotten = table.revision;
  }

  async get(key: string): Promise<StoreEntry | undefined> {
    checkKey(key);
    this.#checkUsable();
    return this.#table.get(key);
  }

  async list(prefix: string): Promise<StoreEntry[]> {
    checkPrefix(prefix);
    this.#checkUsable();
    return this.#table.list(prefix).sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  async write(batch: readonly StoreWrite[]): Promise<StoreResult> {
    const writes = checkedBatch(batch);
    this.#checkUsable();
    for (const { key, lease } of writes) if (lease !== undefined) this.#checkLease(key, lease);
    return await this.#enqueue(writes);
  }

  watch(prefix: string, options: StoreWatchOptions = {}): AsyncIterable<StoreEvent> {
    const watch = new Watch(
      prefix,
      (key) => this.#table.get(key),
      (ended) => {
        this.#watches.delete(ended);
        options.signal?.removeEventListener('abort', abort);
      },
    );
    const abort = (): void => watch.end();
    try {
      checkPrefix(prefix);
      this.#checkUsable();
      if (options.afterRevision !== undefined) this.#replay(watch, options.afterRevision);
      this.#watches.add(watch);
      options.signal?.addEventListener('abort', abort, { once: true });
      if (options.signal?.aborted === true) abort();
    } catch (error) {
      watch.end(error);
    }
    return watch;
  }

  async grantLease(ttl: number): Promise<StoreLease> {
    checkTtl(ttl);
    this.#checkUsable();
    this.#lastLeaseId += 1;
    const lease = new Lease(this.#lastLeaseId, ttl, this.#clock, (ended) => this.#endLease(ended));
    this.#leases.add(lease);
    return lease;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#drain();
    this.#closed = true;
    for (const lease of this.#leases) lease.stop(`Lease ${lease.id} ended: its store was closed.`);
    this.#leases.clear();
    for (const watch of this.#watches) watch.end();
    this.#table.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #checkUsable(): void {
    if (this.#closed) throw new SwarmError('ERR_SWARM_STORE', `${this.#table.title} is closed.`);
    if (this.#table.broken) throw this.#table.broken;
  }

  #checkLease(key: string, lease: StoreLease): void {
    if (!(lease instanceof Lease) || (!this.#leases.has(lease) && !lease.ended)) {
      throw new SwarmError(
        'ERR_SWARM_INVALID_OPTION',
        `${this.#table.title} has not granted the lease of ${JSON.stringify(key)}.`,
      );
    }
    if (lease.ended) throw lease.ended;
  }

  #enqueue(work: Job['work']): Promise<StoreResult> {
    return new Promise((resolve, reject) => {
      if (this.#queue.length === 0) this.#clock.soon(() => this.#drain());
      this.#queue.push({ work, resolve, reject });
    });
  }

  /** Commits all that waits: batches in one transaction, the ends of leases in one of their own each. */
  #drain(): void {
    if (this.#closed) return;
    const jobs = this.#queue;
    this.#queue = [];
    let group: Job[] = [];
    for (const job of jobs) {
      if (job.work instanceof Lease) {
        this.#commit(group);
        this.#commit([job]);
        group = [];
      } else {
        group.push(job);
      }
    }
    this.#commit(group);
  }

  #commit(jobs: readonly Job[]): void {
    if (jobs.length === 0) return;
    const table = this.#table;
    if (table.broken) {
      for (const job of jobs) job.reject(table.broken);
      return;
    }
    let outcomes: Outcome[];
    try {
      table.begin();
      let revision = table.revision;
      outcomes = jobs.map((job) => {
        const outcome = this.#apply(job, revision);
        if (outcome.result.ok) revision = outcome.result.revision;
        return outcome;
      });
      table.commit(revision);
    } catch (error) {
      table.rollback();
      // Alone, the others may well have room.
      if (jobs.length > 1 && !table.broken) for (const job of jobs) this.#commit([job]);
      else for (const job of jobs) job.reject(error);
      if (table.broken) for (const watch of this.#watches) watch.end(table.broken);
      return;
    }
    for (const { writes, result } of outcomes) if (result.ok) this.#tell(writes, result.revision);
    for (const watch of this.#watches) watch.flush();
    for (const { job, result } of outcomes) job.resolve(result);
  }

  /** Writes one batch into the transaction, unless one of its conditions does not hold. */
  #apply(job: Job, revision: number): Outcome {
    const table = this.#table;
    const writes: readonly StoreWrite[] =
      job.work instanceof Lease ? Array.from(job.work.keys, (key) => ({ key, value: undefined })) : job.work;
    const conflicts: StoreConflict[] = [];
    for (const { key, ifRevision } of writes) {
      if (ifRevision !== undefined && table.revisionOf(key) !== ifRevision) {
        conflicts.push({ key, entry: table.get(key) });
      }
    }
    if (conflicts.length > 0) return { job, writes, result: { ok: false, conflicts } };
    const next = writes.length === 0 ? revision : revision + 1;
    // What is deleted twice is no news for watchers.
    const changes = writes.filter(({ key, value }) => value !== undefined || table.revisionOf(key) !== 0);
    for (const { key, value, lease } of changes) {
      if (value === undefined) table.delete(key);
      else table.put(key, value, next, lease !== undefined);
    }
    return { job, writes: changes, result: { ok: true, revision: next } };
  }

  /** What follows from a committed batch. */
  #tell(writes: readonly StoreWrite[], revision: number): void {
    for (const { key, value, lease } of writes) {
      this.#leaseOf.get(key)?.keys.delete(key);
      this.#leaseOf.delete(key);
      if (lease instanceof Lease && value !== undefined) {
        lease.keys.add(key);
        this.#leaseOf.set(key, lease);
      }
      this.#deletions.delete(key);
      if (value === undefined) this.#rememberDeletion(key, revision);
      for (const watch of this.#watches) if (key.startsWith(watch.prefix)) watch.note(key, revision);
    }
  }

  #rememberDeletion(key: string, revision: number): void {
    this.#deletions.set(key, revision);
    if (this.#deletions.size <= MAX_STORE_DELETIONS) return;
    for (const [oldest, forgotten] of this.#deletions) {
      this.#deletions.delete(oldest);
      this.#forgotten = forgotten;
      return;
    }
  }

  #replay(watch: Watch, after: number): void {
    checkRevision(after, 'afterRevision');
    const table = this.#table;
    if (after > table.revision) {
      throw new SwarmError(
        'ERR_SWARM_STORE',
        `${table.title} has come to revision ${table.revision}, and cannot be watched from ${after}: it is another store, or an older copy.`,
      );
    }
    if (after < this.#forgotten) {
      throw new SwarmError(
        'ERR_SWARM_STORE',
        `${table.title} remembers what was deleted after revision ${this.#forgotten}, not after ${after}: list and watch again.`,
      );
    }
    const changes = table.changedSince(watch.prefix, after);
    for (const [key, revision] of this.#deletions) {
      if (revision > after && key.startsWith(watch.prefix)) changes.push({ key, revision });
    }
    changes.sort((a, b) => a.revision - b.revision);
    for (const { key, revision } of changes) watch.note(key, revision);
  }

  async #endLease(lease: Lease): Promise<void> {
    try {
      if (!this.#closed) await this.#enqueue(lease);
      this.#leases.delete(lease);
    } catch (error) {
      if (!this.#table.broken) {
        this.#clock.setTimer(LEASE_RETRY_MS, () => void this.#endLease(lease).catch(() => undefined)).unref();
      }
      throw error;
    }
  }
}
