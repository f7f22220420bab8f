/** Content coded by Zstandard, for runtimes whose zlib cannot make any (Node 20). */

const VOCABULARY = ['agents', 'find', 'each other', 'share', 'work', 'and', 'survive', 'changing', 'networks'];

/** Text that compresses, but not to nothing. */
export const WORDS = words();

/** `WORDS`, as `zlib.zstdCompressSync` of Node 24 codes it, with a checksum: entropy-coded literals and sequences. */
export const CODED_WORDS = Buffer.from(
  [
    'KLUv/WS6Dw0ZANKEDhLANQfUZPnSgyRp2VxVkanBgQF11VXX/8DX9esaoZHn79QFqLRDpk7cDjKsgS+CheBPWCophVNBmiGBkaiRSwpSpzUhBB',
    'FFsmDKGxFAEGIkyiSqopkkaTdkLaosM06mTUncpGpRjXBPGtrXifQw/prDpPkcPE3Fs5Sf+j468l6vMX8Mk7tn3E8KK6z3C47UOy0SN/JDuJaV',
    'EHR+iumSYcYmgukbAIUJta8TfRbIA7kugjARPujxxjSlbIXytSWaU0rAG4pFSaufEoiVJme47atSkyo6VMAuVTSD0Q34BcwlPCYvMyaaBbkOhr',
    'hpKhZXv2papVYOryBW2tQi2GU0gDx/rf7nzhzZj+oo28Yo6EZtMPjOKVXmtLQOVNXaU4f9tyNsJ4/JKyNG6i58hQp0lxl6Fm0ttBw0qc6jfywp',
    'aN43bRIlrDjIrIjlWSL9JlEsl+gKmqD8mkuVWyxcP/c+/VRg3fJryHEpHXFq4bt64DJy+us1L7tIMTnAImWvusiNcdWGdOYiX+3LeXJN8KVAfC',
    '0Bhefq7eg9MNWBPEnC9oFUWbNh08nKXO9e1Alvarpoh+Qy8+54P/mIMYwPk4MI8qReMGwki890xNINreYauiVrUOPQRIXNeLwCR3+s1w4NPYlJ',
    'ZlUQcHmGm2wjUpWTvtkxYzWPujgUBrHOOVrgpuRqX2S0rEDJHU4/42jFZp9CWVyA1Mzn3+w9AQfQ8pL+ef+Xy5aOduX1KFihI3LNGWn2cPX1w+',
    'uvVE0wwjdKFsK1GxRmxDvIobKCLdfYTki7YEIfkc/1QWyHJbYMQGzxHEdjIJjJysQrSKHGuFpTss2IhljFlBFd0WJlA4FGzAcQ8zlAKQEhWiv4',
    'yWwF1hlN0OTtdbyDXDAQbIS1T4ijV9tnnFdvrbio+tMgyvY+OcccA818UCfSTeCSc4zAE+rtfCsv8WUOcooPgtf2gQj+ZU/sVkFnOzqad9JBAs',
    'da2131gkIQHG1GdQgjPwsEfo2jEYfJllSI91di0CzmGa439nOTvi9eDkfrG0BsSIs1BOTqDcFT009sOLAMBYBycIf1B+ibGOk=',
  ].join(''),
  'base64',
);

function words(): string {
  let state = 1;
  let text = '';
  for (let index = 0; index < 600; index++) {
    state = (state * 48_271) % 2_147_483_647;
    text += `${VOCABULARY[state % VOCABULARY.length]}${index % 12 === 11 ? '.\n' : ' '}`;
  }
  return text;
}

/** A block of a frame: bytes as they are, or one byte so many times. At most 131,072 of them. */
export type Block = Uint8Array | { readonly byte: number; readonly times: number };

/** A frame (RFC 8878 section 3.1.1) with a window of 2 to the power `windowLog`, and no checksum. */
export function zstdFrame(blocks: readonly Block[], windowLog = 17): Buffer {
  const parts = [Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, (windowLog - 10) << 3)];
  blocks.forEach((block, index) => {
    const raw = block instanceof Uint8Array;
    const header = Buffer.alloc(3);
    const last = index === blocks.length - 1 ? 1 : 0;
    header.writeUIntLE(last | (raw ? 0 : 2) | ((raw ? block.length : block.times) << 3), 0, 3);
    parts.push(header, raw ? Buffer.from(block) : Buffer.of(block.byte));
  });
  return Buffer.concat(parts);
}

/** A frame that decoders pass over (RFC 8878 section 3.1.2). */
export function skippableFrame(length: number): Buffer {
  const header = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
  header.writeUInt32LE(length, 4);
  return Buffer.concat([header, Buffer.alloc(length, 0xff)]);
}
