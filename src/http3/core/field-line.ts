/** One field line: what HTTP calls a header or trailer field with one value (RFC 9110 section 5). */
export interface FieldLine {
  /** The name, one character per byte (U+0000 to U+00FF); lower case in HTTP/3. */
  readonly name: string;
  /** The value, one character per byte (U+0000 to U+00FF). */
  readonly value: string;
  /** Whether the value must never be compressed into a table, here or on a later hop (RFC 9204 section 7.1.3). */
  readonly sensitive?: boolean | undefined;
}
