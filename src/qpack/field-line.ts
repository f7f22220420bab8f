/** One field line: what HTTP calls a header or trailer field with one value (RFC 9110 section 5). */
export interface FieldLine {
  /** The name, one character per byte (U+0000 to U+00FF). HTTP/3 wants lower case; QPACK carries what it is given. */
  readonly name: string;
  /** The value, one character per byte (U+0000 to U+00FF). */
  readonly value: string;
  /**
   * Whether the value must never be compressed into a table, here or on a later hop (the N bit, RFC 9204 section 7.1.3).
   * Given to an encoder: true asks for it, false forbids what the encoder would decide for itself (see `QpackEncoder`),
   * undefined leaves it to the encoder. From a decoder: true where the N bit was set, else absent.
   */
  readonly sensitive?: boolean | undefined;
}

/** What a field line counts beside its bytes, in tables and in limits (RFC 9204 section 3.2.1, RFC 9114 section 4.2.2). */
export const FIELD_OVERHEAD = 32;

/**
 * The size of a field section in bytes, as SETTINGS_MAX_FIELD_SECTION_SIZE counts it (RFC 9114 section 4.2.2): names and
 * values uncompressed, and 32 bytes for each field line.
 */
export function fieldSectionSize(fields: Iterable<FieldLine>): number {
  let size = 0;
  for (const { name, value } of fields) size += name.length + value.length + FIELD_OVERHEAD;
  return size;
}
