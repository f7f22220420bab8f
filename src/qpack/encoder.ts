import { DecoderInstructions } from './decoder-instructions.js';
import { EncoderTable } from './encoder-table.js';
import type { EncoderEntry } from './encoder-table.js';
import { QpackError } from './errors.js';
import { FIELD_OVERHEAD, fieldSectionSize } from './field-line.js';
import type { FieldLine } from './field-line.js';
import { huffmanLength } from './huffman.js';
import { IndexingPolicy, isSensitive } from './indexing-policy.js';
import { NO_ENTRY } from './name-table.js';
import type { NameRecord } from './name-table.js';
import { MAX_BLOCKED_STREAMS, MAX_TABLE_CAPACITY, count } from './options.js';
import type { QpackEncoderOptions, QpackPeerSettings } from './options.js';
import { PrefixWriter } from './prefix-writer.js';
import { LITERAL, NEVER_INDEXED, STATIC_BASE, SectionPlan } from './section-plan.js';
import { Unacknowledged } from './unacknowledged.js';

/** The part of the table, next to eviction, whose entries are renewed when they are wanted again. */
const DRAINING = 1 / 4;
/** Half of the table, in bytes of literals: within them a field line has to come again to be worth an entry. */
const SEEN_WINDOW_SHIFT = 1;
/** What the prefix of a section takes at most, and more. */
const PREFIX_ROOM = 32;
/** More entries than one section can insert. A number that stays small, since Infinity would be made an object at each call. */
const MOST_INSERTIONS = 2 ** 24;
/**
 * What may be inserted in the hope of later use, while it cannot be referenced: so many bytes until the remote has
 * acknowledged anything (some never do), then all.
 */
const SPECULATIVE_BYTES = 256;

/**
 * The encoding half of QPACK (RFC 9204): field lines and the remote's decoder stream in, field sections and this side's
 * encoder stream out. Until `setPeerSettings` is called it uses no dynamic table.
 *
 * Values of `authorization` and `proxy-authorization`, and of `cookie` and `set-cookie` when shorter than 20 characters, are
 * sent as never-indexed literals (RFC 9204 section 7.1.3); `sensitive` of a field line overrules that.
 */
export class QpackEncoder {
  readonly #table = new EncoderTable();
  readonly #sections = new Unacknowledged(this.#table);
  readonly #acknowledgments = new DecoderInstructions(this.#table, this.#sections);
  readonly #policy = new IndexingPolicy();
  readonly #plan = new SectionPlan();
  readonly #instructions = new PrefixWriter();
  readonly #output = new PrefixWriter();
  readonly #maxTableCapacity: number;
  readonly #maxBlockedStreams: number;
  readonly #maxUnacknowledgedSections: number;
  readonly #maxEncoderStreamBytes: number;
  #peer: QpackPeerSettings = { maxTableCapacity: 0, blockedStreams: 0 };
  /** References of the present section go to entries before this absolute index. */
  #limit = 0;
  /** Whether the present section may reference entries that the remote may not have yet. */
  #mayBlock = false;

