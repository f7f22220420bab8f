import type { FieldLine } from './field-line.js';
import type { NameRecord } from './name-table.js';

/** Choices for a field line that are no absolute index of the dynamic table. Static entry `n` is `STATIC_BASE - n`. */
export const LITERAL = -1;
export const NEVER_INDEXED = -2;
export const STATIC_BASE = -3;

const NO_LINE: FieldLine = Object.freeze({ name: '', value: '' });

/** How the field lines of one section are going to be represented. One object is used for all sections of an encoder. */
export class SectionPlan {
  count = 0;
  /** The oldest dynamic entry that the section references: it and all newer ones have to stay. */
  oldest = 0;
  /** Required Insert Count. */
  required = 0;
  // Arrays of small integers: numbers out of a Float64Array would become objects on their way through functions.
  readonly #lines: FieldLine[] = [];
  readonly #records: (NameRecord | undefined)[] = [];
  readonly #choices: number[] = [];
  readonly #codedLengths: number[] = [];

  /** @param beyond more than the absolute index of any entry that the section can reference */
  begin(beyond: number): void {
    this.oldest = beyond;
  }

  add(line: FieldLine, record: NameRecord, choice: number, codedLength: number): void {
    const position = this.count++;
    this.#lines[position] = line;
    this.#records[position] = record;
    this.#choices[position] = choice;
    this.#codedLengths[position] = codedLength;
  }

  line(position: number): FieldLine {
    return this.#lines[position] as FieldLine;
  }

  record(position: number): NameRecord {
    return this.#records[position] as NameRecord;
  }

  choice(position: number): number {
    return this.#choices[position] as number;
  }

  /** Bytes of the value in Huffman code, where the choice is a literal. */
  codedLength(position: number): number {
    return this.#codedLengths[position] as number;
  }

  choose(position: number, choice: number): void {
    this.#choices[position] = choice;
  }

  setCodedLength(position: number, codedLength: number): void {
    this.#codedLengths[position] = codedLength;
  }

  /** Notes a reference to a dynamic entry. */
  reference(index: number): void {
    if (index < this.oldest) this.oldest = index;
    if (index >= this.required) this.required = index + 1;
  }

  /** Forgets the section, and lets go of its strings. */
  clear(): void {
    this.#lines.fill(NO_LINE, 0, this.count);
    this.#records.fill(undefined, 0, this.count);
    this.count = 0;
    this.oldest = 0;
    this.required = 0;
  }
}
