/**
 * The key-value map that all agents of a swarm share, as its coordinator holds it. Pure: no clock, no network. Values are
 * encoded CBOR, which nobody looks into here; they are kept as they are given and must not be changed afterwards.
 */

import { SwarmError } from '../errors.js';

/** Longest key, in bytes of UTF-8. */
export const MAX_STATE_KEY_BYTES = 256;
/** Largest value, in bytes of its encoding. */
export const MAX_STATE_VALUE_BYTES = 65_536;
/** Most entries. */
export const MAX_STATE_ENTRIES = 10_000;
/** Most bytes of all keys and values together. */
export const MAX_STATE_BYTES = 16 * 1024 * 1024;
/** Changes that the coordinator remembers: a replica that is further behind gets everything anew. */
export const STATE_LOG_CHANGES = 10_000;

/** One entry. */
export interface SharedEntry {
  readonly key: string;
  readonly value: Uint8Array;
  /** Revision of the map at which it was last written, from 1. */
  readonly version: number;
}

/** One change: as an entry, or `value` undefined for a deletion. */
export interface SharedChange {
  readonly key: string;
  readonly value: Uint8Array | undefined;
  readonly version: number;
}

/** Everything there is. */
export interface SharedSnapshot {
  readonly kind: 'snapshot';
  readonly generation: number;
  readonly revision: number;
  readonly entries: readonly SharedEntry[];
}

/**
 * What happened after the revision `from`, up to `to`: the newest change of each key, in the order of their versions. It
 * fits every replica whose revision lies between the two.
 */
export interface SharedDelta {
  readonly kind: 'delta';
  readonly generation: number;
  readonly from: number;
  readonly to: number;
  readonly changes: readonly SharedChange[];
}

export type SharedUpdate = SharedSnapshot | SharedDelta;

/** Condition of a change. */
export interface SharedCondition {
  /** Version that the entry must have, 0 for "must not exist". Default: no condition. */
  readonly ifVersion?: number | undefined;
}

/** What became of a change; refused: `version` is what is there now, 0 for nothing. */
export type SharedResult = { readonly ok: boolean; readonly version: number };

/** Options of {@link SharedMap}; each limit may be set lower than its default, which is the most that replicas accept. */
export interface SharedMapOptions {
  /**
   * Grows each time a coordinator starts, so that replicas of one that has forgotten something do not take its revisions
   * for those they know. Whole number from 0. Default: 0.
   */
  readonly generation?: number | undefined;
  /** Default and most: {@link MAX_STATE_ENTRIES}. */
  readonly maxEntries?: number | undefined;
  /** Default and most: {@link MAX_STATE_BYTES}. */
  readonly maxBytes?: number | undefined;
  /** Default and most: {@link MAX_STATE_VALUE_BYTES}. */
  readonly maxValueBytes?: number | undefined;
  /** Changes that are remembered at least. Default and most: {@link STATE_LOG_CHANGES}. */
  readonly logChanges?: number | undefined;
}

/** Bytes that an entry counts for. */
export function sharedEntryBytes(key: string, value: Uint8Array): number {
  return Buffer.byteLength(key) + value.length;
}

/** The map itself, on the coordinator: each change has a version, and replicas are told what they miss. */
export class SharedMap {
  readonly generation: number;
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  readonly #maxValueBytes: number;
  readonly #logChanges: number;
  readonly #entries = new Map<string, SharedEntry>();
  /** Keys that were changed: the last one at the present revision, the one before at the revision before, and so on. */
  #log: string[] = [];
  #revision = 0;
  #bytes = 0;

  /** @throws SwarmError `ERR_SWARM_INVALID_OPTION` */
  constructor(options: SharedMapOptions = {}) {
    this.generation = inRange('generation', options.generation ?? 0, 0, Number.MAX_SAFE_INTEGER);
    this.#maxEntries = inRange('maxEntries', options.maxEntries ?? MAX_STATE_ENTRIES, 1, MAX_STATE_ENTRIES);
    this.#maxBytes = inRange('maxBytes', options.maxBytes ?? MAX_STATE_BYTES, 1, MAX_STATE_BYTES);
    const valueBytes = options.maxValueBytes ?? MAX_STATE_VALUE_BYTES;
    this.#maxValueBytes = inRange('maxValueBytes', valueBytes, 1, MAX_STATE_VALUE_BYTES);
    this.#logChanges = inRange('logChanges', options.logChanges ?? STATE_LOG_CHANGES, 1, STATE_LOG_CHANGES);
  }

  /**
   * The map as it was saved, with its revision, which must be the highest that any replica was told.
   *
   * @throws SwarmError `ERR_SWARM_STATE_LIMIT`, `ERR_SWARM_INVALID_OPTION`: it does not fit the options, or a version is
   * not between 1 and the revision
   */
  static restore(revision: number, entries: Iterable<SharedEntry>, options: SharedMapOptions = {}): SharedMap {
    const map = new SharedMap(options);
    map.#revision = inRange('revision', revision, 0, Number.MAX_SAFE_INTEGER);
    for (const { key, value, version } of entries) {
      map.#checkRoom(key, value);
      inRange(`version of ${JSON.stringify(key)}`, version, 1, revision);
      map.#put({ key, value, version });
    }
    return map;
  }

