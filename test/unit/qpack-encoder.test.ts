import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { QpackDecoder, QpackEncoder, type FieldLine } from '../../src/qpack/index.js';
import { decodeLines, field, integer, join, plain, qpackError, toHex, unblockLines, wire } from '../support/qpack.js';

const request: readonly FieldLine[] = [
  field(':method', 'GET'),
  field(':scheme', 'https'),
  field(':authority', 'example.org'),
  field(':path', '/index.html'),
  field('user-agent', 'skein/0.1'),
  field('x-custom', 'something of its own'),
];

function encoderFor(
  settings: { maxTableCapacity?: number; blockedStreams?: number } = {},
  options: ConstructorParameters<typeof QpackEncoder>[0] = {},
): QpackEncoder {
  const encoder = new QpackEncoder(options);
  encoder.setPeerSettings({ maxTableCapacity: 4096, blockedStreams: 100, ...settings });
  return encoder;
}

const usesTable = (section: Uint8Array): boolean => section[0] !== 0;
const refused = (message?: RegExp) => qpackError('ERR_QPACK_DECODER_STREAM', message);

describe('encoding', () => {
  it('without settings of the remote uses no table and no encoder stream', () => {
    const encoder = new QpackEncoder();
    for (let count = 0; count < 3; count++) {
      const section = encoder.encode(0, request);
      assert.ok(!usesTable(section));
      assert.deepEqual(decodeLines(new QpackDecoder({ maxTableCapacity: 0 }), 0, section), request);
    }
    assert.equal(encoder.takeEncoderStream().length, 0);
  });

  it('finds each of few and of many values that one name has in the table, also after some were evicted', () => {
    for (const count of [3, 16, 17, 60]) {
      const encoder = encoderFor({ maxTableCapacity: 16_384 }, { maxTableCapacity: 16_384 });
      const decoder = new QpackDecoder({ maxTableCapacity: 16_384 });
      const send = (streamId: number, fields: readonly FieldLine[]): number => {
        const section = encoder.encode(streamId, fields);
        const instructions = encoder.takeEncoderStream();
        decoder.receiveEncoderStream(instructions);
        assert.deepEqual(plain(decoder.decode(streamId, section)), fields);
        encoder.receiveDecoderStream(decoder.takeDecoderStream());
        return section.length + instructions.length;
      };
      let streamId = 0;
      // A thousand values before, so that most of them are evicted.
      for (let round = 0; round < 1000 / count; round++) {
        const fields = Array.from({ length: count }, (_, index) => field('x-many', `value ${round} ${index}`));
        send((streamId += 4), fields);
        if (round % 20 !== 0) continue;
        // Two or three bytes of prefix, one or two for each index, and nothing inserted again.
        const again = send((streamId += 4), fields);
        if (round === 0) assert.ok(again <= 3 + 2 * count, `${count} values, the second time`);
        assert.ok(send((streamId += 4), fields) <= 3 + 2 * count, `${count} values, round ${round}`);
      }
    }
  });

  // @rfc 9204#3.2.3-3
  it('sends nothing on the encoder stream to a remote without a table', () => {
    for (const maxTableCapacity of [0, 31]) {
      const encoder = encoderFor({ maxTableCapacity });
      encoder.encode(0, request);
      encoder.encode(4, request);
      assert.equal(encoder.takeEncoderStream().length, 0);
    }
  });

  // @rfc 9204#3.2.3-1 @rfc 9204#4.3.1-1 @rfc 9204#4.3.1-3
  it('announces the capacity once, before the first insertion, no larger than both sides allow', () => {
    for (const [remote, own, used] of [
      [4096, 4096, 4096],
      [1000, 4096, 1000],
      [2 ** 60, 500, 500],
    ] as const) {
      const encoder = encoderFor({ maxTableCapacity: remote }, { maxTableCapacity: own });
      encoder.encode(0, request);
      const instructions = encoder.takeEncoderStream();
      const capacity = wire.setCapacity(used);
      assert.equal(toHex(instructions.subarray(0, capacity.length)), toHex(capacity));
      assert.equal(encoder.takeEncoderStream().length, 0);
    }
  });

  it('references what it has inserted, in the same section and in later ones', () => {
    const encoder = encoderFor();
    const decoder = new QpackDecoder();
    const first = encoder.encode(0, request);
    assert.ok(usesTable(first));
    assert.deepEqual(unblockLines(decoder, encoder.takeEncoderStream()), []);
    assert.deepEqual(plain(decoder.decode(0, first)), request);
    encoder.receiveDecoderStream(decoder.takeDecoderStream());
    encoder.encode(4, request); // the path is inserted at the second time
    const third = encoder.encode(8, request);
    assert.equal(third.length, 2 + request.length, 'one byte for each field line');
    decoder.receiveEncoderStream(encoder.takeEncoderStream());
    assert.deepEqual(plain(decoder.decode(8, third)), request);
  });

  it('takes any iterable, of any length', () => {
    const encoder = encoderFor();
    const fields = Array.from({ length: 500 }, (_, index) => field(`name-${index}`, `value ${index}`));
    const section = encoder.encode(0, new Set(fields));
    const decoder = new QpackDecoder();
    decoder.receiveEncoderStream(encoder.takeEncoderStream());
    assert.deepEqual(plain(decoder.decode(0, section)), fields);
  });

  it('refuses characters that are no bytes, and has then changed nothing', () => {
    const encoder = encoderFor();
    const invalid = qpackError('ERR_QPACK_INVALID_FIELD');
    assert.throws(() => encoder.encode(0, [...request, field('x-name', 'caf\u00e9 \u20ac')]), invalid);
    assert.throws(() => encoder.encode(0, [...request, field('x-n\u0100me', '')]), invalid);
    assert.throws(() => encoder.encode(0, [{ ...field('authorization', '\u20ac') }]), invalid);
    const clean = encoderFor();
    assert.deepEqual(encoder.encode(0, request), clean.encode(0, request));
    assert.deepEqual(encoder.takeEncoderStream(), clean.takeEncoderStream());
  });

  it('takes all characters up to U+00FF, and empty strings', () => {
    const all = String.fromCharCode(...Array.from({ length: 256 }, (_, code) => code));
    const fields = [field(all, all), field('', ''), field('x', ''), field('', 'y')];
    const encoder = encoderFor();
    const decoder = new QpackDecoder();
    for (const streamId of [0, 4, 8]) {
      const section = encoder.encode(streamId, fields);
      decoder.receiveEncoderStream(encoder.takeEncoderStream());
      assert.deepEqual(plain(decoder.decode(streamId, section)), fields);
    }
  });

  it('refuses options and settings out of range', () => {
    const invalid = qpackError('ERR_QPACK_INVALID_OPTION');
    for (const value of [-1, 0.5, NaN, Infinity, 2 ** 24 + 1]) {
      assert.throws(() => new QpackEncoder({ maxTableCapacity: value }), invalid);
      assert.throws(() => new QpackDecoder({ maxTableCapacity: value }), invalid);
    }
    assert.throws(() => new QpackEncoder().setPeerSettings({ maxTableCapacity: -1, blockedStreams: 0 }), invalid);
    assert.throws(() => new QpackEncoder().setPeerSettings({ maxTableCapacity: 0, blockedStreams: NaN }), invalid);
  });

  it('finds out when the remote changes the capacity that early data was encoded for', () => {
    const encoder = encoderFor({ maxTableCapacity: 0 });
    encoder.setPeerSettings({ maxTableCapacity: 4096, blockedStreams: 0 });
    encoder.setPeerSettings({ maxTableCapacity: 4096, blockedStreams: 100 });
    for (const maxTableCapacity of [0, 4095, 8192]) {
      assert.throws(() => encoder.setPeerSettings({ maxTableCapacity, blockedStreams: 0 }), refused(/4096/));
    }
  });
});

