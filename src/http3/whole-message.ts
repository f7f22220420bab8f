/** A message that has content and is all there, put together for one write. */

/** Most bytes that are sent as one piece: the pace of the remote is to be seen. */
export const WHOLE_BYTES = 64 * 1024;

/** Room that is used again and again. Field sections that do not fit beside the content are rare. */
const room = new Uint8Array(WHOLE_BYTES + 4096);
const encoder = new TextEncoder();

/** Bytes of content. */
export function lengthOf(content: string | Uint8Array): number {
  return typeof content === 'string' ? Buffer.byteLength(content) : content.length;
}

/**
 * A HEADERS frame, the beginning of a DATA frame, and its content.
 *
 * @param length that of the content, in bytes
 * @returns a view that is good until the next call
 */
export function assemble(
  head: Uint8Array,
  frame: Uint8Array,
  content: string | Uint8Array,
  length: number,
): Uint8Array {
  const start = head.length + frame.length;
  const whole = start + length <= room.length ? room.subarray(0, start + length) : new Uint8Array(start + length);
  whole.set(head);
  whole.set(frame, head.length);
  if (typeof content === 'string') encoder.encodeInto(content, whole.subarray(start));
  else whole.set(content, start);
  return whole;
}
