// node bench/qpack.mjs [--quick] [--rounds N] [--json FILE] [--install]
//
// Measures QPACK alone: field lines per second that an encoder and a decoder of one thread take, on the header lists of
// someone who browses. All sides have their turn in each round; of all rounds the median counts.
//
//   --quick        one round of few lists: does everything still run? The numbers mean nothing.
//   --rounds       rounds; default 9
//   --json FILE    the medians and every sample
//   --install      first installs hpack.js (HPACK, RFC 7541), to compare with, into .tmp/bench-hpack
//
// Each side must give back the field lines that went in: exit code 1 if one does not.
import { deepEqual } from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { hasHpack, hpackVersion, installHpack, loadHpack } from './lib/hpack.mjs';
import { headerLists } from './lib/header-lists.mjs';
import { loadQpack } from './lib/skein.mjs';
import { medians } from './lib/statistics.mjs';

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    json: { type: 'string' },
    install: { type: 'boolean', default: false },
  },
});

/** Encodes and decodes all lists on one connection of QPACK, the two halves timed apart. */
function qpack({ QpackDecoder, QpackEncoder }, capacity, blockedStreams) {
  return (lists) => {
    const encoder = new QpackEncoder();
    const decoder = new QpackDecoder({ maxTableCapacity: capacity, blockedStreams });
    encoder.setPeerSettings({ maxTableCapacity: capacity, blockedStreams });
    const results = [];
    let [encoding, decoding, bytes] = [0, 0, 0];
    for (const [index, fields] of lists.entries()) {
      const begin = performance.now();
      const section = encoder.encode(index * 4, fields);
      const instructions = encoder.takeEncoderStream();
      const middle = performance.now();
      decoder.receiveEncoderStream(instructions);
      const decoded = decoder.decode(index * 4, section);
      results.push(decoded.toArray());
      decoded.release();
      const feedback = decoder.takeDecoderStream();
      const end = performance.now();
      encoder.receiveDecoderStream(feedback);
      encoding += middle - begin + (performance.now() - end);
      decoding += end - middle;
      bytes += section.length + instructions.length;
    }
    return { encoding, decoding, bytes, results };
  };
}

/** The same with hpack.js, which indexes what it is told to: all but what QPACK's encoder leaves out for good. */
function hpack({ compressor, decompressor }) {
  const literal = new Set([':path', 'x-request-id', 'date', 'content-length', 'etag']);
  return (lists) => {
    const table = { maxSize: 4096 };
    const encoder = compressor.create({ table });
    const decoder = decompressor.create({ table });
    const results = [];
    let [encoding, decoding, bytes] = [0, 0, 0];
    for (const fields of lists) {
      const begin = performance.now();
      encoder.write(fields.map(({ name, value }) => ({ name, value, huffman: true, incremental: !literal.has(name) })));
      const block = encoder.read();
      const middle = performance.now();
      decoder.write(block);
      decoder.execute();
      const decoded = [];
      for (let line = decoder.read(); line !== null; line = decoder.read()) decoded.push(line);
      results.push(decoded);
      decoding += performance.now() - middle;
      encoding += middle - begin;
      bytes += block.length;
    }
    return { encoding, decoding, bytes, results };
  };
}

if (flags.install) installHpack();
const skein = await loadQpack();
const sides = {
  'skein, table of 4096 bytes': qpack(skein, 4096, 100),
  'skein, no stream may block': qpack(skein, 4096, 0),
  'skein, no dynamic table': qpack(skein, 0, 0),
  ...(hasHpack() ? { [`hpack.js ${hpackVersion}`]: hpack(loadHpack()) } : {}),
};

const lists = headerLists(flags.quick ? 50 : 4000);
const plain = (results) => results.map((fields) => fields.map(({ name, value }) => ({ name, value })));
const fieldCount = lists.reduce((sum, fields) => sum + fields.length, 0);
const rounds = flags.quick ? 1 : Number(flags.rounds ?? 9);
const samples = Object.fromEntries(Object.keys(sides).map((side) => [side, []]));
for (let round = 0; round < rounds; round++) {
  for (const [side, measure] of Object.entries(sides)) {
    const { encoding, decoding, bytes, results } = measure(lists);
    if (round === 0) deepEqual(plain(results), lists, side);
    samples[side].push({
      encodedPerSecond: (fieldCount / encoding) * 1000,
      decodedPerSecond: (fieldCount / decoding) * 1000,
      bytesPerField: bytes / fieldCount,
    });
  }
}

const byMedian = Object.fromEntries(Object.entries(samples).map(([side, all]) => [side, medians(all)]));
console.log(`${cpus()[0]?.model}, Node ${process.version}, load ${loadavg()[0].toFixed(1)}; ${fieldCount} field lines`);
console.log(`${'field lines per second'.padEnd(30)}${'encoded'.padStart(12)}${'decoded'.padStart(12)}  bytes each`);
for (const [side, { encodedPerSecond, decodedPerSecond, bytesPerField }] of Object.entries(byMedian)) {
  const numbers = [encodedPerSecond, decodedPerSecond].map((value) =>
    Math.round(value).toLocaleString('en').padStart(12),
  );
  console.log(`${side.padEnd(30)}${numbers.join('')}${bytesPerField.toFixed(2).padStart(12)}`);
}
if (!hasHpack()) console.log('hpack.js is not installed: --install does it');
if (flags.json)
  writeFileSync(flags.json, JSON.stringify({ quick: flags.quick, medians: byMedian, samples }, undefined, 2));
