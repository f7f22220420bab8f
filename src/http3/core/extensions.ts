/** Code points of skein's own extension, as docs/extensions.md describes it. The setting is `SETTING.SKEIN_RAW_STREAMS`. */

/** First value of a bidirectional stream that is a raw stream and no request. */
export const RAW_STREAM_SIGNAL = 0x3373_6b6e;

/** The N-th value of the form that is reserved for exercising extension points (RFC 9114 sections 6.2.3, 7.2.4.1, 7.2.8). */
export function reservedValue(n: number): number {
  return 0x1f * n + 0x21;
}

/** Whether a value is of that form. */
export function isReservedValue(value: number): boolean {
  return value >= 0x21 && (value - 0x21) % 0x1f === 0;
}
