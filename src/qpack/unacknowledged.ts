import { StreamIndex } from '../wire/index.js';
import type { EncoderTable } from './encoder-table.js';

/** A field section with references to the dynamic table whose acknowledgment is outstanding. */
interface Section {
  requiredInsertCount: number;
  /** The absolute index of the oldest entry that it references. */
  oldest: number;
  /** The next one on the same stream; of a spare section, the next spare one. */
  next: Section | undefined;
}

/** Sections that are kept to be used again. */
const MAX_SPARE = 256;

/**
 * The field sections that the remote's decoder has not acknowledged. They say which entries cannot be evicted, and which
 * streams could be blocked at the remote (RFC 9204 sections 2.1.1 and 2.1.2).
 */
export class Unacknowledged {
  readonly #table: EncoderTable;
  /** The oldest section of each stream. */
  readonly #streams = new StreamIndex<Section>();
  /** Streams with a section that needs entries which are not acknowledged. */
  readonly #atRisk = new StreamIndex<number>();
  #spare: Section | undefined;
  #spares = 0;
  sections = 0;

  constructor(table: EncoderTable) {
    this.#table = table;
  }

  /** Streams that may be blocked at the remote. */
  get streamsAtRisk(): number {
    return this.#atRisk.size;
  }

  isAtRisk(streamId: number): boolean {
    return this.#atRisk.has(streamId);
  }

  add(streamId: number, requiredInsertCount: number, oldest: number): void {
    const section = this.#make(requiredInsertCount, oldest);
    const first = this.#streams.get(streamId);
    if (first === undefined) this.#streams.set(streamId, section);
    else {
      let last = first;
      while (last.next !== undefined) last = last.next;
      last.next = section;
    }
    if (requiredInsertCount > this.#table.acknowledged) this.#atRisk.set(streamId, streamId);
    this.#protect(section, 1);
  }

  /** Section Acknowledgment: of the oldest section on the stream. False: there is none. */
  acknowledge(streamId: number): boolean {
    const first = this.#streams.get(streamId);
    if (first === undefined) return false;
    const { requiredInsertCount, next } = first;
    this.#release(first);
    if (next === undefined) {
      this.#streams.delete(streamId);
      this.#atRisk.delete(streamId);
    } else {
      this.#streams.set(streamId, next);
    }
    if (requiredInsertCount > this.#table.acknowledged) this.received(requiredInsertCount);
    return true;
  }

  /** Stream Cancellation: nothing of the stream is outstanding any more. */
  cancel(streamId: number): void {
    let section = this.#streams.get(streamId);
    if (section === undefined) return;
    this.#streams.delete(streamId);
    this.#atRisk.delete(streamId);
    while (section !== undefined) {
      const { next }: Section = section;
      this.#release(section);
      section = next;
    }
  }

  /** The remote has so many insertions. */
  received(insertCount: number): void {
    this.#table.acknowledged = insertCount;
    if (this.#atRisk.size === 0) return;
    for (const streamId of this.#atRisk.values()) {
      let section = this.#streams.get(streamId);
      while (section !== undefined && section.requiredInsertCount <= insertCount) section = section.next;
      if (section === undefined) this.#atRisk.delete(streamId);
    }
  }

  #make(requiredInsertCount: number, oldest: number): Section {
    const section = this.#spare;
    if (section === undefined) return { requiredInsertCount, oldest, next: undefined };
    this.#spare = section.next;
    this.#spares--;
    section.requiredInsertCount = requiredInsertCount;
    section.oldest = oldest;
    section.next = undefined;
    return section;
  }

  #release(section: Section): void {
    this.#protect(section, -1);
    section.next = undefined;
    if (this.#spares >= MAX_SPARE) return;
    section.next = this.#spare;
    this.#spare = section;
    this.#spares++;
  }

  #protect(section: Section, change: 1 | -1): void {
    const entry = this.#table.get(section.oldest);
    if (entry === undefined) throw new RangeError(`entry ${section.oldest} was evicted`); // a fault of this package
    entry.references += change;
    this.sections += change;
  }
}
