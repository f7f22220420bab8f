/** Frames: kind and length as QUIC varints, then the payload. Every stream of the swarm protocol is a row of them. */

import { readVarint, varintLength, varintLengthFromFirst, writeVarint } from '../../wire/index.js';
import { SwarmError } from '../errors.js';
import { FIRST_EXTENSION_FRAME, FRAME } from './codes.js';

/** One frame. The payload is this side's to keep. */
export interface Frame {
  readonly kind: number;
  readonly payload: Uint8Array;
}

/** Heads, errors and control messages are bounded apart from what applications send. */
export const MAX_HEAD_BYTES = 65_536;
export const MAX_ERROR_BYTES = 65_536;
/** Control messages that an agent sends, and that a coordinator sends: those hold everybody and the whole shared map. */
export const MAX_AGENT_CONTROL_BYTES = 1024 * 1024;
export const MAX_COORDINATOR_CONTROL_BYTES = 64 * 1024 * 1024;
/** Extensions that are skipped. */
const MAX_EXTENSION_BYTES = 1024 * 1024;
/** Memory that a declared length alone can claim; the rest grows with what really comes. */
const FIRST_ALLOCATION = 64 * 1024;
const LONGEST_HEADER = 16;

const EMPTY = new Uint8Array(0);

/** Bytes of a frame's header for a payload of `length`. */
export function frameHeader(kind: number, length: number): Uint8Array {
  const header = new Uint8Array(varintLength(kind) + varintLength(length));
  writeVarint(header, writeVarint(header, 0, kind), length);
  return header;
}

/** Writes a frame at `at` and returns where it ends, or -1 when it does not fit. */
export function writeFrame(into: Uint8Array, at: number, kind: number, payload: Uint8Array): number {
  if (at + varintLength(kind) + varintLength(payload.length) + payload.length > into.length) return -1;
  const begin = writeVarint(into, writeVarint(into, at, kind), payload.length);
  into.set(payload, begin);
  return begin + payload.length;
}

/** A whole frame, or several behind each other, in one array. */
export function encodeFrames(...frames: readonly Frame[]): Uint8Array {
  let size = 0;
  for (const { kind, payload } of frames) size += varintLength(kind) + varintLength(payload.length) + payload.length;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const { kind, payload } of frames) {
    at = writeVarint(bytes, writeVarint(bytes, at, kind), payload.length);
    bytes.set(payload, at);
    at += payload.length;
  }
  return bytes;
}

/** Not by `slice`, which copies nothing where the bytes are a Buffer. */
export function copyOf(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return new Uint8Array(bytes.subarray(from, to));
}

/** Longest first bytes of a text frame: kind, length, and the head of the CBOR item. */
const LONGEST_TEXT_HEADER = 1 + 4 + 5;
const TEXT = 0x60;

/**
 * Writes a `value` frame that holds a text, as `encodeFrames` does with the text in CBOR, without making either first; where it ends, or -1
 * when it might not fit.
 */
export function writeTextFrame(into: Buffer, at: number, text: string): number {
  // A UTF-16 code unit is at most three bytes of UTF-8.
  if (at + LONGEST_TEXT_HEADER + 3 * text.length > into.length) return -1;
  // Most texts are as long in bytes as in characters: those are in their place at once.
  let begin = at + textHeaderLength(text.length);
  const length = into.write(text, begin, 'utf8');
  if (length !== text.length) {
    const moved = at + textHeaderLength(length);
    into.copyWithin(moved, begin, begin + length);
    begin = moved;
  }
  const itemHead = textHeadLength(length);
  let head = writeVarint(into, writeVarint(into, at, FRAME.value), itemHead + length);
  if (itemHead === 1) into[head] = TEXT | length;
  else if (itemHead === 2) {
    into[head++] = TEXT | 24;
    into[head] = length;
  } else {
    into[head++] = TEXT | 25;
    into[head++] = length >>> 8;
    into[head] = length & 0xff;
  }
  return begin + length;
}

/** Of the head of a CBOR text; those that are written here are shorter than 64 KiB. */
function textHeadLength(length: number): 1 | 2 | 3 {
  if (length < 24) return 1;
  return length < 0x100 ? 2 : 3;
}

function textHeaderLength(length: number): number {
  const itemHead = textHeadLength(length);
  return 1 + varintLength(itemHead + length) + itemHead;
}

/**
 * Cuts a byte stream into frames. Bytes go in by `push` in whatever pieces they come; `next` gives the frames. A declared
 * length claims no memory before its bytes have come.
 *
 * Bytes that are only lent (`lend`) lie in memory that is used again: what `next` gives is copied out of it. `step` copies nothing: the
 * frame is `kind` and `bytes` from `from` to `to`, until anything else happens to the reader.
 */
export class FrameReader {
  readonly #maxMessageBytes: number;
  readonly #maxControlBytes: number;
  #input: Uint8Array = EMPTY;
  #at = 0;
  #end = 0;
  #isLent = false;
  /** Payload under way that has not come whole, and how much of it has. */
  #length = -1;
  #partial: Uint8Array = EMPTY;
  #filled = 0;
  /** The frame that {@link step} has come to. */
  kind = 0;
  bytes: Uint8Array = EMPTY;
  from = 0;
  to = 0;

  /**
   * @param maxMessageBytes largest payload of frames `value` and `bytes`
   * @param maxControlBytes of frames `control`
   */
  constructor(maxMessageBytes: number, maxControlBytes = MAX_AGENT_CONTROL_BYTES) {
    this.#maxMessageBytes = maxMessageBytes;
    this.#maxControlBytes = maxControlBytes;
  }