  /** Grows by one with each change. */
  get revision(): number {
    return this.#revision;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Bytes of all keys and values. */
  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): SharedEntry | undefined {
    return this.#entries.get(key);
  }

  /** In no particular order. */
  entries(): IterableIterator<SharedEntry> {
    return this.#entries.values();
  }

  /**
   * Writes an entry, also one that is the same as before. `version` of the result is its new one.
   *
   * @throws SwarmError `ERR_SWARM_STATE_LIMIT` when there is no room, `ERR_SWARM_INVALID_OPTION` for what is no key or
   * condition; nothing has changed then
   */
  set(key: string, value: Uint8Array, condition: SharedCondition = {}): SharedResult {
    const present = this.#versionOf(key, condition);
    if (condition.ifVersion !== undefined && present !== condition.ifVersion) return { ok: false, version: present };
    this.#checkRoom(key, value);
    this.#record(key);
    this.#put({ key, value, version: this.#revision });
    return { ok: true, version: this.#revision };
  }

  /**
   * Deletes an entry. `version` of the result is the revision of the deletion; 0 when there was nothing to delete, which
   * changes nothing.
   *
   * @throws SwarmError `ERR_SWARM_INVALID_OPTION` for what is no key or condition
   */
  delete(key: string, condition: SharedCondition = {}): SharedResult {
    const present = this.#versionOf(key, condition);
    if (condition.ifVersion !== undefined && present !== condition.ifVersion) return { ok: false, version: present };
    const entry = this.#entries.get(key);
    if (!entry) return { ok: true, version: 0 };
    this.#record(key);
    this.#entries.delete(key);
    this.#bytes -= sharedEntryBytes(key, entry.value);
    return { ok: true, version: this.#revision };
  }

  /**
   * What a replica misses: a delta, or a snapshot when it is too far behind, or has its revision from another generation.
   *
   * @param revision that of the replica
   * @param generation that of the replica. Default: this one
   */
  since(revision: number, generation = this.generation): SharedUpdate {
    const behind = this.#revision - revision;
    if (generation !== this.generation || !(behind >= 0 && behind <= this.#log.length)) return this.snapshot();
    const changes: SharedChange[] = [];
    const seen = new Set<string>();
    // Backwards, so that the newest change of each key is met first.
    for (let back = 0; back < behind; back += 1) {
      const key = this.#log[this.#log.length - 1 - back] as string;
      if (seen.has(key)) continue;
      seen.add(key);
      changes.push({ key, value: this.#entries.get(key)?.value, version: this.#revision - back });
    }
    changes.reverse();
    return { kind: 'delta', generation: this.generation, from: revision, to: this.#revision, changes };
  }

  snapshot(): SharedSnapshot {
    const entries = [...this.#entries.values()];
    return { kind: 'snapshot', generation: this.generation, revision: this.#revision, entries };
  }

  #versionOf(key: string, { ifVersion }: SharedCondition): number {
    checkKey(key);
    if (ifVersion !== undefined) inRange('ifVersion', ifVersion, 0, Number.MAX_SAFE_INTEGER);
    return this.#entries.get(key)?.version ?? 0;
  }

  #record(key: string): void {
    this.#revision += 1;
    this.#log.push(key);
    if (this.#log.length >= 2 * this.#logChanges) this.#log = this.#log.slice(-this.#logChanges);
  }

  #put(entry: SharedEntry): void {
    const before = this.#entries.get(entry.key);
    if (before) this.#bytes -= sharedEntryBytes(before.key, before.value);
    this.#entries.set(entry.key, entry);
    this.#bytes += sharedEntryBytes(entry.key, entry.value);
  }

  #checkRoom(key: string, value: Uint8Array): void {
    checkKey(key);
    const name = JSON.stringify(key);
    if (value.length > this.#maxValueBytes) {
      throw full(`The value of ${name} has ${value.length} bytes; the shared map takes ${this.#maxValueBytes}.`);
    }
    const before = this.#entries.get(key);
    if (!before && this.#entries.size >= this.#maxEntries) {
      throw full(`There is no room for ${name}: the shared map holds ${this.#maxEntries} entries, which is its limit.`);
    }
    const freed = before ? sharedEntryBytes(key, before.value) : 0;
    const bytes = this.#bytes - freed + sharedEntryBytes(key, value);
    if (bytes > this.#maxBytes) {
      throw full(
        `There is no room for ${name}: the shared map would have ${bytes} bytes; ${this.#maxBytes} are allowed.`,
      );
    }
  }
}

function full(message: string): SwarmError {
  return new SwarmError('ERR_SWARM_STATE_LIMIT', message);
}

function inRange(name: string, value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new SwarmError(
    'ERR_SWARM_INVALID_OPTION',
    `${name} of the shared map is a whole number from ${least} to ${most}, not ${String(value)}.`,
  );
}

function checkKey(key: unknown): asserts key is string {
  if (typeof key !== 'string' || key === '' || /\p{Surrogate}/u.test(key)) {
    throw new SwarmError('ERR_SWARM_INVALID_OPTION', 'A key of the shared map is well-formed text, and not empty.');
  }
  const bytes = Buffer.byteLength(key);
  if (bytes > MAX_STATE_KEY_BYTES) {
    throw full(`A key of the shared map has ${MAX_STATE_KEY_BYTES} bytes at most; ${bytes} are too many.`);
  }
}
