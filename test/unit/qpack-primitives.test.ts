import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EntryRing } from '../../src/qpack/entry-ring.js';
import { CODES, CODE_LENGTHS } from '../../src/qpack/huffman-code.js';
import { decodeHuffman, encodeHuffman, huffmanLength } from '../../src/qpack/huffman.js';
import { latin1 } from '../../src/qpack/latin1.js';
import { INCOMPLETE, OVERLONG, PrefixReader } from '../../src/qpack/prefix-reader.js';
import { PrefixWriter } from '../../src/qpack/prefix-writer.js';
import { STATIC_TABLE } from '../../src/qpack/static-table.js';
import { hex, integer, toHex } from '../support/qpack.js';

function encoded(text: string): Uint8Array {
  const bytes = new Uint8Array(huffmanLength(text));
  assert.equal(encodeHuffman(text, bytes, 0), bytes.length);
  return bytes;
}

const decoded = (bytes: Uint8Array): string | undefined => decodeHuffman(bytes, 0, bytes.length);

const every = String.fromCharCode(...Array.from({ length: 256 }, (_, code) => code));

describe('Huffman code', () => {
  it('is the one of RFC 7541 appendix B', () => {
    const samples: readonly (readonly [number, number, number])[] = [
      [0, 0x1ff8, 13],
      [9, 0xffffea, 24],
      [10, 0x3ffffffc, 30],
      [0x20, 0x14, 6],
      [0x30, 0x0, 5],
      [0x41, 0x21, 6],
      [0x5c, 0x7fff0, 19],
      [0x7a, 0x7b, 7],
      [0x7e, 0x1ffd, 13],
      [0x80, 0xfffe6, 20],
      [0xcf, 0x1ffffed, 25],
      [0xf9, 0xffffffe, 28],
      [0xff, 0x3ffffee, 26],
    ];
    for (const [symbol, code, length] of samples) {
      assert.deepEqual([CODES[symbol], CODE_LENGTHS[symbol]], [code, length], `symbol ${symbol}`);
    }
  });

  it('fills the code space but for EOS', () => {
    let sum = 2 ** -30;
    for (const length of CODE_LENGTHS) sum += 2 ** -length;
    assert.equal(sum, 1);
  });

  it('encodes and decodes the examples of RFC 7541 appendix C', () => {
    const examples = {
      'www.example.com': 'f1e3c2e5f23a6ba0ab90f4ff',
      'no-cache': 'a8eb10649cbf',
      'custom-key': '25a849e95ba97d7f',
      'custom-value': '25a849e95bb8e8b4bf',
      '302': '6402',
      private: 'aec3771a4b',
      'Mon, 21 Oct 2013 20:13:21 GMT': 'd07abe941054d444a8200595040b8166e082a62d1bff',
      'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1':
        '94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
    };
    for (const [text, bytes] of Object.entries(examples)) {
      assert.equal(toHex(encoded(text)), bytes);
      assert.equal(decoded(hex(bytes)), text);
    }
  });

  it('takes every pair of bytes', () => {
    for (let first = 0; first < 256; first++) {
      for (let second = 0; second < 256; second++) {
        const text = String.fromCharCode(first, second);
        if (decoded(encoded(text)) !== text) assert.fail(`bytes ${first} and ${second}`);
      }
    }
  });

  it('takes long strings of all bytes', () => {
    const text = every.repeat(100);
    assert.equal(decoded(encoded(text)), text);
    assert.equal(decoded(new Uint8Array(0)), '');
  });

  it('refuses padding that is not all ones, and padding of a whole byte', () => {
    assert.equal(decoded(hex('1f')), 'a'); // 00011 111
    for (const wrong of ['18', '1e', '1b', '1fff', 'ff', 'ffff', 'ffffff', '07ff']) {
      assert.equal(decoded(hex(wrong)), undefined, wrong);
    }
  });

  it('refuses EOS within a string', () => {
    assert.equal(decoded(hex('ffffffff')), undefined);
    assert.equal(decoded(hex('fffffffc')), undefined);
    assert.equal(decoded(hex('1fffffffff00')), undefined);
  });

  it('refuses every string of which the end is missing, or gives a shorter one', () => {
    const text = `x${every}y`;
    const bytes = encoded(text);
    for (let length = 0; length < bytes.length; length++) {
      const part = decodeHuffman(bytes, 0, length);
      assert.ok(part === undefined || (text.startsWith(part) && part.length < text.length), `${length} bytes`);
    }
  });

  it('says which characters are no bytes', () => {
    assert.equal(huffmanLength('\u0100'), -1);
    assert.equal(huffmanLength('\u00ff'), 4);
  });
});