  /** Whether the stream may end here: between two frames. */
  get isAtBoundary(): boolean {
    return this.#length < 0 && this.#at === this.#end;
  }

  /** Bytes that no frame was made of yet, out of the reader. To be called between two frames only. */
  takeRest(): Uint8Array {
    this.keep();
    const rest = this.#input.subarray(this.#at, this.#end);
    this.#at = this.#end;
    return rest;
  }

  push(bytes: Uint8Array): void {
    if (this.#at === this.#end) {
      this.#input = bytes;
      this.#end = bytes.length;
    } else {
      const rest = this.#end - this.#at;
      const joined = new Uint8Array(rest + bytes.length);
      joined.set(this.#input.subarray(this.#at, this.#end));
      joined.set(bytes, rest);
      this.#input = joined;
      this.#end = joined.length;
    }
    this.#at = 0;
    this.#isLent = false;
  }

  /** As `push` of the first `length` bytes of memory that is the reader's until {@link keep}. To be called at a boundary only. */
  lend(bytes: Uint8Array, length: number): void {
    this.#input = bytes;
    this.#at = 0;
    this.#end = length;
    this.#isLent = true;
  }

  /** What was lent is needed elsewhere: copies what is left of it. */
  keep(): void {
    if (!this.#isLent) return;
    this.#isLent = false;
    const left = this.#end - this.#at;
    this.#input = left === 0 ? EMPTY : copyOf(this.#input, this.#at, this.#end);
    this.#at = 0;
    this.#end = left;
  }

  /** The next whole frame, extensions left out; `undefined` when more bytes are needed. @throws SwarmError */
  next(): Frame | undefined {
    return this.step() ? this.take() : undefined;
  }

  /** The frame that {@link step} has come to, to keep. */
  take(): Frame {
    const { kind, bytes, from, to } = this;
    this.bytes = EMPTY;
    const isLent = this.#isLent && bytes === this.#input;
    return { kind, payload: isLent ? copyOf(bytes, from, to) : bytes.subarray(from, to) };
  }

  /** Goes to the next whole frame, extensions left out; `false` when more bytes are needed. @throws SwarmError */
  step(): boolean {
    for (;;) {
      if (this.#length < 0 && !this.#readHeader()) return false;
      if (!this.#readPayload()) return false;
      this.#length = -1;
      if (this.kind < FIRST_EXTENSION_FRAME) return true;
    }
  }

  #readHeader(): boolean {
    const lengthAt = this.#at + this.#varintAt(this.#at);
    const end = lengthAt + this.#varintAt(lengthAt);
    if (end > this.#end) return this.#headerIncomplete();
    const kind = readVarint(this.#input, this.#at);
    const length = readVarint(this.#input, lengthAt);
    const limit = this.#limitOf(kind);
    if (length > limit) {
      throw new SwarmError(
        'ERR_SWARM_TOO_LARGE',
        `A frame of ${length} bytes is larger than the limit of ${limit}; send less, or raise maxMessageBytes on both sides`,
        { remote: true },
      );
    }
    this.#at = end;
    this.kind = kind;
    this.#length = length;
    return true;
  }

  /** Bytes of the varint at an offset; more than there can be when it has not begun. */
  #varintAt(at: number): number {
    return at < this.#end ? varintLengthFromFirst(this.#input[at] ?? 0) : LONGEST_HEADER;
  }

  #headerIncomplete(): false {
    // Headers are short, so what waits for its rest is copied out of the way of the next piece cheaply.
    if (this.#end - this.#at >= LONGEST_HEADER) throw protocolError('a frame header that has no end');
    return false;
  }

  #limitOf(kind: number): number {
    switch (kind) {
      case FRAME.head:
        return MAX_HEAD_BYTES;
      case FRAME.value:
      case FRAME.bytes:
        return this.#maxMessageBytes;
      case FRAME.error:
        return MAX_ERROR_BYTES;
      case FRAME.control:
        return this.#maxControlBytes;
      default:
        if (kind >= FIRST_EXTENSION_FRAME) return MAX_EXTENSION_BYTES;
        throw protocolError(`a frame of the unknown kind ${kind}`);
    }
  }

  #readPayload(): boolean {
    const available = this.#end - this.#at;
    if (this.#filled === 0 && available >= this.#length) {
      this.bytes = this.#input;
      this.from = this.#at;
      this.#at += this.#length;
      this.to = this.#at;
      return true;
    }
    const taken = Math.min(available, this.#length - this.#filled);
    this.#grow(this.#filled + taken);
    this.#partial.set(this.#input.subarray(this.#at, this.#at + taken), this.#filled);
    this.#at += taken;
    this.#filled += taken;
    if (this.#filled < this.#length) return false;
    this.bytes = this.#partial;
    this.from = 0;
    this.to = this.#length;
    this.#partial = EMPTY;
    this.#filled = 0;
    return true;
  }

  #grow(size: number): void {
    if (size <= this.#partial.length) return;
    const wanted = Math.max(size, Math.min(FIRST_ALLOCATION, this.#length), 2 * this.#partial.length);
    const larger = new Uint8Array(Math.min(wanted, this.#length));
    larger.set(this.#partial.subarray(0, this.#filled));
    this.#partial = larger;
  }
}

/** @throws nothing: makes the error that a broken remote is answered with */
export function protocolError(what: string): SwarmError {
  return new SwarmError('ERR_SWARM_PROTOCOL', `The remote sent ${what}, which the swarm protocol does not allow`, {
    remote: true,
  });
}
