import { DecoderTable } from './decoder-table.js';
import { EncoderInstructions } from './encoder-instructions.js';
import { QpackError } from './errors.js';
import { fieldPool } from './field-pool.js';
import { FieldSection } from './field-section.js';
import { MAX_BLOCKED_STREAMS, MAX_TABLE_CAPACITY, count } from './options.js';
import type { QpackDecoderOptions } from './options.js';
import { PrefixWriter } from './prefix-writer.js';
import { SectionReader } from './section-reader.js';
import type { SectionLimits } from './section-reader.js';

/** A field section that was blocked and has been decoded now, or an error that ends its stream alone. */
export type UnblockedSection =
  | { readonly streamId: number; readonly fields: FieldSection; readonly error?: undefined }
  | { readonly streamId: number; readonly fields?: undefined; readonly error: QpackError };

interface BlockedSection {
  readonly streamId: number;
  readonly bytes: Uint8Array;
  readonly requiredInsertCount: number;
  /** Insert Count at its arrival, to which its prefix is relative. */
  readonly inserted: number;
}

/** What a blocked section counts beside its bytes. */
const SECTION_OVERHEAD = 128;

/**
 * The decoding half of QPACK (RFC 9204): field sections and the remote's encoder stream in, field lines and this side's
 * decoder stream out. Errors are `QpackError`s; their `scope` says what they end.
 */
export class QpackDecoder {
  readonly #table: DecoderTable;
  readonly #sections: SectionReader;
  readonly #instructions: EncoderInstructions;
  readonly #limits: SectionLimits;
  readonly #blockedStreams: number;
  readonly #maxBlockedBytes: number;
  readonly #output = new PrefixWriter();
  /** In the order of arrival. */
  #blocked: BlockedSection[] = [];
  /** Sections waiting on each blocked stream. */
  readonly #waiting = new Map<number, number>();
  #blockedBytes = 0;
  /** Insertions that the remote knows to have arrived (Known Received Count). */
  #acknowledged = 0;

