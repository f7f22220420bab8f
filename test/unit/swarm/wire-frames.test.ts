import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeValue, decodeValueAt, encodeValue } from '../../../src/swarm/wire/codec.js';
import { FRAME } from '../../../src/swarm/wire/codes.js';
import { decodeControl, encodeControl } from '../../../src/swarm/wire/control.js';
import { FrameReader, encodeFrames, frameHeader, writeTextFrame, type Frame } from '../../../src/swarm/wire/frames.js';
import { decodeHead, encodeHead, isMemberId, type ExchangeHead } from '../../../src/swarm/wire/head.js';

const MAX = 1024 * 1024;
const frames: Frame[] = [
  { kind: FRAME.head, payload: Uint8Array.of(1, 2, 3) },
  { kind: FRAME.value, payload: new Uint8Array(0) },
  { kind: FRAME.bytes, payload: new Uint8Array(20_000).fill(7) },
  { kind: FRAME.error, payload: Uint8Array.of(9) },
];

function readAll(reader: FrameReader): Frame[] {
  const read: Frame[] = [];
  for (let frame = reader.next(); frame; frame = reader.next()) {
    read.push({ kind: frame.kind, payload: Uint8Array.from(frame.payload) });
  }
  return read;
}

test('frames are the same in whatever pieces they come', () => {
  const bytes = encodeFrames(...frames);
  for (const size of [1, 2, 3, 7, 1000, 16_384, bytes.length]) {
    const reader = new FrameReader(MAX);
    const read: Frame[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      reader.push(bytes.subarray(at, at + size));
      read.push(...readAll(reader));
    }
    assert.deepEqual(read, frames, `pieces of ${size}`);
    assert.equal(reader.isAtBoundary, true);
  }
});

test('frames in memory that is lent and used again are the same, whenever it is needed elsewhere', () => {
  const bytes = encodeFrames(...frames);
  for (const size of [1, 2, 3, 7, 1000, 16_384, bytes.length]) {
    for (const takenBack of [true, false]) {
      const memory = Buffer.alloc(size);
      const reader = new FrameReader(MAX);
      const read: Frame[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        const piece = bytes.subarray(at, at + size);
        if (reader.isAtBoundary) {
          memory.set(piece);
          reader.lend(memory, piece.length);
        } else {
          reader.push(piece);
        }
        if (takenBack) {
          reader.keep();
          memory.fill(0xee);
        }
        for (let frame = reader.next(); frame; frame = reader.next()) read.push(frame);
        reader.keep();
        memory.fill(0xee);
      }
      assert.deepEqual(
        read.map(({ kind, payload }) => ({ kind, payload: Uint8Array.from(payload) })),
        frames,
        `pieces of ${size}`,
      );
    }
  }
});

test('texts are the same frames whether they are put into bytes first or where they are written', () => {
  const room = Buffer.alloc(16 * 1024, 0xee);
  const lengths = [0, 1, 20, 23, 24, 60, 61, 62, 63, 64, 65, 100, 127, 128, 254, 255, 256, 257, 1000, 5000];
  for (const unit of ['x', '\u00e9', '\u20ac', '\u{1f41f}', '\ufeff']) {
    for (const length of lengths) {
      const text = unit.repeat(length);
      for (const at of [0, 77]) {
        room.fill(0xee);
        const end = writeTextFrame(room, at, text);
        if (text.length > 5400) {
          assert.equal(end, -1);
          continue;
        }
        const payload = encodeValue(text);
        assert.deepEqual(
          Uint8Array.from(room.subarray(at, end)),
          encodeFrames({ kind: FRAME.value, payload }),
          `${length} of ${unit}`,
        );
        const reader = new FrameReader(MAX);
        reader.push(room.subarray(at, end));
        assert.ok(reader.step());
        assert.equal(decodeValueAt(reader.bytes, reader.from, reader.to), text);
      }
    }
  }
});

