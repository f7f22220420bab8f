import type { DecoderTable } from './decoder-table.js';
import { QpackError } from './errors.js';
import { FIELD_OVERHEAD } from './field-line.js';
import type { FieldLine } from './field-line.js';
import type { FieldStore } from './field-store.js';
import { MAX_CODE_LENGTH } from './huffman-code.js';
import { OVERLONG, PrefixReader } from './prefix-reader.js';
import { STATIC_TABLE } from './static-table.js';

/** Limits on what one field section may become. */
export interface SectionLimits {
  readonly maxFieldSectionSize: number;
  readonly maxFields: number;
}

function fail(message: string): never {
  throw new QpackError('ERR_QPACK_DECOMPRESSION_FAILED', `field section: ${message}`);
}

/** Reads encoded field sections (RFC 9204 section 4.5). One object serves any number of them, one after the other. */
export class SectionReader {
  readonly #table: DecoderTable;
  readonly #limits: SectionLimits;
  readonly #reader = new PrefixReader();
  #requiredInsertCount = 0;
  #base = 0;
  #size = 0;
  #count = 0;

  constructor(table: DecoderTable, limits: SectionLimits) {
    this.#table = table;
    this.#limits = limits;
  }

  /**
   * Starts a section: reads the Required Insert Count of its prefix, given the entries that the table had when the section
   * arrived (RFC 9204 section 4.5.1).
   */
  begin(section: Uint8Array, inserted: number): number {
    const reader = this.#reader;
    reader.reset(section);
    const required = this.#requiredFrom(this.#integer(8), inserted);
    const negative = reader.position < reader.end && (reader.peek() & 0x80) !== 0;
    const delta = this.#integer(7);
    // @rfc 9204#4.5.1.2-2
    if (negative && delta >= required) fail(`delta base ${delta} leads below zero`);
    this.#requiredInsertCount = required;
    this.#base = negative ? required - delta - 1 : required + delta;
    return required;
  }

  /**
   * The rest of the section, into a store that is empty.
   *
   * @returns false if it exceeds the limits, which is known after all of it was read
   */
  read(store: FieldStore): boolean {
    const reader = this.#reader;
    this.#size = 0;
    this.#count = 0;
    // @rfc 9204#2.2-1
    while (reader.position < reader.end) this.#line(store);
    return !this.#exceeds(0);
  }

  /** Lets go of the bytes. */
  end(): void {
    this.#reader.clear();
  }

  #requiredFrom(encoded: number, inserted: number): number {
    if (encoded === 0) return 0;
    const maxEntries = Math.floor(this.#table.maxCapacity / FIELD_OVERHEAD);
    const fullRange = 2 * maxEntries;
    // @rfc 9204#4.5.1.1-1
    if (encoded > fullRange) fail(`encoded insert count ${encoded} is beyond ${fullRange}`);
    const most = inserted + maxEntries;
    let required = Math.floor(most / fullRange) * fullRange + encoded - 1;
    if (required > most) {
      if (required <= fullRange) fail(`encoded insert count ${encoded} fits no insert count`);
      required -= fullRange;
    }
    if (required === 0) fail('insert count 0 in a form that is not 0');
    return required;
  }

  /** One field line: added to the store unless the limits are exceeded. */
  #line(store: FieldStore): void {
    const first = this.#reader.peek();
    if ((first & 0x80) !== 0) {
      this.#indexed(store, (first & 0x40) !== 0);
    } else if ((first & 0x40) !== 0) {
      const index = this.#integer(4);
      const name = (first & 0x10) !== 0 ? this.#static(index).name : this.#nameOfTable(this.#base - 1 - index);
      this.#literal(store, name, (first & 0x20) !== 0);
    } else if ((first & 0x20) !== 0) {
      this.#literal(store, this.#string(0x08, 3), (first & 0x10) !== 0);
    } else if ((first & 0x10) !== 0) {
      this.#wholeOfTable(store, this.#base + this.#integer(4));
    } else {
      this.#literal(store, this.#nameOfTable(this.#base + this.#integer(3)), (first & 0x08) !== 0);
    }
  }

  #indexed(store: FieldStore, isStatic: boolean): void {
    const index = this.#integer(6);
    if (isStatic) {
      const { name, value } = this.#static(index);
      this.#whole(store, name, value);
    } else this.#wholeOfTable(store, this.#base - 1 - index);
  }

  #wholeOfTable(store: FieldStore, index: number): void {
    const name = this.#nameOfTable(index);
    this.#whole(store, name, this.#table.value(index) as string);
  }

  #whole(store: FieldStore, name: string, value: string): void {
    this.#count++;
    this.#size += name.length + value.length + FIELD_OVERHEAD;
    if (!this.#exceeds(0)) store.add(name, value, false);
  }

  #literal(store: FieldStore, name: string | undefined, sensitive: boolean): void {
    this.#count++;
    this.#size += (name?.length ?? 0) + FIELD_OVERHEAD;
    const value = this.#string(0x80, 7);
    if (name === undefined || value === undefined) return;
    this.#size += value.length;
    if (!this.#exceeds(0)) store.add(name, value, sensitive);
  }

  #static(index: number): FieldLine {
    // @rfc 9204#3.1-1
    return STATIC_TABLE[index] ?? fail(`no entry ${index} in the static table`);
  }

  /** The name of an entry of the dynamic table that the section may reference. */
  #nameOfTable(index: number): string {
    // @rfc 9204#2.2.1-1 @rfc 9204#2.2.3-1
    if (index >= this.#requiredInsertCount)
      fail(`entry ${index} is beyond the insert count ${this.#requiredInsertCount}`);
    return this.#table.name(index) ?? fail(`entry ${index} is not in the dynamic table`);
  }

  #exceeds(more: number): boolean {
    return this.#size + more > this.#limits.maxFieldSectionSize || this.#count > this.#limits.maxFields;
  }

  /** A string; undefined if the section is too large with it: then it is passed over, and what it counts is added. */
  #string(huffmanFlag: number, prefix: number): string | undefined {
    const reader = this.#reader;
    const huffman = reader.position < reader.end && (reader.peek() & huffmanFlag) !== 0;
    const length = this.#integer(prefix);
    if (reader.position + length > reader.end) fail('a string ends behind the section');
    const least = huffman ? Math.floor((length * 8) / MAX_CODE_LENGTH) : length;
    if (this.#exceeds(least)) {
      reader.position += length;
      this.#size += least;
      return undefined;
    }
    return reader.text(length, huffman) ?? fail('a string is not valid Huffman code');
  }

  #integer(prefix: number): number {
    const value = this.#reader.integer(prefix);
    if (value >= 0) return value;
    // @rfc 9204#7.4-1
    return fail(value === OVERLONG ? 'an integer takes more than 62 bits' : 'it ends within a field line');
  }
}
