/**
 * The Huffman code of RFC 7541 appendix B, which QPACK uses unchanged. The code is canonical: codes of one length are
 * consecutive numbers in the order of their symbols, and shorter codes come first. So the lengths say everything.
 */

/** Bits of the code of each byte, sixteen to a line. */
// biome-ignore format: a table
const LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, // 0x00
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
   6, 10, 10, 12, 13,  6,  8, 11, 10, 10,  8, 11,  8,  6,  6,  6, // 0x20: space ! " # $ % & ' ( ) * + , - . /
   5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8, 15,  6, 12, 10, // 0x30: 0 to 9 : ; < = > ?
  13,  6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7, // 0x40: @ A to O
   7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8, 13, 19, 13, 14,  6, // 0x50: P to Z [ \ ] ^ _
  15,  5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5, // 0x60: ` a to o
   6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7, 15, 11, 14, 13, 28, // 0x70: p to z { | } ~
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, // 0x80
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, // 0xa0
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, // 0xc0
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, // 0xe0
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
];

/** The longest code; that of EOS, the 257th symbol, which no string may contain, is 30 ones. */
export const MAX_CODE_LENGTH = 30;
export const SHORTEST_CODE_LENGTH = 5;

/** Bits of the code of each byte. */
export const CODE_LENGTHS = Uint8Array.from(LENGTHS);

/** The code of each byte, in the lowest bits. */
export const CODES = new Uint32Array(256);

/** The bytes in the order of their codes. */
export const SYMBOLS = new Uint8Array(256);

/** For each length: the first code of that length, aligned to the left of 32 bits. */
export const FIRST_CODES = new Uint32Array(MAX_CODE_LENGTH + 2);

/** For each length: the position in {@link SYMBOLS} of the first byte with a code of that length. */
export const FIRST_POSITIONS = new Uint16Array(MAX_CODE_LENGTH + 2);

let code = 0;
let position = 0;
for (let length = SHORTEST_CODE_LENGTH; length <= MAX_CODE_LENGTH + 1; length++) {
  FIRST_CODES[length] = length > MAX_CODE_LENGTH ? 0xffffffff : code << (32 - length);
  FIRST_POSITIONS[length] = position;
  for (let symbol = 0; symbol < 256; symbol++) {
    if (LENGTHS[symbol] !== length) continue;
    CODES[symbol] = code++;
    SYMBOLS[position++] = symbol;
  }
  code *= 2;
}