describe('strings of bytes', () => {
  it('have one character for each byte, whatever their length', () => {
    for (let length = 0; length < 300; length++) {
      const low = Uint8Array.from({ length }, (_, index) => index & 0x7f);
      const high = Uint8Array.from({ length }, (_, index) => 255 - (index & 0xff));
      for (const bytes of [low, high]) {
        assert.equal(latin1(bytes, 0, length), Buffer.from(bytes).toString('latin1'), `${length} bytes`);
      }
    }
  });
});

describe('prefixed integers', () => {
  const values = [0, 1, 6, 7, 14, 15, 30, 31, 62, 63, 126, 127, 128, 254, 255, 256, 1337, 16_511, 2 ** 21, 2 ** 31];
  const large = [2 ** 32, 2 ** 40 + 1, Number.MAX_SAFE_INTEGER];

  it('are written and read with every prefix', () => {
    for (let prefix = 3; prefix <= 8; prefix++) {
      const flags = (0xff << prefix) & 0xff;
      for (const value of [...values, ...large]) {
        const writer = new PrefixWriter();
        writer.integer(flags, prefix, value);
        const bytes = writer.take();
        assert.deepEqual(bytes, integer(flags, prefix, value), `${value} with ${prefix} bits`);
        const reader = new PrefixReader();
        reader.reset(bytes);
        assert.equal(reader.integer(prefix), value);
        assert.equal(reader.position, bytes.length);
        for (let end = 0; end < bytes.length; end++) {
          reader.reset(bytes.subarray(0, end));
          assert.equal(reader.integer(prefix), INCOMPLETE);
          assert.equal(reader.position, 0);
        }
      }
    }
  });

  // @rfc 9204#4.1.1-1
  it('are read up to 62 bits, rounded above 53', () => {
    const reader = new PrefixReader();
    reader.reset(integer(0, 3, 2n ** 62n - 1n));
    assert.equal(reader.integer(3), 2 ** 62);
  });

  it('are refused when they go on and on', () => {
    const reader = new PrefixReader();
    reader.reset(hex('1f 80 80 80 80 80 80 80 80 80 80 80 00'));
    assert.equal(reader.integer(5), OVERLONG);
    reader.reset(hex('1f 80 80 80 80 80 80 80 80 80 00'));
    assert.equal(reader.integer(5), 31, 'zeros that say nothing are no fault');
  });
});

describe('static table', () => {
  it('has the 99 entries of RFC 9204 appendix A', () => {
    assert.equal(STATIC_TABLE.length, 99);
    const samples: Record<number, [string, string]> = {
      0: [':authority', ''],
      1: [':path', '/'],
      17: [':method', 'GET'],
      25: [':status', '200'],
      29: ['accept', '*/*'],
      46: ['content-type', 'application/json'],
      58: ['strict-transport-security', 'max-age=31536000; includesubdomains; preload'],
      63: [':status', '100'],
      72: ['accept-language', ''],
      85: ['content-security-policy', "script-src 'none'; object-src 'none'; base-uri 'none'"],
      98: ['x-frame-options', 'sameorigin'],
    };
    for (const [index, [name, value]] of Object.entries(samples)) {
      assert.deepEqual(STATIC_TABLE[Number(index)], { name, value });
    }
  });
});

describe('the ring of a dynamic table', () => {
  it('keeps what is at an index, also when it grows after something was dropped', () => {
    const ring = new EntryRing<string>();
    for (let index = 0; index < 300; index++) {
      ring.push(`${index}`);
      if (index % 5 < 2) assert.equal(ring.shift(), `${ring.dropped - 1}`);
      assert.equal(ring.get(ring.dropped - 1), undefined);
      assert.equal(ring.get(ring.inserted), undefined);
      for (let at = ring.dropped; at < ring.inserted; at++) assert.equal(ring.get(at), `${at}`);
    }
    assert.equal(ring.inserted - ring.dropped, 180);
  });

  it('goes on beyond 2^32 insertions', () => {
    const ring = new EntryRing<string>();
    ring.inserted = 2 ** 32 - 3;
    ring.dropped = ring.inserted;
    for (let index = 0; index < 20; index++) ring.push(`${index}`);
    for (let index = 0; index < 20; index++) assert.equal(ring.get(2 ** 32 - 3 + index), `${index}`);
  });
});