describe('never-indexed field lines', () => {
  const secret = 'Bearer 0123456789abcdef0123456789abcdef';
  const short = 'id=1';
  const long = `id=${'0123456789'.repeat(4)}`;

  function secondEncoding(line: FieldLine): { decoded: FieldLine; inserted: boolean } {
    const encoder = encoderFor();
    const decoder = new QpackDecoder();
    encoder.encode(0, [line]);
    encoder.encode(4, [line]);
    const section = encoder.encode(8, [line]);
    const instructions = encoder.takeEncoderStream();
    decoder.receiveEncoderStream(instructions);
    const [decoded] = decoder.decode(8, section) ?? assert.fail('blocked');
    return { decoded: decoded ?? assert.fail('nothing'), inserted: usesTable(section) };
  }

  // @rfc 9204#4.5.4-1
  it('are the credentials, and what the caller says', () => {
    for (const line of [
      field('authorization', secret),
      field('proxy-authorization', secret),
      field('cookie', short),
      field('set-cookie', short),
      { name: 'cookie', value: long, sensitive: true },
      { name: ':method', value: 'GET', sensitive: true },
    ]) {
      const expected = { name: line.name, value: line.value, sensitive: true };
      assert.deepEqual(secondEncoding(line), { decoded: expected, inserted: false }, line.name);
    }
  });

  it('are not long cookies, nor what the caller says to be harmless', () => {
    for (const line of [field('cookie', long), { name: 'authorization', value: secret, sensitive: false }]) {
      const { decoded, inserted } = secondEncoding(line);
      assert.deepEqual([decoded.value, decoded.sensitive, inserted], [line.value, undefined, true], line.name);
    }
  });

  it('take their name from the table, never their value', () => {
    const encoder = encoderFor();
    encoder.encode(0, [field('x-token', 'public')]);
    const before = encoder.takeEncoderStream();
    const section = encoder.encode(4, [{ name: 'x-token', value: 'public', sensitive: true }]);
    assert.equal(encoder.takeEncoderStream().length, 0);
    const decoder = new QpackDecoder();
    decoder.receiveEncoderStream(before);
    assert.deepEqual(decodeLines(decoder, 4, section), [{ name: 'x-token', value: 'public', sensitive: true }]);
    assert.ok(section.length < 'x-token'.length + 3);
  });
});

