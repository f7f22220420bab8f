import { EntryRing } from './entry-ring.js';
import { FIELD_OVERHEAD } from './field-line.js';

/** The dynamic table of a decoder (RFC 9204 section 3.2). An entry is a name and a value, and no object. */
export class DecoderTable {
  readonly maxCapacity: number;
  capacity = 0;
  #size = 0;
  readonly #names = new EntryRing<string>();
  readonly #values = new EntryRing<string>();

  constructor(maxCapacity: number) {
    this.maxCapacity = maxCapacity;
  }

  /** Insert Count: entries inserted since the beginning. */
  get inserted(): number {
    return this.#names.inserted;
  }

  /** The name of the entry of an absolute index, unless it was evicted or is still to come. */
  name(index: number): string | undefined {
    return this.#names.get(index);
  }

  /** The value of the entry of an absolute index, unless it was evicted or is still to come. */
  value(index: number): string | undefined {
    return this.#values.get(index);
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
    this.#names.push(name);
    this.#values.push(value);
    this.#size += size;
    return true;
  }

  #evict(target: number): void {
    while (this.#size > target) {
      const name = this.#names.shift();
      const value = this.#values.shift();
      if (name === undefined || value === undefined) return;
      this.#size -= name.length + value.length + FIELD_OVERHEAD;
    }
  }
}