  constructor(options: QpackEncoderOptions = {}) {
    this.#maxTableCapacity = count('maxTableCapacity', options.maxTableCapacity, 4096, MAX_TABLE_CAPACITY);
    this.#maxBlockedStreams = count('maxBlockedStreams', options.maxBlockedStreams, 100, MAX_BLOCKED_STREAMS);
    this.#maxUnacknowledgedSections = count(
      'maxUnacknowledgedSections',
      options.maxUnacknowledgedSections,
      4096,
      2 ** 20,
    );
    this.#maxEncoderStreamBytes = count('maxEncoderStreamBytes', options.maxEncoderStreamBytes, 65_536, 2 ** 24);
  }

  /**
   * What the remote's SETTINGS frame says, or before it, for early data, what an earlier one said. Early data that was rejected
   * takes a new encoder.
   *
   * @throws QpackError `ERR_QPACK_DECODER_STREAM` if the remote changed a table capacity that was remembered for early data
   * (RFC 9204 section 3.2.3).
   */
  setPeerSettings(settings: QpackPeerSettings): void {
    // A setting has up to 62 bits; nothing changes above 53.
    const most = Number.MAX_SAFE_INTEGER;
    const maxTableCapacity = count('maxTableCapacity', Math.min(settings.maxTableCapacity, most), 0, most);
    const blockedStreams = count('blockedStreams', Math.min(settings.blockedStreams, most), 0, most);
    const remembered = this.#peer.maxTableCapacity;
    if (remembered > 0 && remembered !== maxTableCapacity) {
      throw new QpackError(
        'ERR_QPACK_DECODER_STREAM',
        `the remote changed QPACK_MAX_TABLE_CAPACITY from ${remembered}, used in early data, to ${maxTableCapacity}`,
      );
    }
    this.#peer = { maxTableCapacity, blockedStreams };
  }

  /**
   * Encodes a field section. Instructions for the encoder stream accumulate until `takeEncoderStream`; they
   * should be sent before the section, or at least not long after it.
   *
   * @param streamId - the request or push stream that carries the section, from 0 to 2^53 - 1.
   * @returns the encoded field section, in an array that the caller owns.
   * @throws QpackError `ERR_QPACK_INVALID_FIELD` for a character above U+00FF; nothing has changed then.
   */
  encode(streamId: number, fields: Iterable<FieldLine>): Uint8Array {
    this.#encode(streamId, fields);
    return this.#output.take();
  }

  /**
   * As `encode`, into an array of the caller's, from `at` on.
   *
   * @returns where the section ends
   * @throws RangeError unless there is room for `fieldSectionSize(fields)` bytes and 32 more, which is more than it can take; nothing has
   *   changed then
   */
  encodeTo(streamId: number, fields: readonly FieldLine[], target: Uint8Array, at: number): number {
    if (target.length - at < fieldSectionSize(fields) + PREFIX_ROOM)
      throw new RangeError('No room for the field section');
    this.#encode(streamId, fields);
    return this.#output.moveTo(target, at);
  }

  /** Writes a section to the output. */
  #encode(streamId: number, fields: Iterable<FieldLine>): void {
    const table = this.#table;
    const plan = this.#plan;
    try {
      const tracked = this.#sections.sections < this.#maxUnacknowledgedSections;
      this.#mayBlock = tracked && this.#mayRisk(streamId);
      const beyond = table.inserted + MOST_INSERTIONS;
      this.#limit = !tracked ? 0 : this.#mayBlock ? beyond : table.acknowledged;
      plan.begin(beyond);
      // @rfc 9204#2.1-1
      for (const line of fields) this.#lookUp(line);
      if (this.#usesTable()) {
        for (let position = 0; position < plan.count; position++) this.#refresh(position);
        for (let position = 0; position < plan.count; position++) this.#insert(position);
      }
      this.#write();
      if (plan.required > 0) this.#sections.add(streamId, plan.required, plan.oldest);
    } finally {
      plan.clear();
    }
  }

  /** Bytes for this side's encoder stream since the last call; empty if there are none. The caller owns the array. */
  takeEncoderStream(): Uint8Array {
    return this.#instructions.take();
  }

  /**
   * Takes bytes of the remote's decoder stream, in pieces of any size.
   *
   * @throws QpackError `ERR_QPACK_DECODER_STREAM` (scope connection).
   */
  receiveDecoderStream(bytes: Uint8Array): void {
    this.#acknowledgments.receive(bytes);
  }

  #mayRisk(streamId: number): boolean {
    // @rfc 9204#2.1.2-1
    const { blockedStreams } = this.#peer;
    return (
      this.#sections.streamsAtRisk < Math.min(blockedStreams, this.#maxBlockedStreams) ||
      this.#sections.isAtRisk(streamId)
    );
  }

  /** Whether something can be inserted at all; announces the capacity before the first insertion. */
  #usesTable(): boolean {
    const table = this.#table;
    if (table.capacity > 0) return this.#instructions.length < this.#maxEncoderStreamBytes;
    // @rfc 9204#3.2.3-1 @rfc 9204#4.3.1-1 @rfc 9204#4.3.1-3 set once, when the table is empty
    const capacity = Math.min(this.#peer.maxTableCapacity, this.#maxTableCapacity);
    // @rfc 9204#3.2.3-3
    if (capacity < FIELD_OVERHEAD) return false;
    table.capacity = capacity;
    this.#instructions.integer(0x20, 5, capacity);
    return true;
  }

  /** What the tables have for a field line. */
  #lookUp(line: FieldLine): void {
    const { name, value } = line;
    const record = this.#table.names.get(name);
    if (isSensitive(line)) {
      this.#plan.add(line, record, NEVER_INDEXED, this.#codedLength(record, line));
      return;
    }
    const fixed = record.staticValues?.get(value);
    if (fixed !== undefined) {
      this.#plan.add(line, record, STATIC_BASE - fixed, 0);
      return;
    }
    const index = this.#table.find(record, value, this.#limit);
    if (index === NO_ENTRY) {
      this.#plan.add(line, record, LITERAL, this.#codedLength(record, line));
      return;
    }
    this.#plan.add(line, record, index, 0);
    if (!this.#isDraining(index)) this.#plan.reference(index);
  }

  #codedLength(record: NameRecord, line: FieldLine): number {
    const coded = huffmanLength(line.value);
    // A name that an entry has is known to be good.
    if (coded >= 0 && (record.staticIndex !== NO_ENTRY || record.entries > 0 || huffmanLength(line.name) >= 0))
      return coded;
    throw new QpackError(
      'ERR_QPACK_INVALID_FIELD',
      `the field ${JSON.stringify(line.name)} holds a character above U+00FF: encode it to bytes first`,
    );
  }

  /** Whether an entry is so near to its eviction that a reference to it would soon stand in the way of insertions. */
  #isDraining(index: number): boolean {
    const entry = this.#table.get(index);
    return entry !== undefined && this.#table.distance(entry) < this.#table.capacity * DRAINING;
  }

  /** Renews an entry that is wanted and old (Duplicate, RFC 9204 section 2.1.1.1). */
  #refresh(position: number): void {
    const plan = this.#plan;
    const table = this.#table;
    const index = plan.choice(position);
    if (index < 0) return;
    const entry = table.get(index);
    if (entry === undefined) {
      plan.choose(position, LITERAL);
      plan.setCodedLength(position, huffmanLength(plan.line(position).value));
      return;
    }
    entry.used = true;
    // What the section references already stays, and is referenced as it is.
    if (index < plan.oldest && this.#mayBlock && table.hasRoom(entry.size, plan.oldest)) {
      const copy = this.#duplicate(index);
      plan.choose(position, copy);
      plan.reference(copy);
      return;
    }
    plan.reference(index);
    // The copy serves later sections, once it is acknowledged.
    if (this.#mayBlock || !this.#isDraining(index) || !table.hasRoom(entry.size, plan.oldest)) return;
    if (table.find(entry.record, entry.value, this.#table.inserted) === index) this.#duplicate(index);
  }

  #duplicate(index: number): number {
    const table = this.#table;
    const { record, value } = table.get(index) as EncoderEntry;
    this.#instructions.integer(0x00, 5, table.inserted - 1 - index);
    return table.insert(record, value);
  }

  /** Inserts what is going to be a literal, if that is worth it and possible. */
  #insert(position: number): void {
    const plan = this.#plan;
    const table = this.#table;
    if (plan.choice(position) !== LITERAL) return;
    const { value } = plan.line(position);
    const record = plan.record(position);
    // The same line twice in one section.
    const again = table.find(record, value, this.#limit);
    if (again !== NO_ENTRY) {
      plan.choose(position, again);
      plan.reference(again);
      return;
    }
    // It is on its way, and cannot be referenced before it is acknowledged.
    if (table.find(record, value, this.#table.inserted) !== NO_ENTRY) return;
    const size = record.name.length + value.length + FIELD_OVERHEAD;
    const seen = this.#policy.seenBefore(record, value, size, table.capacity >>> SEEN_WINDOW_SHIFT);
    if (!this.#mayBlock && table.acknowledged === 0 && table.unacknowledgedBytes + size > SPECULATIVE_BYTES) return;
    if (!seen && !this.#policy.insertsAtOnce(record, this.#mayBlock)) {
      this.#insertName(record);
      return;
    }
    // @rfc 9204#2.1.1-1 @rfc 9204#3.2.2-1
    if (!table.hasRoom(size, plan.oldest)) return;
    this.#writeInsertion(record, value, plan.codedLength(position));
    const index = table.insert(record, value);
    if (!this.#mayBlock) return;
    plan.choose(position, index);
    plan.reference(index);
  }

  /** Inserts a name alone, so that literals with it become shorter. */
  #insertName(record: NameRecord): void {
    const table = this.#table;
    if (record.staticIndex !== NO_ENTRY || record.latest !== NO_ENTRY) return;
    if (!table.hasRoom(record.name.length + FIELD_OVERHEAD, this.#plan.oldest)) return;
    this.#writeInsertion(record, '', 0);
    table.insert(record, '');
  }

  #writeInsertion(record: NameRecord, value: string, coded: number): void {
    const instructions = this.#instructions;
    const named = this.#table.findName(record, this.#table.inserted);
    if (record.staticIndex !== NO_ENTRY) instructions.integer(0xc0, 6, record.staticIndex);
    else if (named !== NO_ENTRY) instructions.integer(0x80, 6, this.#table.inserted - 1 - named);
    else instructions.text(0x40, 5, record.name);
    instructions.text(0x00, 7, value, coded);
  }

  /** The section as planned. Its Base is the Insert Count, so that no reference is post-Base. */
  #write(): void {
    const plan = this.#plan;
    const output = this.#output;
    // @rfc 9204#4.5.1.2-1
    const base = this.#table.inserted;
    for (let position = 0; position < plan.count; position++) this.#nameReference(position);
    if (plan.required === 0) {
      output.integer(0x00, 8, 0);
      output.integer(0x00, 7, 0);
    } else {
      const maxEntries = Math.floor(this.#peer.maxTableCapacity / FIELD_OVERHEAD);
      output.integer(0x00, 8, (plan.required % (2 * maxEntries)) + 1);
      output.integer(0x00, 7, base - plan.required);
    }
    for (let position = 0; position < plan.count; position++) this.#writeLine(position, base);
  }

  #nameReference(position: number): void {
    const plan = this.#plan;
    const choice = plan.choice(position);
    const record = plan.record(position);
    if ((choice !== LITERAL && choice !== NEVER_INDEXED) || record.staticIndex !== NO_ENTRY) return;
    const named = this.#table.findName(record, this.#limit);
    if (named !== NO_ENTRY) plan.reference(named);
  }

  #writeLine(position: number, base: number): void {
    const plan = this.#plan;
    const output = this.#output;
    const choice = plan.choice(position);
    if (choice >= 0) {
      output.integer(0x80, 6, base - 1 - choice);
      return;
    }
    if (choice <= STATIC_BASE) {
      output.integer(0xc0, 6, STATIC_BASE - choice);
      return;
    }
    const record = plan.record(position);
    // @rfc 9204#4.5.4-1
    const never = choice === NEVER_INDEXED;
    if (record.staticIndex !== NO_ENTRY) {
      output.integer(never ? 0x70 : 0x50, 4, record.staticIndex);
    } else {
      const named = this.#table.findName(record, this.#limit);
      if (named !== NO_ENTRY) output.integer(never ? 0x60 : 0x40, 4, base - 1 - named);
      else output.text(never ? 0x30 : 0x20, 3, record.name);
    }
    output.text(0x00, 7, plan.line(position).value, plan.codedLength(position));
  }
}
