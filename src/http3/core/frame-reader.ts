import { VarintReader } from './varint-reader.js';

/** Frame types (RFC 9114 section 7.2, RFC 9218 section 7.2). */
export const FRAME = {
  DATA: 0x00,
  HEADERS: 0x01,
  CANCEL_PUSH: 0x03,
  SETTINGS: 0x04,
  PUSH_PROMISE: 0x05,
  GOAWAY: 0x07,
  MAX_PUSH_ID: 0x0d,
  PRIORITY_UPDATE_REQUEST: 0xf0700,
  PRIORITY_UPDATE_PUSH: 0xf0701,
} as const;

/** Whether a frame type is one of HTTP/2's that must not occur (RFC 9114 section 7.2.8). */
export function isReservedFrame(type: number): boolean {
  return type === 0x02 || type === 0x06 || type === 0x08 || type === 0x09;
}

/**
 * What {@link FrameReader.next} has found:
 * - `more`: nothing; the bytes are used up
 * - `type`: the type of a frame, in `type`; call `next` again for its length
 * - `header`: type and length of a frame, in `type` and `length`; say `gather()` or `pass()`, or it is skipped
 * - `chunk`: a part of a frame that is passed through, in `bytes`
 * - `frame`: the whole payload of a frame that was gathered, in `bytes`
 */
export type FrameStep = 'more' | 'type' | 'header' | 'chunk' | 'frame';

const nothing = new Uint8Array(0);
/** What is set aside for a gathered payload at first: a frame that only announces its length costs no more. */
const FIRST_ROOM = 512;

/** Splits a stream into frames (RFC 9114 section 7.1), however it is cut into pieces. Pull: `feed` bytes, then `next` until `more`. */
export class FrameReader {
  /** Of the frame at hand. Above 2^53 - 1 they are rounded, and stay above. */
  type = 0;
  length = 0;
  /** A view: of what was fed, or of memory that is this frame's alone. */
  bytes: Uint8Array = nothing;

  #input: Uint8Array = nothing;
  #at = 0;
  readonly #integer = new VarintReader();
  #stage: 'type' | 'length' | 'payload' = 'type';
  #mode: 'skip' | 'pass' | 'gather' = 'skip';
  #left = 0;
  /** What of a gathered payload came in earlier pieces: `#filled` bytes of `#gathered`. */
  #gathered: Uint8Array = nothing;
  #filled = 0;

  /** Gives bytes that follow those before. All of those must have been used up (`more`). */
  feed(bytes: Uint8Array): void {
    this.#input = bytes;
    this.#at = 0;
  }

  /** Takes back what was fed and not used: a view. */
  rest(): Uint8Array {
    const rest = this.#input.subarray(this.#at);
    this.#input = nothing;
    this.#at = 0;
    return rest;
  }

  /** Whether the stream may end here: no frame has begun and not ended. */
  get atBoundary(): boolean {
    if (this.#stage === 'payload') return this.#left === 0;
    return this.#stage === 'type' && !this.#integer.partial;
  }

  /** After `header`: the payload will come whole. The caller has checked `length`. */
  gather(): void {
    this.#mode = 'gather';
  }

  /** After `header`: the payload will come in chunks. */
  pass(): void {
    this.#mode = 'pass';
  }

  next(): FrameStep {
    for (;;) {
      if (this.#stage === 'payload') {
        const step = this.#payload();
        if (step !== undefined) return step;
        continue;
      }
      const end = this.#integer.read(this.#input, this.#at);
      if (end < 0) return this.#usedUp();
      this.#at = end;
      if (this.#stage === 'type') {
        this.type = this.#integer.value;
        this.#stage = 'length';
        return 'type';
      }
      this.length = this.#integer.value;
      this.#left = this.length;
      this.#stage = 'payload';
      this.#mode = 'skip';
      return 'header';
    }
  }

  #payload(): FrameStep | undefined {
    if (this.#left === 0) {
      this.#stage = 'type';
      if (this.#mode !== 'gather') return undefined;
      this.bytes = this.#gathered;
      this.#gathered = nothing;
      this.#filled = 0;
      return 'frame';
    }
    const count = Math.min(this.#left, this.#input.length - this.#at);
    if (count === 0) return this.#usedUp();
    const start = this.#at;
    this.#at += count;
    this.#left -= count;
    if (this.#mode === 'skip') return undefined;
    const part = this.#input.subarray(start, this.#at);
    if (this.#mode === 'pass') {
      this.bytes = part;
      return 'chunk';
    }
    if (this.#filled === 0 && this.#left === 0) this.#gathered = part;
    else this.#collect(part);
    return undefined;
  }

  #collect(part: Uint8Array): void {
    const filled = this.#filled + part.length;
    if (filled > this.#gathered.length) {
      const room = Math.min(this.length, Math.max(filled, this.#gathered.length * 2, FIRST_ROOM));
      const larger = new Uint8Array(room);
      larger.set(this.#gathered.subarray(0, this.#filled));
      this.#gathered = larger;
    }
    this.#gathered.set(part, this.#filled);
    this.#filled = filled;
  }

  #usedUp(): 'more' {
    // Nothing keeps the memory of what was fed alive.
    this.#input = nothing;
    this.#at = 0;
    return 'more';
  }
}