test('values are read where they are, and refer to nothing there', () => {
  for (const value of ['', 'text', 'x'.repeat(70_000), 7, null, ['a', Uint8Array.of(1, 2, 3)], { text: 'b' }]) {
    const payload = encodeValue(value);
    for (const memory of [new Uint8Array(payload.length + 9), Buffer.alloc(payload.length + 9)]) {
      memory.set(payload, 5);
      const read = decodeValueAt(memory, 5, 5 + payload.length);
      memory.fill(0xee);
      assert.deepEqual(read, value);
    }
  }
  for (const bad of [[0x62, 0x61], [0x61, 0x61, 0x61], [0x78, 5, 0x61], [0x7f, 0x61, 0x61, 0xff], [0x79, 0], []]) {
    assert.throws(() => decodeValueAt(Uint8Array.from(bad), 0, bad.length), { code: 'ERR_SWARM_PROTOCOL' });
  }
});

test('a stream that is cut off anywhere but between two frames is no end', () => {
  const bytes = encodeFrames(
    { kind: FRAME.value, payload: new Uint8Array(70) },
    { kind: FRAME.bytes, payload: Uint8Array.of(1) },
  );
  const ends: number[] = [];
  for (let length = 0; length <= bytes.length; length++) {
    const reader = new FrameReader(MAX);
    reader.push(bytes.subarray(0, length));
    readAll(reader);
    if (reader.isAtBoundary) ends.push(length);
  }
  assert.deepEqual(ends, [0, 73, bytes.length]);
});

test('what is not read as frames any more comes out as it is', () => {
  const reader = new FrameReader(MAX);
  reader.push(Buffer.concat([encodeFrames(frames[0] as Frame), Uint8Array.of(5, 6)]));
  assert.equal(reader.next()?.kind, FRAME.head);
  assert.deepEqual([...reader.takeRest()], [5, 6]);
  assert.equal(reader.takeRest().length, 0);
});

test('a declared length claims no memory, and is refused beyond the limit', () => {
  const reader = new FrameReader(2 ** 40);
  reader.push(frameHeader(FRAME.bytes, 10 * 2 ** 30));
  reader.push(new Uint8Array(10));
  assert.equal(reader.next(), undefined);
  assert.ok(process.memoryUsage().arrayBuffers < 2 ** 30);
  for (const kind of [FRAME.head, FRAME.value, FRAME.bytes, FRAME.error, FRAME.control]) {
    const limited = new FrameReader(MAX);
    limited.push(frameHeader(kind, 10 * 2 ** 30));
    assert.throws(() => limited.next(), { code: 'ERR_SWARM_TOO_LARGE' });
  }
});

test('extensions are skipped, unknown kinds below them refused', () => {
  const reader = new FrameReader(MAX);
  reader.push(
    encodeFrames({ kind: 0x40, payload: new Uint8Array(100) }, frames[0] as Frame, {
      kind: 0x4242,
      payload: new Uint8Array(0),
    }),
  );
  assert.deepEqual(readAll(reader), [frames[0]]);
  assert.equal(reader.isAtBoundary, true);
  const other = new FrameReader(MAX);
  other.push(encodeFrames({ kind: 0x3f, payload: new Uint8Array(1) }));
  assert.throws(() => other.next(), { code: 'ERR_SWARM_PROTOCOL' });
});

const head: ExchangeHead = {
  type: 'publish',
  name: 'topic',
  from: 'a',
  to: 'b',
  hops: 3,
  path: ['a', 'c'],
  timeout: 1000,
  targets: ['b', 'd'],
};

function headPayload(value: ExchangeHead): Uint8Array {
  const reader = new FrameReader(MAX);
  reader.push(encodeHead(value));
  return reader.next()?.payload ?? assert.fail('no frame');
}

test('heads survive the way', () => {
  assert.deepEqual(decodeHead(headPayload(head)), head);
  const plain = { ...head, type: 'request', targets: [] } as const;
  assert.deepEqual(decodeHead(headPayload(plain)), plain);
});

