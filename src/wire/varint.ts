/**
 * Variable-length integers of QUIC (RFC 9000 section 16): 1, 2, 4 or 8 bytes, 0 to 2^62 - 1.
 *
 * They are numbers, not BigInts. The rule for what a number cannot hold: a value above 2^53 - 1 is read as the nearest
 * double, which is always above `Number.MAX_SAFE_INTEGER`, so whoever must not round compares with that ({@link
 * isExactVarint}) and refuses; whoever merely ignores or compares large values may use it as it is. Such values cannot
 * be written: the few that a protocol needs are constants in bytes.
 */

/** The largest value that can be written, and the largest that is read exactly: 2^53 - 1. */
export const MAX_EXACT_VARINT = Number.MAX_SAFE_INTEGER;

/** Whether a value that was read is the one on the wire, and not rounded from above 2^53 - 1. */
export function isExactVarint(value: number): boolean {
  return value <= MAX_EXACT_VARINT;
}

/**
 * Bytes of the shortest encoding.
 *
 * @throws RangeError when the value is negative, no integer, or above 2^53 - 1
 */
export function varintLength(value: number): 1 | 2 | 4 | 8 {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} cannot be a variable-length integer`);
  if (value < 0x40) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x4000_0000) return 4;
  return 8;
}

/** Bytes of an encoding, told by its first byte. */
export function varintLengthFromFirst(byte: number): 1 | 2 | 4 | 8 {
  return (1 << (byte >> 6)) as 1 | 2 | 4 | 8;
}

/**
 * Writes the shortest encoding at `offset` and returns the offset behind it.
 *
 * @throws RangeError as {@link varintLength}, and when the array ends before the encoding does
 */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  const length = varintLength(value);
  if (offset < 0 || offset + length > target.length) throw new RangeError('No room for the variable-length integer');
  if (length === 1) {
    target[offset] = value;
  } else if (length === 2) {
    target[offset] = 0x40 | (value >> 8);
    target[offset + 1] = value & 0xff;
  } else if (length === 4) {
    writeUint32(target, offset, value + 0x8000_0000);
  } else {
    const high = Math.floor(value / 0x1_0000_0000);
    writeUint32(target, offset, high + 0xc000_0000);
    writeUint32(target, offset + 4, value - high * 0x1_0000_0000);
  }
  return offset + length;
}

/**
 * Reads the encoding at `offset`, whatever its length (the shortest is not required), or -1 when the array ends before
 * it does. Its length is {@link varintLengthFromFirst} of its first byte.
 */
export function readVarint(source: Uint8Array, offset: number): number {
  const first = source[offset];
  if (first === undefined) return -1;
  const length = varintLengthFromFirst(first);
  if (offset + length > source.length) return -1;
  let value = first & 0x3f;
  for (let index = 1; index < length; index++) value = value * 0x100 + (source[offset + index] ?? 0);
  return value;
}

function writeUint32(target: Uint8Array, offset: number, value: number): void {
  target[offset] = value >>> 24;
  target[offset + 1] = (value >>> 16) & 0xff;
  target[offset + 2] = (value >>> 8) & 0xff;
  target[offset + 3] = value & 0xff;
}