describe('blocked streams', () => {
  // @rfc 9204#2.1.2-1
  it('are never more at risk than the remote allows, nor than this side wants', () => {
    for (const [blockedStreams, maxBlockedStreams] of [
      [3, 100],
      [100, 3],
      [2 ** 60, 3],
    ] as const) {
      const encoder = encoderFor({ blockedStreams }, { maxBlockedStreams });
      const atRisk = [0, 4, 8, 12, 16].filter((streamId) => usesTable(encoder.encode(streamId, request)));
      assert.deepEqual(atRisk, [0, 4, 8]);
      assert.ok(usesTable(encoder.encode(4, request)), 'a stream that is at risk already may be so further');
    }
  });

  it('are none where the remote allows none: entries are used once they are acknowledged', () => {
    const encoder = encoderFor({ blockedStreams: 0 });
    const decoder = new QpackDecoder({ blockedStreams: 0 });
    assert.ok(!usesTable(encoder.encode(0, request)));
    assert.ok(!usesTable(encoder.encode(4, request)));
    const instructions = encoder.takeEncoderStream();
    assert.ok(instructions.length > 0);
    encoder.encode(8, request);
    assert.equal(encoder.takeEncoderStream().length, 0, 'what is on its way is not sent again');
    decoder.receiveEncoderStream(instructions);
    encoder.receiveDecoderStream(decoder.takeDecoderStream());
    const section = encoder.encode(12, request);
    assert.ok(usesTable(section));
    assert.deepEqual(plain(decoder.decode(12, section)), request);
  });

  it('become free with acknowledgments, increments and cancellations', () => {
    for (const freeing of [wire.sectionAcknowledgment(0), wire.insertCountIncrement(1), wire.streamCancellation(0)]) {
      const encoder = encoderFor({ blockedStreams: 1 });
      const line = [field('x-name', 'value')];
      assert.ok(usesTable(encoder.encode(0, line)));
      assert.ok(!usesTable(encoder.encode(4, line)));
      encoder.receiveDecoderStream(freeing);
      assert.ok(usesTable(encoder.encode(8, line)), toHex(freeing));
    }
  });
});

describe('eviction', () => {
  const unique = (index: number): FieldLine[] => [field(`x-name-${index}`, 'v'.repeat(50))];

  // @rfc 9204#2.1.1-1 @rfc 9204#3.2.2-1
  it('waits for acknowledgments', () => {
    const encoder = encoderFor({ maxTableCapacity: 200 });
    assert.ok(usesTable(encoder.encode(0, unique(0))));
    assert.ok(usesTable(encoder.encode(4, unique(1))));
    encoder.takeEncoderStream();
    assert.ok(!usesTable(encoder.encode(8, unique(2))), 'the table is full of unacknowledged entries');
    encoder.receiveDecoderStream(wire.insertCountIncrement(2));
    assert.ok(!usesTable(encoder.encode(12, unique(3))), 'they are there, but referenced by unacknowledged sections');
    encoder.receiveDecoderStream(wire.sectionAcknowledgment(4));
    assert.ok(!usesTable(encoder.encode(16, unique(4))), 'the oldest is still referenced');
    assert.equal(encoder.takeEncoderStream().length, 0);
    encoder.receiveDecoderStream(wire.streamCancellation(0));
    assert.ok(usesTable(encoder.encode(20, unique(5))));
  });

  it('renews entries that are in use instead of sending them again', () => {
    const kept = field('x-kept', 'a value that is in every section');
    const instructionBytes = (...common: readonly FieldLine[]): number => {
      const encoder = encoderFor({ maxTableCapacity: 1000 });
      const decoder = new QpackDecoder({ maxTableCapacity: 1000 });
      let bytes = 0;
      for (let index = 0; index < 100; index++) {
        const fields = [...common, field('x-other', `${index}`), field('x-other', `${index}`)];
        const section = encoder.encode(index * 4, fields);
        const instructions = encoder.takeEncoderStream();
        bytes += instructions.length;
        decoder.receiveEncoderStream(instructions);
        assert.deepEqual(plain(decoder.decode(index * 4, section)), fields);
        encoder.receiveDecoderStream(decoder.takeDecoderStream());
      }
      return bytes;
    };
    const [without, withIt] = [instructionBytes(), instructionBytes(kept)];
    assert.ok(withIt - without < 100, `${withIt - without} bytes to keep one entry in the table`);
  });
});

