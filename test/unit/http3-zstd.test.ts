import assert from 'node:assert/strict';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { ZstdDecoder } from '../../src/http3/client/codings/zstd.js';
import { windowSize } from '../../src/http3/client/codings/zstd-header.js';
import { pattern } from '../support/http3.js';
import { CODED_WORDS, skippableFrame, WORDS, zstdFrame } from '../support/zstd.js';

const MIB = 2 ** 20;

/** Decodes what comes in these pieces. */
async function decode(pieces: readonly Uint8Array[]): Promise<Buffer> {
  const decoder = new ZstdDecoder();
  const decoded = buffer(decoder);
  for (const piece of pieces) decoder.write(piece);
  decoder.end();
  return decoded;
}

function inPieces(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}

describe('zstd', () => {
  test('decodes what another implementation coded, whole and one byte at a time', async () => {
    assert.equal(String(await decode([CODED_WORDS])), WORDS);
    assert.equal(String(await decode(inPieces(CODED_WORDS, 1))), WORDS);
  });

  test('decodes frames one after the other, empty and skippable ones among them', async () => {
    const coded = [CODED_WORDS, skippableFrame(70_000), zstdFrame([new Uint8Array(0)]), CODED_WORDS, skippableFrame(0)];
    for (const size of [100_000, 5, 64 * 1024]) {
      assert.equal(String(await decode(inPieces(Buffer.concat(coded), size))), WORDS + WORDS);
    }
  });

  test('content of nothing is nothing', async () => {
    assert.equal((await decode([])).length, 0);
  });

  test('many megabytes come out as they went in', async () => {
    const content = pattern(100_000);
    const blocks = Array.from({ length: 200 }, (_, index) =>
      index % 2 === 0 ? content : { byte: index, times: 131_072 },
    );
    const expected = Buffer.concat(
      blocks.map((block) => (block instanceof Uint8Array ? block : Buffer.alloc(block.times, block.byte))),
    );
    const decoded = await decode(inPieces(zstdFrame(blocks, 23), 30_011));
    assert.ok(decoded.equals(expected));
  });

  test('content that ends early is an error, wherever it ends', async () => {
    for (let length = 1; length < CODED_WORDS.length; length += length < 40 ? 1 : 97) {
      await assert.rejects(decode([CODED_WORDS.subarray(0, length)]), `${length} bytes`);
    }
  });

  test('a wrong byte is an error: the checksum finds it at the latest', async () => {
    for (let at = 0; at < CODED_WORDS.length; at += 31) {
      const wrong = Buffer.from(CODED_WORDS);
      wrong[at]! ^= 0x10;
      await assert.rejects(decode([wrong]), `byte ${at}`);
    }
    await assert.rejects(decode([Buffer.from('plain text, and no zstd at all')]));
    await assert.rejects(decode([CODED_WORDS, Buffer.from('and more behind it')]));
  });

  test('a window of 8 MiB is taken, a larger one refused (RFC 9659)', async () => {
    const content = Buffer.from('content');
    assert.ok((await decode([zstdFrame([content], 23)])).equals(content));
    await assert.rejects(decode([zstdFrame([content], 24)]));
    await assert.rejects(decode(inPieces(zstdFrame([content], 31), 1)));
    // Not only in the first frame.
    await assert.rejects(decode([Buffer.concat([zstdFrame([content]), zstdFrame([content], 30)])]));
  });

  test('what is decoded is there before the next piece comes', { timeout: 10_000 }, async () => {
    const decoder = new ZstdDecoder();
    const frame = zstdFrame([Buffer.from('a'), Buffer.from('b')]);
    decoder.write(frame.subarray(0, 10));
    const [first] = (await once(decoder, 'data')) as [Buffer];
    assert.equal(String(first), 'a');
    const second = once(decoder, 'data');
    decoder.end(frame.subarray(10));
    assert.equal(String((await second)[0]), 'b');
    await once(decoder, 'end');
  });

  test('a few bytes that stand for gigabytes are decoded as they are read', { timeout: 30_000 }, async () => {
    const decoder = new ZstdDecoder();
    const bomb = zstdFrame(Array.from({ length: 10_000 }, () => ({ byte: 0, times: 131_072 })));
    decoder.end(bomb);
    let bytes = 0;
    for await (const chunk of decoder as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      assert.ok(decoder.readableLength <= MIB, `${decoder.readableLength} bytes wait`);
      if (bytes > 20 * MIB) break;
    }
    assert.ok(decoder.destroyed);
  });
});

test('the memory of libzstd is used again', { timeout: 60_000 }, async () => {
  const content = zstdFrame([pattern(100_000), { byte: 7, times: 131_072 }], 23);
  const unfinished = Array.from({ length: 4 }, () => new ZstdDecoder());
  for (const decoder of unfinished) {
    decoder.write(content.subarray(0, 50_000));
    await once(decoder, 'readable');
    decoder.destroy();
  }
  // 400 windows of 8 MiB would be more memory than WebAssembly has addresses for.
  for (let count = 0; count < 400; count++) {
    if (count % 2 === 0) assert.equal((await decode([content])).length, 231_072);
    else await assert.rejects(decode([content.subarray(0, 50_000)]));
  }
});

test('the window of a frame is read from its header', () => {
  assert.equal(windowSize(zstdFrame([], 20)), MIB);
  assert.equal(windowSize(Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, 7)), 1024 + 7 * 128);
  assert.equal(windowSize(skippableFrame(3)), 0);
  assert.equal(windowSize(Buffer.from('text')), 0);
  for (const [descriptor, rest, expected] of [
    [0x20, [9], 9],
    [0x60, [1, 0], 257],
    [0xa3, [9, 9, 9, 9, 0, 0, 16, 0], MIB],
    [0xe1, [9, 0, 0, 0, 0, 1, 0, 0, 0], 2 ** 32],
  ] as const) {
    const header = Buffer.of(0x28, 0xb5, 0x2f, 0xfd, descriptor, ...rest);
    assert.equal(windowSize(header), expected);
    for (let length = 0; length < header.length; length++)
      assert.equal(windowSize(header.subarray(0, length)), undefined);
  }
});