test('heads that are wrong in any place are refused', () => {
  const good = ['request', 'name', 'a', 'b', 3, ['a'], 1000];
  assert.ok(decodeHead(encodeValue(good)));
  const bad: [number, unknown][] = [
    [0, 'dance'],
    [0, 7],
    [1, 7],
    [1, 'x'.repeat(257)],
    [2, ''],
    [2, 'line\nbreak'],
    [3, 'x'.repeat(129)],
    [4, -1],
    [4, 256],
    [4, 1.5],
    [5, 'a'],
    [5, []],
    [5, ['b', 'a']],
    [5, ['a', 7]],
    [5, Array.from({ length: 300 }, () => 'a')],
    [6, 2 ** 31],
    [6, Number.NaN],
    [7, 'targets'],
    [7, ['']],
  ];
  for (const [at, value] of bad) {
    const fields: unknown[] = [...good];
    fields[at] = value;
    assert.throws(
      () => decodeHead(encodeValue(fields)),
      { code: 'ERR_SWARM_PROTOCOL' },
      `field ${at}: ${String(value)}`,
    );
  }
  for (const bytes of [new Uint8Array(0), Uint8Array.of(0xff), encodeValue({}), new Uint8Array(50_000).fill(0x81)]) {
    assert.throws(() => decodeHead(bytes), { code: 'ERR_SWARM_PROTOCOL' });
  }
});

test('ids are what can be read in a log', () => {
  for (const id of ['a', 'agent-1', 'Agent Smith', 'ärmel', 'x'.repeat(128)]) assert.ok(isMemberId(id), id);
  for (const id of ['', ' a', 'a ', 'a\u0000', 'a\tb', '__proto__', 'x'.repeat(129), 7, undefined])
    assert.ok(!isMemberId(id));
});

test('values come back as they were', () => {
  const values = [
    undefined,
    null,
    true,
    0,
    -1,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2n ** 63n,
    'text',
    '',
    [1, [2, []]],
    { a: { b: 1 }, 'key with spaces': null },
    Uint8Array.of(1, 2, 3),
  ];
  for (const value of values) assert.deepEqual(decodeValue(encodeValue(value)), value);
  assert.deepEqual(decodeValue(encodeValue({ a: undefined, b: 1 })), { b: 1 });
});

test('what CBOR has no form for is refused, and nothing reaches prototypes', () => {
  for (const value of [() => 1, Symbol('s'), new Date(), { deep: [() => 1] }]) {
    assert.throws(() => encodeValue(value), { code: 'ERR_SWARM_VALUE' });
  }
  const circular: { self?: unknown } = {};
  circular.self = circular;
  assert.throws(() => encodeValue(circular), { code: 'ERR_SWARM_VALUE' });
  const sneaky = Buffer.concat([
    Uint8Array.of(0xa1, 0x69),
    Buffer.from('__proto__'),
    Uint8Array.of(0xa1, 0x61, 0x78, 1),
  ]);
  const decoded = decodeValue(sneaky) as { x?: number };
  assert.equal(decoded.x, undefined);
  assert.equal(({} as { x?: number }).x, undefined);
  assert.throws(() => decodeValue(Uint8Array.of(0xa2, 0x61, 0x61, 1, 0x61, 0x61, 2)), { code: 'ERR_SWARM_PROTOCOL' });
  assert.throws(() => decodeValue(Buffer.concat([encodeValue(1), encodeValue(2)])), { code: 'ERR_SWARM_PROTOCOL' });
});

test('control messages are checked member by member', () => {
  const message = { t: 'refused', code: 'ERR_SWARM_FULL', message: 'no room' } as const;
  const reader = new FrameReader(MAX);
  reader.push(encodeControl(message));
  assert.deepEqual(decodeControl(reader.next()?.payload ?? new Uint8Array(0)), message);
  for (const wrong of [
    { t: 'refused' },
    { t: 'refused', code: 1, message: '' },
    { ...message, more: 1 },
    'refused',
    [],
  ]) {
    assert.throws(() => decodeControl(encodeValue(wrong)), { code: 'ERR_SWARM_PROTOCOL' });
  }
});
