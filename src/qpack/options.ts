import { QpackError } from './errors.js';

/** Options of a `QpackDecoder`. The first two are what this side's SETTINGS frame must announce. */
export interface QpackDecoderOptions {
  /**
   * SETTINGS_QPACK_MAX_TABLE_CAPACITY: the largest dynamic table that the remote's encoder may use, in bytes as RFC 9204
   * section 3.2.1 counts them. Default: 4096; range: 0 (no dynamic table) to 16,777,216.
   */
  readonly maxTableCapacity?: number | undefined;
  /**
   * SETTINGS_QPACK_BLOCKED_STREAMS: how many streams may wait for table entries at a time. Default: 100; range: 0 (none) to
   * 65,536.
   */
  readonly blockedStreams?: number | undefined;
  /**
   * SETTINGS_MAX_FIELD_SECTION_SIZE: the largest field section, as `fieldSectionSize` counts. Default: 65,536 bytes; range:
   * 0 to 2^53 - 1.
   */
  readonly maxFieldSectionSize?: number | undefined;
  /** The most field lines in one section. Default: 1024; range: 0 to 1,048,576. */
  readonly maxFields?: number | undefined;
  /** Encoded bytes, together, of field sections on blocked streams. Default: 1,048,576; range: 0 to 2^53 - 1. */
  readonly maxBlockedBytes?: number | undefined;
}

/** Options of a `QpackEncoder`. */
export interface QpackEncoderOptions {
  /**
   * The largest dynamic table that this side uses, in bytes, even where the remote allows more; it is memory of both. Default:
   * 4096; range: 0 (no dynamic table) to 16,777,216.
   */
  readonly maxTableCapacity?: number | undefined;
  /** How many streams this side lets run the risk of being blocked, at most. Default: 100; range: 0 to 65,536. */
  readonly maxBlockedStreams?: number | undefined;
  /**
   * Field sections with references to the dynamic table that may wait for their acknowledgment; beyond it sections are
   * encoded without such references. Default: 4096; range: 0 to 1,048,576.
   */
  readonly maxUnacknowledgedSections?: number | undefined;
  /**
   * Bytes for the encoder stream that may wait for `takeEncoderStream`; beyond it nothing is inserted. Default: 65,536;
   * range: 0 to 16,777,216.
   */
  readonly maxEncoderStreamBytes?: number | undefined;
}

/** What the remote's SETTINGS say about its decoder (RFC 9204 section 5). A setting that is absent is 0. */
export interface QpackPeerSettings {
  /** SETTINGS_QPACK_MAX_TABLE_CAPACITY (0x01), in bytes. */
  readonly maxTableCapacity: number;
  /** SETTINGS_QPACK_BLOCKED_STREAMS (0x07). */
  readonly blockedStreams: number;
}

/** The largest table that either side of this package takes part in. */
export const MAX_TABLE_CAPACITY = 2 ** 24;
export const MAX_BLOCKED_STREAMS = 65_536;

/** An option as given, or its default. */
export function count(name: string, value: number | undefined, fallback: number, most: number): number {
  const chosen = value ?? fallback;
  if (Number.isInteger(chosen) && chosen >= 0 && chosen <= most) return chosen;
  throw new QpackError('ERR_QPACK_INVALID_OPTION', `${name} must be an integer from 0 to ${most}, not ${chosen}`);
}
