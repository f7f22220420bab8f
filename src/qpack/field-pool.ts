import { FieldStore } from './field-store.js';

/** What a line of a store takes at least: a store that is small has room for so many before its arrays grow. */
const LEAST_LINES = 16;

/**
 * Stores that nobody uses at the moment. A store is either here or belongs to one section, so that no section can show lines of another.
 */
export class FieldPool {
  /** The first `#count` places; the rest is kept empty, since an array that shrinks and grows is made anew all the time. */
  readonly #stores: (FieldStore | undefined)[] = [];
  readonly #maxLines: number;
  #count = 0;
  #lines = 0;

  /** @param maxLines lines for which the stores here have room, together: 16 bytes each on 64-bit systems */
  constructor(maxLines: number) {
    this.#maxLines = maxLines;
  }

  /** Lines for which the stores here have room; a small store counts as one of 16. */
  get lines(): number {
    return this.#lines;
  }

  /** An empty store. Whoever has it gives it back, or leaves it to the garbage collector. */
  take(): FieldStore {
    const store = this.#count > 0 ? this.#stores[--this.#count] : undefined;
    if (store === undefined) return new FieldStore();
    this.#stores[this.#count] = undefined;
    this.#lines -= size(store);
    return store;
  }

  /** Takes a store back, emptied: strings that it held can go. One for which there is no room goes itself. */
  giveBack(store: FieldStore): void {
    store.clear();
    const lines = size(store);
    if (this.#lines + lines > this.#maxLines) return;
    this.#lines += lines;
    this.#stores[this.#count++] = store;
  }
}

function size(store: FieldStore): number {
  return Math.max(store.capacity, LEAST_LINES);
}

/**
 * Of all decoders of the process, whichever connection they belong to: at most 256 KiB, and a connection that is idle keeps none of it. It is enough
 * for a thousand sections at a time, 64 of the longest that HTTP/3 takes by default.
 */
export const fieldPool = new FieldPool(16_384);