describe('limits of the encoder', () => {
  it('stop references when too many sections wait for acknowledgment', () => {
    const encoder = encoderFor({}, { maxUnacknowledgedSections: 2 });
    const used = [0, 4, 8].map((streamId) => usesTable(encoder.encode(streamId, request)));
    assert.deepEqual(used, [true, true, false]);
    encoder.receiveDecoderStream(wire.sectionAcknowledgment(0));
    assert.ok(usesTable(encoder.encode(12, request)));
  });

  it('stop insertions when nobody takes the encoder stream', () => {
    const encoder = encoderFor(
      { maxTableCapacity: 2 ** 20 },
      { maxTableCapacity: 2 ** 20, maxEncoderStreamBytes: 100 },
    );
    for (let index = 0; index < 100; index++) encoder.encode(index, [field(`x-${index}`, 'v'.repeat(20))]);
    const { length } = encoder.takeEncoderStream();
    assert.ok(length >= 100 && length < 200, `${length} bytes`);
    assert.ok(usesTable(encoder.encode(1000, [field('y', 'after')])));
  });

  it('stay small with names that never come again', () => {
    const encoder = encoderFor();
    const decoder = new QpackDecoder();
    for (let index = 0; index < 3000; index++) {
      const fields = [field(`x-${index}`, `${index}`)];
      const section = encoder.encode(index * 4, fields);
      decoder.receiveEncoderStream(encoder.takeEncoderStream());
      assert.deepEqual(plain(decoder.decode(index * 4, section)), fields);
      encoder.receiveDecoderStream(decoder.takeDecoderStream());
    }
  });
});

describe('decoder stream', () => {
  // @rfc 9204#4.4.1-1
  it('is refused with an acknowledgment of a section that does not exist', () => {
    const encoder = encoderFor();
    encoder.encode(0, [field(':method', 'GET')]);
    assert.throws(() => encoder.receiveDecoderStream(wire.sectionAcknowledgment(0)), refused(/stream 0/));
    encoder.encode(4, request);
    encoder.receiveDecoderStream(wire.sectionAcknowledgment(4));
    assert.throws(() => encoder.receiveDecoderStream(wire.sectionAcknowledgment(4)), refused());
  });

  // @rfc 9204#4.4.3-1
  it('is refused with an increment of 0, or beyond what was inserted', () => {
    assert.throws(() => encoderFor().receiveDecoderStream(wire.insertCountIncrement(0)), refused());
    assert.throws(() => encoderFor().receiveDecoderStream(wire.insertCountIncrement(1)), refused());
    const encoder = encoderFor();
    encoder.encode(0, [field('x-name', 'value')]);
    assert.throws(() => encoder.receiveDecoderStream(wire.insertCountIncrement(2)), refused(/1 insertions/));
    const acknowledged = encoderFor();
    acknowledged.encode(0, [field('x-name', 'value')]);
    acknowledged.receiveDecoderStream(wire.sectionAcknowledgment(0));
    assert.throws(() => acknowledged.receiveDecoderStream(wire.insertCountIncrement(1)), refused());
  });

  it('is refused with an integer without an end', () => {
    const endless = Uint8Array.from([0xff, ...new Array<number>(12).fill(0x80)]);
    assert.throws(() => encoderFor().receiveDecoderStream(endless), refused(/62 bits/));
  });

  it('may cancel streams that it knows nothing about', () => {
    encoderFor().receiveDecoderStream(join(wire.streamCancellation(0), wire.streamCancellation(2n ** 62n - 1n)));
  });

  it('acknowledges the sections of a stream in their order', () => {
    const encoder = encoderFor({ maxTableCapacity: 200 });
    encoder.encode(0, [field('a', 'v'.repeat(40))]);
    encoder.encode(0, [field('b', 'v'.repeat(40))]);
    encoder.receiveDecoderStream(wire.sectionAcknowledgment(0));
    assert.throws(() => encoder.receiveDecoderStream(wire.insertCountIncrement(2)), refused(/1 insertions/));
    encoder.receiveDecoderStream(wire.sectionAcknowledgment(0));
  });

  it('takes pieces of any size', () => {
    const encoder = encoderFor();
    const streamId = 2 ** 40;
    encoder.encode(streamId, [field('x-name', 'value')]);
    for (const byte of integer(0x80, 7, streamId)) encoder.receiveDecoderStream(Uint8Array.of(byte));
    assert.throws(() => encoder.receiveDecoderStream(wire.sectionAcknowledgment(streamId)), refused());
  });
});
