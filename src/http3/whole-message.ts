/** A message that has content and is all there, put together for one write. */

/** Most bytes that are sent as one piece: the pace of the remote is to be seen. */
export const WHOLE_BYTES = 64 * 1024;

/** What goes before content: header sections that take more are rare. */
const HEAD_BYTES = 4096;
const memory = Buffer.allocUnsafeSlow(HEAD_BYTES + WHOLE_BYTES);

/** Where messages are put together, one after the other: the beginning of one goes here. */
export const room = new Uint8Array(memory.buffer, 0, HEAD_BYTES);

const encoder = new TextEncoder();

/** Bytes of content. */
export function lengthOf(content: string | Uint8Array): number {
  return typeof content === 'string' ? Buffer.byteLength(content) : content.length;
}

/** Whether content is surely no longer than {@link WHOLE_BYTES}: a character of a string takes at most three bytes. */
export function fitsWhole(content: string | Uint8Array): boolean {
  return content.length <= (typeof content === 'string' ? WHOLE_BYTES / 3 : WHOLE_BYTES);
}

/** Content as bytes; a string in UTF-8. */
export function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? encoder.encode(content) : content;
}

/**
 * Puts content behind the beginning of its message in {@link room}.
 *
 * @param begin bytes of that beginning
 * @param length that of the content, in bytes
 * @returns the whole: a view that is good until the next message
 */
export function addContent(begin: number, content: string | Uint8Array, length: number): Uint8Array {
  if (typeof content !== 'string') memory.set(content, begin);
  // As many bytes as characters: they are ASCII.
  else memory.write(content, begin, length, length === content.length ? 'latin1' : 'utf8');
  return new Uint8Array(memory.buffer, 0, begin + length);
}
