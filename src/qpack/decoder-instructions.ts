import { QpackError } from './errors.js';
import type { EncoderTable } from './encoder-table.js';
import { OVERLONG, PrefixReader } from './prefix-reader.js';
import { Remainder } from './remainder.js';
import type { Unacknowledged } from './unacknowledged.js';

function fail(message: string): never {
  throw new QpackError('ERR_QPACK_DECODER_STREAM', `decoder stream: ${message}`);
}

/** Reads the remote's decoder stream, in pieces of any size (RFC 9204 section 4.4). */
export class DecoderInstructions {
  readonly #table: EncoderTable;
  readonly #sections: Unacknowledged;
  readonly #reader = new PrefixReader();
  readonly #remainder = new Remainder();

  constructor(table: EncoderTable, sections: Unacknowledged) {
    this.#table = table;
    this.#sections = sections;
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
    const reader = this.#reader;
    const first = reader.peek();
    const value = reader.integer((first & 0x80) !== 0 ? 7 : 6);
    // @rfc 9204#4.1.1-1 @rfc 9204#7.4-1
    if (value === OVERLONG) fail('an integer takes more than 62 bits');
    if (value < 0) return false;
    if ((first & 0x80) !== 0) {
      // @rfc 9204#4.4.1-1
      if (!this.#sections.acknowledge(value)) fail(`no section on stream ${value} waits for an acknowledgment`);
    } else if ((first & 0x40) !== 0) {
      this.#sections.cancel(value);
    } else {
      this.#increment(value);
    }
    return true;
  }

  #increment(increment: number): void {
    const { acknowledged, inserted } = this.#table;
    // @rfc 9204#4.4.3-1
    if (increment === 0) fail('an insert count increment of 0');
    if (increment > inserted - acknowledged) {
      fail(`an increment of ${increment}, where ${inserted - acknowledged} insertions were outstanding`);
    }
    this.#sections.received(acknowledged + increment);
  }
}
