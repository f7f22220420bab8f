import type { StoreEntry } from './store.js';
import type { StoreTable } from './table.js';
import { TableStore, type TableStoreOptions } from './table-store.js';

class MemoryTable implements StoreTable {
  readonly title = 'The store in memory';
  readonly broken = undefined;
  readonly #entries = new Map<string, StoreEntry>();
  #revision = 0;

  get revision(): number {
    return this.#revision;
  }

  get(key: string): StoreEntry | undefined {
    const entry = this.#entries.get(key);
    return entry && { ...entry, value: new Uint8Array(entry.value) };
  }

  revisionOf(key: string): number {
    return this.#entries.get(key)?.revision ?? 0;
  }

  list(prefix: string): StoreEntry[] {
    const found: StoreEntry[] = [];
    for (const entry of this.#entries.values()) {
      if (entry.key.startsWith(prefix)) found.push({ ...entry, value: new Uint8Array(entry.value) });
    }
    return found;
  }

  changedSince(prefix: string, revision: number): { key: string; revision: number }[] {
    const found: { key: string; revision: number }[] = [];
    for (const entry of this.#entries.values()) {
      if (entry.revision > revision && entry.key.startsWith(prefix)) {
        found.push({ key: entry.key, revision: entry.revision });
      }
    }
    return found;
  }

  // Nothing here fails, so there is nothing to take back.
  begin(): void {}

  put(key: string, value: Uint8Array, revision: number): void {
    this.#entries.set(key, { key, value, revision });
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  commit(revision: number): void {
    this.#revision = revision;
  }

  rollback(): void {}

  close(): void {
    this.#entries.clear();
  }
}

/** Options of {@link MemoryStore}. */
export type MemoryStoreOptions = TableStoreOptions;

/** A store that lives as long as its object: for tests, and for swarms whose coordinator may forget everything. */
export class MemoryStore extends TableStore {
  constructor(options: MemoryStoreOptions = {}) {
    super(new MemoryTable(), options);
  }
}
