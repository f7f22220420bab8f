import { EntryRing } from './entry-ring.js';
import { FIELD_OVERHEAD } from './field-line.js';
import { NO_ENTRY, NameTable } from './name-table.js';
import type { NameRecord } from './name-table.js';

/** An entry of the encoder's dynamic table. */
export interface EncoderEntry {
  readonly record: NameRecord;
  readonly value: string;
  readonly size: number;
  /** Bytes that had been inserted before it, in all: how far it has moved towards eviction. */
  readonly offset: number;
  /** The entry with the same name and value that came before, or {@link NO_ENTRY}. It may have been evicted. */
  readonly sameBefore: number;
  /** The entry with the same name that came before, or {@link NO_ENTRY}. It may have been evicted. */
  readonly nameBefore: number;
  /** Unacknowledged sections whose oldest reference is this entry. */
  references: number;
  /** Whether it was referenced, or duplicated, after its insertion. */
  used: boolean;
}

/**
 * The dynamic table of an encoder. What it evicts must be evictable (RFC 9204 section 2.1.1): acknowledged, and not
 * referenced by an unacknowledged section. Eviction goes by age, so a section protects all that it references if it protects
 * the oldest of it: one counter for each section, not one for each reference.
 */
export class EncoderTable {
  capacity = 0;
  /** Insertions that the remote's decoder has acknowledged (Known Received Count). */
  acknowledged = 0;
  readonly names = new NameTable();
  #size = 0;
  #offset = 0;
  readonly #entries = new EntryRing<EncoderEntry>();

  get inserted(): number {
    return this.#entries.inserted;
  }

  /** Bytes of the entries that the remote has not acknowledged. */
  get unacknowledgedBytes(): number {
    return this.#offset - (this.#entries.get(this.acknowledged)?.offset ?? this.#offset);
  }

  get(index: number): EncoderEntry | undefined {
    return this.#entries.get(index);
  }

  /** The newest entry with this name and value among those before the absolute index `limit`, or {@link NO_ENTRY}. */
  find(record: NameRecord, value: string, limit: number): number {
    let index = record.values.get(value) ?? NO_ENTRY;
    while (index >= limit) index = this.#entries.get(index)?.sameBefore ?? NO_ENTRY;
    return index >= this.#entries.dropped ? index : NO_ENTRY;
  }

  /** The newest entry with this name among those before the absolute index `limit`, or {@link NO_ENTRY}. */
  findName(record: NameRecord, limit: number): number {
    let index = record.latest;
    while (index >= limit) index = this.#entries.get(index)?.nameBefore ?? NO_ENTRY;
    return index >= this.#entries.dropped ? index : NO_ENTRY;
  }

  /** Bytes that may still be inserted before this entry is evicted. */
  distance(entry: EncoderEntry): number {
    return this.capacity - (this.#offset - entry.offset);
  }

  /** Whether an entry of this size can be inserted if everything from the absolute index `pinned` on has to stay. */
  hasRoom(size: number, pinned: number): boolean {
    if (size > this.capacity) return false;
    let free = this.capacity - this.#size;
    const evictable = Math.min(pinned, this.acknowledged);
    for (let index = this.#entries.dropped; free < size; index++) {
      if (index >= evictable) return false;
      const entry = this.#entries.get(index);
      if (entry === undefined || entry.references > 0) return false;
      free += entry.size;
    }
    return true;
  }

  /** Inserts an entry for which there is room, and says its absolute index. */
  insert(record: NameRecord, value: string): number {
    const size = record.name.length + value.length + FIELD_OVERHEAD;
    while (this.#size + size > this.capacity) this.#evict();
    const index = this.#entries.inserted;
    this.#entries.push({
      record,
      value,
      size,
      offset: this.#offset,
      sameBefore: record.values.get(value) ?? NO_ENTRY,
      nameBefore: record.latest,
      references: 0,
      used: false,
    });
    this.#size += size;
    this.#offset += size;
    record.values.set(value, index);
    record.latest = index;
    record.entries++;
    return index;
  }

  #evict(): void {
    const index = this.#entries.dropped;
    const entry = this.#entries.shift();
    if (entry === undefined) throw new RangeError('nothing to evict'); // a fault of this package
    const { record, value } = entry;
    this.#size -= entry.size;
    record.entries--;
    if (record.values.get(value) === index) record.values.delete(value);
    if (record.latest === index) record.latest = NO_ENTRY;
    if (!entry.used) record.wasted++;
  }
}
