import type { EncoderTable } from './encoder-table.js';

/** A field section with references to the dynamic table whose acknowledgment is outstanding. */
interface Section {
  readonly requiredInsertCount: number;
  /** The absolute index of the oldest entry that it references. */
  readonly oldest: number;
  next: Section | undefined;
}

interface Stream {
  first: Section;
  last: Section;
}

/**
 * The field sections that the remote's decoder has not acknowledged. They say which entries cannot be evicted, and which
 * streams could be blocked at the remote (RFC 9204 sections 2.1.1 and 2.1.2).
 */
export class Unacknowledged {
  readonly #table: EncoderTable;
  readonly #streams = new Map<number, Stream>();
  /** Streams with a section that needs entries which are not acknowledged. */
  readonly #atRisk = new Set<number>();
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
    const section: Section = { requiredInsertCount, oldest, next: undefined };
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      this.#streams.set(streamId, { first: section, last: section });
    } else {
      stream.last.next = section;
      stream.last = section;
    }
    if (requiredInsertCount > this.#table.acknowledged) this.#atRisk.add(streamId);
    this.#protect(section, 1);
  }

  /** Section Acknowledgment: of the oldest section on the stream. False: there is none. */
  acknowledge(streamId: number): boolean {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return false;
    const { first } = stream;
    this.#protect(first, -1);
    if (first.next === undefined) {
      this.#streams.delete(streamId);
      this.#atRisk.delete(streamId);
    } else {
      stream.first = first.next;
    }
    if (first.requiredInsertCount > this.#table.acknowledged) this.received(first.requiredInsertCount);
    return true;
  }

  /** Stream Cancellation: nothing of the stream is outstanding any more. */
  cancel(streamId: number): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    for (let section: Section | undefined = stream.first; section !== undefined; section = section.next) {
      this.#protect(section, -1);
    }
    this.#streams.delete(streamId);
    this.#atRisk.delete(streamId);
  }

  /** The remote has so many insertions. */
  received(insertCount: number): void {
    this.#table.acknowledged = insertCount;
    for (const streamId of this.#atRisk) {
      let section = this.#streams.get(streamId)?.first;
      while (section !== undefined && section.requiredInsertCount <= insertCount) section = section.next;
      if (section === undefined) this.#atRisk.delete(streamId);
    }
  }

  #protect(section: Section, change: 1 | -1): void {
    const entry = this.#table.get(section.oldest);
    if (entry === undefined) throw new RangeError(`entry ${section.oldest} was evicted`); // a fault of this package
    entry.references += change;
    this.sections += change;
  }
}
