const fromCode = String.fromCharCode;
const ascii = new TextDecoder();

/** From this length on, one call of the platform's decoder costs less than the arguments of String.fromCharCode. */
const LONG = 64;

/** The string whose characters are these bytes (ISO 8859-1): `end` is the position after the last. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  if (end - start >= LONG && isAscii(bytes, start, end)) return ascii.decode(bytes.subarray(start, end));
  let text = '';
  let at = start;
  // Sixteen at a time, without an array for the arguments.
  for (; at + 16 <= end; at += 16) {
    text += fromCode(
      byte(bytes, at),
      byte(bytes, at + 1),
      byte(bytes, at + 2),
      byte(bytes, at + 3),
      byte(bytes, at + 4),
      byte(bytes, at + 5),
      byte(bytes, at + 6),
      byte(bytes, at + 7),
      byte(bytes, at + 8),
      byte(bytes, at + 9),
      byte(bytes, at + 10),
      byte(bytes, at + 11),
      byte(bytes, at + 12),
      byte(bytes, at + 13),
      byte(bytes, at + 14),
      byte(bytes, at + 15),
    );
  }
  for (; at + 4 <= end; at += 4) {
    text += fromCode(byte(bytes, at), byte(bytes, at + 1), byte(bytes, at + 2), byte(bytes, at + 3));
  }
  for (; at < end; at++) text += fromCode(byte(bytes, at));
  return text;
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  let all = 0;
  for (let at = start; at < end; at++) all |= byte(bytes, at);
  return all < 0x80;
}
