import { EntryRing } from './entry-ring.js';
import { FIELD_OVERHEAD } from './field-line.js';
import { NO_ENTRY, NameTable } from './name-table.js';
import type { NameRecord } from './name-table.js';

/** An entry of the encoder's dynamic table. */
export interface EncoderEntry {
  record: NameRecord;
  value: string;
  size: number;
  /** Bytes that had been inserted before it, in all: how far it has moved towards eviction. */
  offset: number;
  /** The entry with the same name and value that came before, or {@link NO_ENTRY}. It may have been evicted. */
  sameBefore: number;
  /** The entry with the same name that came before, or {@link NO_ENTRY}. It may have been evicted. */
  nameBefore: number;
  /** Unacknowledged sections whose oldest reference is this entry. */
  references: number;
  /** Whether it was referenced, or duplicated, after its insertion. */
  used: boolean;
}

/** So many entries of one name are looked through one after the other; more get a Map, which has to be paid for with each entry. */
const FEW = 16;

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
  /** The entry that was evicted last, to be used again: nobody has it any more. */
  #spare: EncoderEntry | undefined;

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
    const { values } = record;
    if (values === undefined) return this.#findAmongFew(record, value, limit);
    let index = values.get(value) ?? NO_ENTRY;
    while (index >= limit) index = this.#entries.get(index)?.sameBefore ?? NO_ENTRY;
    return index >= this.#entries.dropped ? index : NO_ENTRY;
  }

  #findAmongFew(record: NameRecord, value: string, limit: number): number {
    let index = record.latest;
    for (let entry = this.#entries.get(index); entry !== undefined; entry = this.#entries.get(index)) {
      if (index < limit && entry.value === value) return index;
      index = entry.nameBefore;
    }
    return NO_ENTRY;
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
    const sameBefore = this.find(record, value, index);
    this.#entries.push(this.#make(record, value, size, sameBefore));
    this.#size += size;
    this.#offset += size;
    record.values?.set(value, index);
    record.latest = index;
    record.entries++;
    if (record.entries > FEW && record.values === undefined) this.#listValues(record);
    return index;
  }

  #make(record: NameRecord, value: string, size: number, sameBefore: number): EncoderEntry {
    const entry = this.#spare;
    const offset = this.#offset;
    const nameBefore = record.latest;
    if (entry === undefined) {
      return { record, value, size, offset, sameBefore, nameBefore, references: 0, used: false };
    }
    this.#spare = undefined;
    entry.record = record;
    entry.value = value;
    entry.size = size;
    entry.offset = offset;
    entry.sameBefore = sameBefore;
    entry.nameBefore = nameBefore;
    entry.references = 0;
    entry.used = false;
    return entry;
  }

  #listValues(record: NameRecord): void {
    record.values = new Map();
    for (let index = this.#entries.dropped; index < this.#entries.inserted; index++) {
      const entry = this.#entries.get(index);
      if (entry?.record === record) record.values.set(entry.value, index);
    }
  }

  #evict(): void {
    const index = this.#entries.dropped;
    const entry = this.#entries.shift();
    if (entry === undefined) throw new RangeError('nothing to evict'); // a fault of this package
    const { record, value } = entry;
    this.#size -= entry.size;
    record.entries--;
    if (record.values?.get(value) === index) record.values.delete(value);
    if (record.entries === 0) record.values = undefined;
    if (record.latest === index) record.latest = NO_ENTRY;
    if (!entry.used) record.wasted++;
    this.#spare = entry;
  }
}
