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
export function writeFrame(into: Uint8Array, at: number, { kind, payload }: Frame): number {
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

/**
 * Cuts a byte stream into frames. Bytes go in by `push` in whatever pieces they come; `next` gives the frames. A declared
 * length claims no memory before its bytes have come.
 */
export class FrameReader {
  readonly #maxMessageBytes: number;
  readonly #maxControlBytes: number;
  #input: Uint8Array = EMPTY;
  #at = 0;
  /** Payload under way that has not come whole, and how much of it has. */
  #kind = 0;
  #length = -1;
  #partial: Uint8Array = EMPTY;
  #filled = 0;

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
    return this.#length < 0 && this.#at === this.#input.length;
  }

  /** Bytes that no frame was made of yet, out of the reader. To be called between two frames only. */
  takeRest(): Uint8Array {
    const rest = this.#input.subarray(this.#at);
    this.#at = this.#input.length;
    return rest;
  }

  push(bytes: Uint8Array): void {
    if (this.#at === this.#input.length) {
      this.#input = bytes;
    } else {
      const rest = this.#input.length - this.#at;
      const joined = new Uint8Array(rest + bytes.length);
      joined.set(this.#input.subarray(this.#at));
      joined.set(bytes, rest);
      this.#input = joined;
    }
    this.#at = 0;
  }

  /** The next whole frame, extensions left out; `undefined` when more bytes are needed. @throws SwarmError */
  next(): Frame | undefined {
    for (;;) {
      if (this.#length < 0 && !this.#readHeader()) return undefined;
      const payload = this.#readPayload();
      if (!payload) return undefined;
      const kind = this.#kind;
      this.#length = -1;
      if (kind < FIRST_EXTENSION_FRAME) return { kind, payload };
    }
  }

  #readHeader(): boolean {
    const kind = readVarint(this.#input, this.#at);
    if (kind < 0) return this.#headerIncomplete();
    const lengthAt = this.#at + varintLengthFromFirst(this.#input[this.#at] ?? 0);
    const length = readVarint(this.#input, lengthAt);
    if (length < 0) return this.#headerIncomplete();
    const limit = this.#limitOf(kind);
    if (length > limit) {
      throw new SwarmError(
        'ERR_SWARM_TOO_LARGE',
        `A frame of ${length} bytes is larger than the limit of ${limit}; send less, or raise maxMessageBytes on both sides`,
        { remote: true },
      );
    }
    this.#at = lengthAt + varintLengthFromFirst(this.#input[lengthAt] ?? 0);
    this.#kind = kind;
    this.#length = length;
    return true;
  }

  #headerIncomplete(): false {
    // Headers are short, so what waits for its rest is copied out of the way of the next piece cheaply.
    if (this.#input.length - this.#at >= LONGEST_HEADER) throw protocolError('a frame header that has no end');
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

  #readPayload(): Uint8Array | undefined {
    const available = this.#input.length - this.#at;
    if (this.#filled === 0 && available >= this.#length) {
      const payload = this.#input.subarray(this.#at, this.#at + this.#length);
      this.#at += this.#length;
      return payload;
    }
    const taken = Math.min(available, this.#length - this.#filled);
    this.#grow(this.#filled + taken);
    this.#partial.set(this.#input.subarray(this.#at, this.#at + taken), this.#filled);
    this.#at += taken;
    this.#filled += taken;
    if (this.#filled < this.#length) return undefined;
    const payload = this.#partial.subarray(0, this.#length);
    this.#partial = EMPTY;
    this.#filled = 0;
    return payload;
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
