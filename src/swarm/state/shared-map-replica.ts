import { SwarmError } from '../errors.js';
import {
  MAX_STATE_BYTES,
  MAX_STATE_ENTRIES,
  sharedEntryBytes,
  type SharedChange,
  type SharedDelta,
  type SharedEntry,
  type SharedSnapshot,
  type SharedUpdate,
} from './shared-map.js';

/** A change of the shared map, as listeners are told of it. */
export interface SharedMapEvent {
  readonly key: string;
  /** `undefined`: the entry was deleted. */
  readonly value: Uint8Array | undefined;
  /** Version of the change; for a deletion that came with a snapshot, the revision of that. */
  readonly version: number;
  /** Version of the entry before, 0 when there was none. */
  readonly previousVersion: number;
}

export type SharedMapListener = (event: SharedMapEvent) => void;

/**
 * What became of an update: `applied`; `ignored`, since the replica has all of it; or `gap`: something between has not
 * come, and the replica has to ask for what it misses ({@link SharedMap.since} with its revision and generation).
 */
export type SharedUpdateResult = 'applied' | 'ignored' | 'gap';

/** The shared map as an agent has it: complete up to some revision. Updates may come late, twice, or not at all. */
export class SharedMapReplica {
  readonly #keyListeners = new Map<string, Set<SharedMapListener>>();
  readonly #prefixListeners = new Set<{ readonly prefix: string; readonly listener: SharedMapListener }>();
  #entries = new Map<string, SharedEntry>();
  #generation = -1;
  #revision = 0;
  #bytes = 0;

  /** Generation of the coordinator's map; -1 before the first snapshot. */
  get generation(): number {
    return this.#generation;
  }

  /** What this replica has come to. */
  get revision(): number {
    return this.#revision;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): SharedEntry | undefined {
    return this.#entries.get(key);
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** In no particular order. */
  entries(): IterableIterator<SharedEntry> {
    return this.#entries.values();
  }

  /**
   * Takes an update from the coordinator, all of it, and then tells the listeners. A listener that throws keeps nobody
   * else from being told; what it threw is thrown when all have been (several: as an AggregateError).
   *
   * @throws SwarmError `ERR_SWARM_PROTOCOL` when the update contradicts itself or is larger than a shared map may be;
   * nothing has changed then
   */
  apply(update: SharedUpdate): SharedUpdateResult {
    if (update.generation < this.#generation) return 'ignored';
    return update.kind === 'snapshot' ? this.#applySnapshot(update) : this.#applyDelta(update);
  }

  /** Calls back for each change of one key, until the function that it returns is called. */
  onKey(key: string, listener: SharedMapListener): () => void {
    const listeners = this.#keyListeners.get(key) ?? new Set();
    this.#keyListeners.set(key, listeners);
    // A wrapper of its own, so that a listener that is given twice is told twice and removed once.
    const own: SharedMapListener = (event) => listener(event);
    listeners.add(own);
    return () => {
      listeners.delete(own);
      if (listeners.size === 0 && this.#keyListeners.get(key) === listeners) this.#keyListeners.delete(key);
    };
  }

  /** Calls back for each change of a key that begins with `prefix` (`''`: of any), until the returned function is called. */
  onPrefix(prefix: string, listener: SharedMapListener): () => void {
    const own = { prefix, listener };
    this.#prefixListeners.add(own);
    return () => void this.#prefixListeners.delete(own);
  }

  #applySnapshot({ generation, revision, entries: list }: SharedSnapshot): SharedUpdateResult {
    if (generation === this.#generation && revision <= this.#revision) return 'ignored';
    const entries = new Map(list.map((entry) => [entry.key, entry]));
    if (entries.size !== list.length) throw contradiction('a snapshot has a key twice');
    let bytes = 0;
    for (const { key, value, version } of list) {
      if (version < 1 || version > revision) throw contradiction(`version ${version} in a snapshot of ${revision}`);
      bytes += sharedEntryBytes(key, value);
    }
    checkSize(entries.size, bytes);

    const before = this.#entries;
    const sameGeneration = generation === this.#generation;
    this.#entries = entries;
    this.#generation = generation;
    this.#revision = revision;
    this.#bytes = bytes;
    const events: SharedMapEvent[] = [];
    for (const [key, old] of before) {
      if (!entries.has(key)) events.push({ key, value: undefined, version: revision, previousVersion: old.version });
    }
    for (const { key, value, version } of list) {
      const old = before.get(key);
      const same = old?.version === version && (sameGeneration || Buffer.compare(old.value, value) === 0);
      if (!same) events.push({ key, value, version, previousVersion: old?.version ?? 0 });
    }
    this.#tell(events);
    return 'applied';
  }

  #applyDelta({ generation, from, to, changes }: SharedDelta): SharedUpdateResult {
    if (generation !== this.#generation || from > this.#revision) return 'gap';
    if (to <= this.#revision) return 'ignored';
    const news = this.#newsOf(changes, from, to);
    const events = news.map(({ key, value, version }): SharedMapEvent => {
      const previousVersion = this.#entries.get(key)?.version ?? 0;
      if (value === undefined) this.#entries.delete(key);
      else this.#entries.set(key, { key, value, version });
      return { key, value, version, previousVersion };
    });
    this.#revision = to;
    // The deletion of what this replica never had is no change to it.
    this.#tell(events.filter(({ value, previousVersion }) => value !== undefined || previousVersion !== 0));
    return 'applied';
  }

  /** The changes of a delta that this replica does not have, after a look at all of them. */
  #newsOf(changes: readonly SharedChange[], from: number, to: number): SharedChange[] {
    let [last, size, bytes] = [from, this.#entries.size, this.#bytes];
    const keys = new Set<string>();
    const news: SharedChange[] = [];
    for (const change of changes) {
      const { key, value, version } = change;
      if (version <= last || version > to) throw contradiction(`version ${version} after ${last} in a delta to ${to}`);
      if (keys.has(key)) throw contradiction('a delta has a key twice');
      last = version;
      keys.add(key);
      if (version <= this.#revision) continue;
      news.push(change);
      const old = this.#entries.get(key);
      size += (value ? 1 : 0) - (old ? 1 : 0);
      bytes += (value ? sharedEntryBytes(key, value) : 0) - (old ? sharedEntryBytes(key, old.value) : 0);
    }
    checkSize(size, bytes);
    this.#bytes = bytes;
    return news;
  }

  #tell(events: readonly SharedMapEvent[]): void {
    const errors: unknown[] = [];
    const call = (listener: SharedMapListener, event: SharedMapEvent): void => {
      try {
        listener(event);
      } catch (error) {
        errors.push(error);
      }
    };
    for (const event of events) {
      for (const listener of [...(this.#keyListeners.get(event.key) ?? [])]) call(listener, event);
      for (const { prefix, listener } of [...this.#prefixListeners]) {
        if (event.key.startsWith(prefix)) call(listener, event);
      }
    }
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, 'Several listeners of the shared map failed.');
  }
}

function checkSize(entries: number, bytes: number): void {
  if (entries <= MAX_STATE_ENTRIES && bytes <= MAX_STATE_BYTES) return;
  throw contradiction(`${entries} entries of ${bytes} bytes; ${MAX_STATE_ENTRIES} of ${MAX_STATE_BYTES} are allowed`);
}

function contradiction(what: string): SwarmError {
  return new SwarmError('ERR_SWARM_PROTOCOL', `The coordinator's update of the shared map is wrong: ${what}.`);
}
