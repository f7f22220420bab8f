import { EntryRing } from './entry-ring.js';
import { FIELD_OVERHEAD } from './field-line.js';
import type { FieldLine } from './field-line.js';

/** The dynamic table of a decoder (RFC 9204 section 3.2). Its entries are frozen, and are handed out as they are. */
export class DecoderTable {
  readonly maxCapacity: number;
  capacity = 0;
  #size = 0;
  readonly #entries = new EntryRing<FieldLine>();

  constructor(maxCapacity: number) {
    this.maxCapacity = maxCapacity;
  }

  /** Insert Count: entries inserted since the beginning. */
  get inserted(): number {
    return this.#entries.inserted;
  }

  /** The entry of an absolute index, unless it was evicted or is still to come. */
  get(index: number): FieldLine | undefined {
    return this.#entries.get(index);
  }

  /** Evicts what does not fit any more. Says false to more than was announced. */
  setCapacity(capacity: number): boolean {
    if (capacity > this.maxCapacity) return false;
    this.capacity = capacity;
    this.#evict(capacity);
    return true;
  }

  /** Inserts a new entry, evicting old ones. Says false to one that is larger than the table. */
  insert(name: string, value: string): boolean {
    const size = name.length + value.length + FIELD_OVERHEAD;
    if (size > this.capacity) return false;
    this.#evict(this.capacity - size);
    this.#entries.push(Object.freeze({ name, value }));
    this.#size += size;
    return true;
  }

  #evict(target: number): void {
    while (this.#size > target) {
      const line = this.#entries.shift();
      if (line === undefined) return;
      this.#size -= line.name.length + line.value.length + FIELD_OVERHEAD;
    }
  }
}
