import { varintLength, writeVarint } from '../../wire/index.js';
import { failMessage } from './errors.js';
import { FrameReader } from './frame-reader.js';

/** Capsule types (RFC 9297 section 5.4). */
export const CAPSULE = {
  /** An HTTP datagram on the data stream of its request. */
  DATAGRAM: 0x00,
} as const;

/** A capsule that has come whole. */
export interface Capsule {
  readonly type: number;
  /** A view on what was received, or memory of its own. */
  readonly value: Uint8Array;
}

/** How a data stream's capsules are read. */
export interface CapsuleReaderOptions {
  /** Types that are wanted; all others are skipped, whatever their length (RFC 9297 section 3.2). */
  readonly types: ReadonlySet<number>;
  /** Longest value of a wanted capsule in bytes; a longer one is malformed. Default: 65,536. Range: 0 to 2^30. */
  readonly maxLength?: number | undefined;
}

/**
 * Reads the capsule protocol (RFC 9297 section 3) from the `data` events of a CONNECT stream. A capsule has the layout of
 * an HTTP/3 frame.
 *
 * Its errors have the scope `'stream'`: the driver aborts the stream with their code (H3_MESSAGE_ERROR).
 */
export class CapsuleReader {
  readonly #frames = new FrameReader();
  readonly #types: ReadonlySet<number>;
  readonly #maxLength: number;

  constructor({ types, maxLength = 65_536 }: CapsuleReaderOptions) {
    this.#types = types;
    this.#maxLength = maxLength;
  }

  /**
   * Takes bytes of the data stream, and returns the capsules that are complete now.
   *
   * @throws Http3Error `ERR_HTTP3_MESSAGE_ERROR` when a wanted capsule is longer than `maxLength`
   */
  receive(bytes: Uint8Array): Capsule[] {
    const frames = this.#frames;
    const capsules: Capsule[] = [];
    frames.feed(bytes);
    for (;;) {
      const step = frames.next();
      if (step === 'more') return capsules;
      if (step === 'frame') capsules.push({ type: frames.type, value: frames.bytes });
      // @rfc 9297#3.2-5 unknown types are skipped
      if (step !== 'header' || !this.#types.has(frames.type)) continue;
      if (frames.length > this.#maxLength) {
        failMessage(
          `A capsule of type 0x${frames.type.toString(16)} has ${frames.length} bytes, more than ${this.#maxLength}`,
        );
      }
      frames.gather();
    }
  }

  /**
   * The data stream has ended.
   *
   * @throws Http3Error `ERR_HTTP3_MESSAGE_ERROR` when it ended inside a capsule
   */
  end(): void {
    // @rfc 9297#3.3-3 a truncated capsule makes the message malformed
    if (!this.#frames.atBoundary) failMessage('The data stream ended inside a capsule');
  }
}

/** A capsule: type, length, value. */
export function encodeCapsule(type: number, value: Uint8Array): Uint8Array {
  const capsule = new Uint8Array(varintLength(type) + varintLength(value.length) + value.length);
  capsule.set(value, writeVarint(capsule, writeVarint(capsule, 0, type), value.length));
  return capsule;
}
