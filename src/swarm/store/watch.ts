import { SwarmError } from '../errors.js';
import { MAX_STORE_WATCH_KEYS, type StoreEntry, type StoreEvent } from './store.js';

interface Waiter {
  resolve(result: IteratorResult<StoreEvent, undefined>): void;
  reject(error: unknown): void;
}

/**
 * The changes that one watcher has not read yet. Only keys and revisions wait; the value is read when its turn comes, so
 * that a slow watcher costs a key's length and no value, and sees the newest state of each key.
 */
export class Watch implements AsyncIterableIterator<StoreEvent, undefined> {
  readonly prefix: string;
  readonly #read: (key: string) => StoreEntry | undefined;
  readonly #removed: (watch: Watch) => void;
  readonly #pending = new Map<string, number>();
  readonly #waiters: Waiter[] = [];
  #over: { readonly error?: unknown } | undefined;

  constructor(prefix: string, read: (key: string) => StoreEntry | undefined, removed: (watch: Watch) => void) {
    this.prefix = prefix;
    this.#read = read;
    this.#removed = removed;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<StoreEvent, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.flush();
    });
  }

  async return(): Promise<IteratorResult<StoreEvent, undefined>> {
    this.end();
    return { done: true, value: undefined };
  }

  /** Takes a change down; `flush` tells it, when the whole transaction has been taken down. */
  note(key: string, revision: number): void {
    if (this.#over) return;
    // Deleted first, so that a key moves to the end: revisions come in order.
    this.#pending.delete(key);
    this.#pending.set(key, revision);
    if (this.#pending.size <= MAX_STORE_WATCH_KEYS) return;
    this.end(
      new SwarmError(
        'ERR_SWARM_STORE',
        `The watcher of ${JSON.stringify(this.prefix)} fell more than ${MAX_STORE_WATCH_KEYS} keys behind: list and watch again.`,
      ),
    );
  }

  /** Hands over what is there to those who wait for it. */
  flush(): void {
    while (this.#waiters.length > 0) {
      if (this.#over) {
        this.#tellEnd();
        continue;
      }
      const first = this.#pending.entries().next();
      if (first.done) return;
      const [key, revision] = first.value;
      this.#pending.delete(key);
      try {
        const entry = this.#read(key);
        const event = { key, value: entry?.value, revision: entry?.revision ?? revision };
        this.#waiters.shift()?.resolve({ done: false, value: event });
      } catch (error) {
        this.end(error);
      }
    }
  }

  /** Ends it; what it has not told is forgotten. An error is thrown once, by the next read. */
  end(error?: unknown): void {
    if (this.#over) return;
    this.#over = { error };
    this.#pending.clear();
    this.#removed(this);
    this.flush();
  }

  #tellEnd(): void {
    const error = this.#over?.error;
    const waiter = this.#waiters.shift();
    if (error === undefined) {
      waiter?.resolve({ done: true, value: undefined });
      return;
    }
    this.#over = {};
    waiter?.reject(error);
  }
}