  constructor(options: QpackDecoderOptions = {}) {
    const capacity = count('maxTableCapacity', options.maxTableCapacity, 4096, MAX_TABLE_CAPACITY);
    this.#blockedStreams = count('blockedStreams', options.blockedStreams, 100, MAX_BLOCKED_STREAMS);
    this.#maxBlockedBytes = count('maxBlockedBytes', options.maxBlockedBytes, 2 ** 20, Number.MAX_SAFE_INTEGER);
    this.#limits = {
      maxFieldSectionSize: count('maxFieldSectionSize', options.maxFieldSectionSize, 65_536, Number.MAX_SAFE_INTEGER),
      maxFields: count('maxFields', options.maxFields, 1024, 2 ** 20),
    };
    this.#table = new DecoderTable(capacity);
    this.#sections = new SectionReader(this.#table, this.#limits);
    this.#instructions = new EncoderInstructions(this.#table);
  }

  /** Streams that wait for table entries at the moment. */
  get blockedStreamCount(): number {
    return this.#waiting.size;
  }

  /**
   * Decodes a field section that has arrived whole on a request or push stream.
   *
   * @returns its field lines in their order, whose memory the caller may `release`; or undefined if the stream is blocked: then
   * `receiveEncoderStream` returns them once the entries have arrived, and the section's bytes are copied until then.
   * @throws QpackError `ERR_QPACK_DECOMPRESSION_FAILED` (scope connection); `ERR_QPACK_FIELD_SECTION_TOO_LARGE` and
   * `ERR_QPACK_BLOCKED_TOO_LARGE` (scope stream), after which the caller gives the stream up with `cancelStream`, or
   * reads on if it can do without the fields (a server that answers 431).
   */
  decode(streamId: number, section: Uint8Array): FieldSection | undefined {
    const inserted = this.#table.inserted;
    const required = this.#sections.begin(section, inserted);
    if (required > inserted || this.#waiting.has(streamId)) {
      this.#sections.end();
      this.#block({ streamId, bytes: section, requiredInsertCount: required, inserted });
      return undefined;
    }
    return this.#finish(streamId, required);
  }

  /**
   * Takes bytes of the remote's encoder stream, in pieces of any size.
   *
   * @returns field sections that are no longer blocked, in the order of their arrival.
   * @throws QpackError `ERR_QPACK_ENCODER_STREAM`, `ERR_QPACK_DECOMPRESSION_FAILED` (both of scope connection).
   */
  receiveEncoderStream(bytes: Uint8Array): UnblockedSection[] {
    const inserted = this.#table.inserted;
    this.#instructions.receive(bytes);
    if (this.#blocked.length === 0 || this.#table.inserted === inserted) return [];
    const unblocked: UnblockedSection[] = [];
    const still: BlockedSection[] = [];
    // Within a stream the order holds: a section waits for the one before it, whatever it needs itself.
    const stuck = new Set<number>();
    for (const blocked of this.#blocked) {
      const { streamId } = blocked;
      if (stuck.has(streamId) || blocked.requiredInsertCount > this.#table.inserted) {
        stuck.add(streamId);
        still.push(blocked);
        continue;
      }
      this.#forget(blocked);
      unblocked.push(this.#unblock(blocked));
    }
    this.#blocked = still;
    return unblocked;
  }

  /**
   * Tells the remote's encoder that a stream is not read to its end: it was reset, or this side gave it up (Stream
   * Cancellation, RFC 9204 section 2.2.2.2). What was blocked on it is dropped.
   */
  cancelStream(streamId: number): void {
    if (this.#waiting.has(streamId)) {
      const dropped = this.#blocked.filter((blocked) => blocked.streamId === streamId);
      this.#blocked = this.#blocked.filter((blocked) => blocked.streamId !== streamId);
      for (const blocked of dropped) this.#forget(blocked);
    }
    // Without a table nothing can be referenced, and the stream need not exist.
    if (this.#table.maxCapacity > 0) this.#output.integer(0x40, 6, streamId);
  }

  /** Whether there are bytes for this side's decoder stream. */
  get hasDecoderStream(): boolean {
    return this.#output.length > 0 || this.#table.inserted > this.#acknowledged;
  }

  /** Bytes for this side's decoder stream since the last call; empty if there are none. The caller owns the array. */
  takeDecoderStream(): Uint8Array {
    const unknown = this.#table.inserted - this.#acknowledged;
    if (unknown > 0) {
      this.#output.integer(0x00, 6, unknown);
      this.#acknowledged = this.#table.inserted;
    }
    return this.#output.take();
  }

  #unblock({ streamId, bytes, inserted }: BlockedSection): UnblockedSection {
    try {
      return { streamId, fields: this.#finish(streamId, this.#sections.begin(bytes, inserted)) };
    } catch (error) {
      if (QpackError.isQpackError(error) && error.scope === 'stream') return { streamId, error };
      throw error;
    }
  }

  /** Reads the section that the reader has begun, and acknowledges it. */
  #finish(streamId: number, required: number): FieldSection {
    const store = fieldPool.take();
    try {
      const fits = this.#sections.read(store);
      if (required > 0) {
        // @rfc 9204#2.2.2.1-1
        this.#output.integer(0x80, 7, streamId);
        this.#acknowledged = Math.max(this.#acknowledged, required);
      }
      if (!fits) throw this.#tooLarge(streamId);
    } catch (error) {
      fieldPool.giveBack(store);
      throw error;
    } finally {
      this.#sections.end();
    }
    return FieldSection.in(store);
  }

  #block(section: BlockedSection): void {
    const { streamId, bytes } = section;
    const waiting = this.#waiting.get(streamId) ?? 0;
    // @rfc 9204#2.1.2-2
    if (waiting === 0 && this.#waiting.size >= this.#blockedStreams) {
      throw new QpackError(
        'ERR_QPACK_DECOMPRESSION_FAILED',
        `field section on stream ${streamId}: more than ${this.#blockedStreams} streams are blocked`,
      );
    }
    const size = bytes.length + SECTION_OVERHEAD;
    if (this.#blockedBytes + size > this.#maxBlockedBytes) {
      throw new QpackError(
        'ERR_QPACK_BLOCKED_TOO_LARGE',
        `field section on stream ${streamId}: ${this.#blockedBytes} bytes wait on blocked streams already (maxBlockedBytes)`,
      );
    }
    this.#blocked.push({ ...section, bytes: bytes.slice() });
    this.#waiting.set(streamId, waiting + 1);
    this.#blockedBytes += size;
  }

  #forget({ streamId, bytes }: BlockedSection): void {
    const waiting = (this.#waiting.get(streamId) ?? 0) - 1;
    if (waiting > 0) this.#waiting.set(streamId, waiting);
    else this.#waiting.delete(streamId);
    this.#blockedBytes -= bytes.length + SECTION_OVERHEAD;
  }

  #tooLarge(streamId: number): QpackError {
    const { maxFieldSectionSize, maxFields } = this.#limits;
    return new QpackError(
      'ERR_QPACK_FIELD_SECTION_TOO_LARGE',
      `field section on stream ${streamId}: more than ${maxFieldSectionSize} bytes or ${maxFields} field lines`,
    );
  }
}
