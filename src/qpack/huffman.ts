import {
  CODES,
  CODE_LENGTHS,
  FIRST_CODES,
  FIRST_POSITIONS,
  MAX_CODE_LENGTH,
  SHORTEST_CODE_LENGTH,
  SYMBOLS,
} from './huffman-code.js';
import { latin1 } from './latin1.js';

/** Codes up to this length are decoded by one look-up; all letters, digits and common signs are among them. */
const FAST_BITS = 10;
const FAST_MASK = (1 << FAST_BITS) - 1;

/** By the next bits: length of the code in the high byte and symbol in the low one; 0 where the code is longer. */
const fast = new Uint16Array(1 << FAST_BITS);
for (let symbol = 0; symbol < 256; symbol++) {
  const length = CODE_LENGTHS[symbol] as number;
  if (length > FAST_BITS) continue;
  const first = (CODES[symbol] as number) << (FAST_BITS - length);
  fast.fill((length << 8) | symbol, first, first + (1 << (FAST_BITS - length)));
}

/** Where decoded bytes lie before they become a string. Larger strings get an array of their own. */
const shared = new Uint8Array(8192);

/** At most so many bytes come out of `length` bytes: no code is shorter than five bits. */
const decodedBound = (length: number): number => Math.floor((length * 8) / SHORTEST_CODE_LENGTH);

/** The code that the next 32 bits begin with: its length in the high byte and symbol in the low one, or 0 for EOS. */
function slowDecode(window: number): number {
  let length = FAST_BITS + 1;
  while (length <= MAX_CODE_LENGTH && window >= (FIRST_CODES[length + 1] as number)) length++;
  const offset = (window - (FIRST_CODES[length] as number)) >>> (32 - length);
  const position = (FIRST_POSITIONS[length] as number) + offset;
  return position >= 256 ? 0 : (length << 8) | (SYMBOLS[position] as number);
}

/** The 32 bits from a bit on; behind the end come ones, as in the padding. */
function windowAt(bytes: Uint8Array, bit: number, end: number): number {
  let at = bit >>> 3;
  let high = 0;
  for (let index = 0; index < 4; index++, at++) high = (high << 8) | (at < end ? (bytes[at] as number) : 0xff);
  const shift = bit & 7;
  const low = at < end ? (bytes[at] as number) : 0xff;
  return ((high << shift) | (low >>> (8 - shift))) >>> 0;
}

/**
 * The string that bytes hold in Huffman code (RFC 7541 section 5.2), or undefined if they hold none: EOS within,
 * padding of more than seven bits, or padding that is not all ones.
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number): string | undefined {
  const bound = decodedBound(end - start);
  const output = bound <= shared.length ? shared : new Uint8Array(bound);
  let length = 0;
  let at = start;
  let bits = 0; // valid bits in the accumulator, the lowest ones
  let accumulator = 0;
  for (;;) {
    while (bits <= 24 && at < end) {
      accumulator = (accumulator << 8) | (bytes[at++] as number);
      bits += 8;
    }
    if (bits === 0) break;
    const missing = FAST_BITS - bits;
    const next = missing <= 0 ? accumulator >>> -missing : (accumulator << missing) | ((1 << missing) - 1);
    const found = fast[next & FAST_MASK] as number;
    if (found !== 0) {
      bits -= found >>> 8;
      if (bits < 0) return undefined;
      output[length++] = found;
      continue;
    }
    // The padding, which is the beginning of EOS: all ones. Or a longer code.
    const position = at * 8 - bits;
    const left = end * 8 - position;
    if (left < 8 && (~accumulator & ((1 << left) - 1)) === 0) break;
    const window = windowAt(bytes, position, end);
    const slow = slowDecode(window);
    if (slow === 0 || slow >>> 8 > left) return undefined;
    output[length++] = slow;
    const continued = position + (slow >>> 8);
    at = (continued + 7) >>> 3;
    bits = at * 8 - continued;
    accumulator = bits > 0 ? (bytes[at - 1] as number) : 0;
  }
  return latin1(output, 0, length);
}

/** Bytes of a string in Huffman code, or -1 if a character is no byte. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let at = 0; at < text.length; at++) {
    const symbol = text.charCodeAt(at);
    if (symbol > 0xff) return -1;
    bits += CODE_LENGTHS[symbol] as number;
  }
  return (bits + 7) >>> 3;
}

/** Writes a string in Huffman code from `at` on, and says where it ends. */
export function encodeHuffman(text: string, bytes: Uint8Array, at: number): number {
  let accumulator = 0;
  let bits = 0; // not written yet: at most 7 between two characters
  for (let index = 0; index < text.length; index++) {
    const symbol = text.charCodeAt(index);
    let code = CODES[symbol] as number;
    let length = CODE_LENGTHS[symbol] as number;
    if (length > 24) {
      // 7 bits left and 30 more do not fit into 32.
      const low = length - 16;
      accumulator = (accumulator << 16) | (code >>> low);
      bits += 16;
      while (bits >= 8) {
        bits -= 8;
        bytes[at++] = accumulator >>> bits;
      }
      code &= (1 << low) - 1;
      length = low;
    }
    accumulator = (accumulator << length) | code;
    bits += length;
    while (bits >= 8) {
      bits -= 8;
      bytes[at++] = accumulator >>> bits;
    }
  }
  if (bits > 0) bytes[at++] = (accumulator << (8 - bits)) | (0xff >>> bits);
  return at;
}
