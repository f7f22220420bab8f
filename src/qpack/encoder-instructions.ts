import type { DecoderTable } from './decoder-table.js';
import { QpackError } from './errors.js';
import { FIELD_OVERHEAD } from './field-line.js';
import { MAX_CODE_LENGTH } from './huffman-code.js';
import { OVERLONG, PrefixReader } from './prefix-reader.js';
import { Remainder } from './remainder.js';
import { STATIC_TABLE } from './static-table.js';

function fail(message: string): never {
  throw new QpackError('ERR_QPACK_ENCODER_STREAM', `encoder stream: ${message}`);
}

/** Reads the remote's encoder stream, in pieces of any size, into the decoder's table (RFC 9204 section 4.3). */
export class EncoderInstructions {
  readonly #table: DecoderTable;
  readonly #reader = new PrefixReader();
  readonly #remainder = new Remainder();

  constructor(table: DecoderTable) {
    this.#table = table;
  }

  receive(bytes: Uint8Array): void {
    const joined = this.#remainder.join(bytes);
    const reader = this.#reader;
    reader.reset(joined);
    let complete = 0;
    while (complete < joined.length && this.#instruction()) complete = reader.position;
    this.#remainder.keep(joined, complete);
    reader.clear();
  }

  /** Carries out one instruction; false if it has not arrived whole. */
  #instruction(): boolean {
    const first = this.#reader.peek();
    if ((first & 0x80) !== 0) return this.#insertWithNameReference((first & 0x40) !== 0);
    if ((first & 0x40) !== 0) return this.#insertWithLiteralName();
    if ((first & 0x20) !== 0) return this.#setCapacity();
    return this.#duplicate();
  }

  #insertWithNameReference(fromStatic: boolean): boolean {
    const index = this.#integer(6);
    if (index === undefined) return false;
    const name = fromStatic ? STATIC_TABLE[index]?.name : this.#table.name(this.#table.inserted - 1 - index);
    // @rfc 9204#2.2.3-2 @rfc 9204#3.1-2
    if (name === undefined)
      fail(`no entry ${index} in the ${fromStatic ? 'static' : 'dynamic'} table to take a name of`);
    const start = this.#reader.position;
    if (!this.#skipString(0x80, 7)) return false;
    this.#reader.position = start;
    this.#insert(name, this.#string(0x80, 7));
    return true;
  }

  #insertWithLiteralName(): boolean {
    const start = this.#reader.position;
    // Nothing is decoded before all is there: else a stream of single bytes would have it decoded at every byte.
    if (!this.#skipString(0x20, 5) || !this.#skipString(0x80, 7)) return false;
    this.#reader.position = start;
    const name = this.#string(0x20, 5);
    this.#insert(name, this.#string(0x80, 7));
    return true;
  }

  #setCapacity(): boolean {
    const capacity = this.#integer(5);
    if (capacity === undefined) return false;
    // @rfc 9204#4.3.1-2
    if (!this.#table.setCapacity(capacity)) {
      fail(`capacity ${capacity} exceeds the ${this.#table.maxCapacity} bytes that were announced`);
    }
    return true;
  }

  #duplicate(): boolean {
    const index = this.#integer(5);
    if (index === undefined) return false;
    const entry = this.#table.inserted - 1 - index;
    const name = this.#table.name(entry);
    const value = this.#table.value(entry);
    // @rfc 9204#2.2.3-2
    if (name === undefined || value === undefined) fail(`no entry ${index} in the dynamic table to duplicate`);
    // @rfc 9204#3.2-1 whether the table has it already does not matter
    this.#insert(name, value);
    return true;
  }

  #insert(name: string, value: string): void {
    // @rfc 9204#3.2.2-2
    if (!this.#table.insert(name, value)) {
      const size = name.length + value.length + FIELD_OVERHEAD;
      fail(`an entry of ${size} bytes exceeds the table's capacity of ${this.#table.capacity}`);
    }
  }

  #integer(prefix: number): number | undefined {
    const value = this.#reader.integer(prefix);
    // @rfc 9204#4.1.1-1 @rfc 9204#7.4-1
    if (value === OVERLONG) fail('an integer takes more than 62 bits');
    return value < 0 ? undefined : value;
  }

  /** Passes over a string; false if it has not arrived whole. */
  #skipString(huffmanFlag: number, prefix: number): boolean {
    const reader = this.#reader;
    if (reader.position >= reader.end) return false;
    const huffman = (reader.peek() & huffmanFlag) !== 0;
    const length = this.#integer(prefix);
    if (length === undefined) return false;
    // Judged before it has arrived: what can never be inserted is not waited for, and not kept.
    const least = huffman ? Math.floor((length * 8) / MAX_CODE_LENGTH) : length;
    if (least + FIELD_OVERHEAD > this.#table.capacity) {
      fail(`a string of ${length} bytes exceeds the table's capacity of ${this.#table.capacity}`);
    }
    reader.position += length;
    return reader.position <= reader.end;
  }

  /** A string that is there. */
  #string(huffmanFlag: number, prefix: number): string {
    const reader = this.#reader;
    const huffman = (reader.peek() & huffmanFlag) !== 0;
    const length = reader.integer(prefix);
    return reader.text(length, huffman) ?? fail('a string is not valid Huffman code');
  }
}
