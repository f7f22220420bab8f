import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { QpackDecoder, fieldSectionSize, type FieldLine } from '../../src/qpack/index.js';
import {
  decodeLines,
  field,
  hex,
  integer,
  join,
  plain,
  qpackError,
  toHex,
  unblockLines,
  wire,
} from '../support/qpack.js';

/** A decoder with a table of 4096 bytes that holds `a: 0`, `b: 1`, `c: 2`, ... */
function decoderWith(entries: number, options: ConstructorParameters<typeof QpackDecoder>[0] = {}): QpackDecoder {
  const decoder = new QpackDecoder(options);
  decoder.receiveEncoderStream(wire.setCapacity(4096));
  for (let index = 0; index < entries; index++) decoder.receiveEncoderStream(wire.insert(letter(index), `${index}`));
  decoder.takeDecoderStream();
  return decoder;
}

const letter = (index: number): string => String.fromCharCode(97 + index);
const entry = (index: number): FieldLine => field(letter(index), `${index}`);

const failed = (message?: RegExp) => qpackError('ERR_QPACK_DECOMPRESSION_FAILED', message);
const encoderStreamError = (message?: RegExp) => qpackError('ERR_QPACK_ENCODER_STREAM', message);

describe('field sections', () => {
  it('of no field lines', () => {
    assert.deepEqual(decodeLines(new QpackDecoder(), 0, wire.prefix(0, 0)), []);
  });

  it('with every representation', () => {
    const decoder = decoderWith(4);
    // Required Insert Count 4, Base 2: entries 1 and 0 lie below it, 2 and 3 above.
    const section = join(
      wire.prefix(5, -2),
      wire.indexedStatic(17),
      wire.indexedDynamic(0),
      wire.indexedPostBase(1),
      wire.literalStaticName(95, 'skein'),
      wire.literalDynamicName(1, 'x'),
      wire.literalPostBaseName(0, 'y'),
      wire.literal('name', 'value'),
    );
    assert.deepEqual(decodeLines(decoder, 0, section), [
      field(':method', 'GET'),
      entry(1),
      entry(3),
      field('user-agent', 'skein'),
      field('a', 'x'),
      field('c', 'y'),
      field('name', 'value'),
    ]);
    assert.deepEqual(decoder.takeDecoderStream(), wire.sectionAcknowledgment(0));
  });

  it('say which values must not be indexed', () => {
    const decoder = decoderWith(2);
    const section = join(
      wire.prefix(3, -2), // Base 0... entries 0 and 1 above it
      integer(0x70, 4, 84),
      hex('01 78'),
      integer(0x08, 3, 0),
      hex('01 79'),
      hex('31 6e 01 7a'),
    );
    assert.deepEqual(decodeLines(decoder, 0, section), [
      { name: 'authorization', value: 'x', sensitive: true },
      { name: 'a', value: 'y', sensitive: true },
      { name: 'n', value: 'z', sensitive: true },
    ]);
  });

  it('are refused at every truncation, or give the first field lines', () => {
    const lines = [
      wire.indexedStatic(80),
      wire.literalStaticName(20, 'v'.repeat(200)),
      wire.literal('n'.repeat(20), 'w'),
    ];
    const section = join(wire.prefix(0, 0), ...lines);
    const whole = plain(new QpackDecoder().decode(0, section)) ?? assert.fail();
    let complete = 0;
    for (let length = 0; length < section.length; length++) {
      try {
        const fields = plain(new QpackDecoder().decode(0, section.subarray(0, length)));
        assert.deepEqual(fields, whole.slice(0, complete++), `${length} bytes`);
      } catch (error) {
        failed()(error);
      }
    }
    assert.equal(complete, 3, 'a cut between field lines cannot be seen');
  });

  const broken: Record<string, Uint8Array> = {
    'nothing at all': hex(''),
    'a prefix of one integer': hex('00'),
    // @rfc 9204#3.1-1
    'a static index beyond the table': join(wire.prefix(0, 0), wire.indexedStatic(99)),
    'a name from beyond the static table': join(wire.prefix(0, 0), wire.literalStaticName(99, '')),
    'a dynamic reference with Required Insert Count 0': join(wire.prefix(0, 0), wire.indexedDynamic(0)),
    'a post-Base reference with Required Insert Count 0': join(wire.prefix(0, 0), wire.indexedPostBase(0)),
    // @rfc 9204#2.2.1-1 @rfc 9204#2.2.3-1
    'a reference at the Required Insert Count': join(wire.prefix(3, 0), wire.indexedPostBase(0)),
    'a post-Base name at the Required Insert Count': join(wire.prefix(3, -1), wire.literalPostBaseName(1, '')),
    'a relative index below the first entry': join(wire.prefix(3, 0), wire.indexedDynamic(2)),
    'a name below the first entry': join(wire.prefix(3, 0), wire.literalDynamicName(2, '')),
    // @rfc 9204#4.5.1.2-2
    'a negative Base': join(wire.prefix(3, -3), wire.indexedPostBase(0)),
    'a negative Base without references': hex('00 80'),
    // @rfc 9204#4.5.1.1-1
    'an encoded insert count that is beyond the full range': wire.prefix(257, 0),
    'an insert count that no encoder could have sent': wire.prefix(200, 0),
    'wrong Huffman padding': join(wire.prefix(0, 0), hex('51 81 18')),
    'a string that ends behind the section': join(wire.prefix(0, 0), hex('51 05 61')),
    'an integer without an end': join(wire.prefix(0, 0), hex('ff 80 80 80 80 80 80 80 80 80 80 80 80')),
    'an index of 62 bits': join(wire.prefix(0, 0), integer(0xc0, 6, 2n ** 62n - 1n)),
    'a length of 62 bits': join(wire.prefix(0, 0), integer(0x20, 3, 2n ** 62n - 1n)),
  };
  for (const [what, section] of Object.entries(broken)) {
    it(`are refused with ${what}`, () => {
      const decoder = decoderWith(4);
      assert.throws(() => decoder.decode(0, section), failed());
    });
  }

  it('are refused when they reference an evicted entry', () => {
    const decoder = new QpackDecoder({ maxTableCapacity: 100 });
    decoder.receiveEncoderStream(join(wire.setCapacity(100), ...[0, 1, 2, 3].map((n) => wire.insert(letter(n), '0'))));
    assert.deepEqual(decodeLines(decoder, 0, join(wire.prefix(5, 0), wire.indexedDynamic(1))), [field('c', '0')]);
    assert.throws(() => decoder.decode(4, join(wire.prefix(5, 0), wire.indexedDynamic(3))), failed(/entry 0/));
  });

  it('find their Required Insert Count after it has wrapped often', () => {
    const decoder = new QpackDecoder({ maxTableCapacity: 100 }); // 3 entries: modulo 6
    decoder.receiveEncoderStream(wire.setCapacity(100));
    for (let count = 1; count <= 50; count++) {
      decoder.receiveEncoderStream(wire.insert('n', `${count}`));
      const fields = decodeLines(decoder, 0, join(wire.prefix((count % 6) + 1, 0), wire.indexedDynamic(0)));
      assert.deepEqual(fields, [field('n', `${count}`)]);
    }
  });
});

describe('limits of field sections', () => {
  const three = join(wire.prefix(0, 0), wire.indexedStatic(17), wire.literal('name', 'value'), wire.indexedStatic(25));
  const size = fieldSectionSize([field(':method', 'GET'), field('name', 'value'), field(':status', '200')]);
  const tooLarge = qpackError('ERR_QPACK_FIELD_SECTION_TOO_LARGE');

  it('hold to the byte', () => {
    assert.equal(size, 3 * 32 + 10 + 9 + 10);
    assert.equal(new QpackDecoder({ maxFieldSectionSize: size }).decode(0, three)?.length, 3);
    for (const maxFieldSectionSize of [size - 1, size - 11, 50, 1, 0]) {
      assert.throws(() => new QpackDecoder({ maxFieldSectionSize }).decode(0, three), tooLarge);
    }
  });

  it('hold for the number of field lines', () => {
    assert.equal(new QpackDecoder({ maxFields: 3 }).decode(0, three)?.length, 3);
    assert.throws(() => new QpackDecoder({ maxFields: 2 }).decode(0, three), tooLarge);
  });

  it('end a stream and not the connection: the table goes on, and the section is acknowledged', () => {
    const decoder = decoderWith(2, { maxFieldSectionSize: 100 });
    const large = join(wire.prefix(3, 0), wire.literal('n', 'v'.repeat(100)), wire.indexedDynamic(0));
    assert.throws(
      () => decoder.decode(0, large),
      (error) => tooLarge(error) && (error as { scope?: unknown }).scope === 'stream',
    );
    assert.deepEqual(decoder.takeDecoderStream(), wire.sectionAcknowledgment(0));
    decoder.receiveEncoderStream(wire.insert('c', '2'));
    assert.deepEqual(decodeLines(decoder, 4, join(wire.prefix(4, 0), wire.indexedDynamic(0))), [entry(2)]);
  });

  it('do not hide what breaks the protocol behind the limit', () => {
    const decoder = decoderWith(2, { maxFieldSectionSize: 40 });
    const section = join(wire.prefix(3, 0), wire.literal('n', 'v'.repeat(100)), wire.indexedDynamic(7));
    assert.throws(() => decoder.decode(0, section), failed());
  });

  it('stop a small section that refers to a large entry again and again', () => {
    const decoder = decoderWith(0);
    decoder.receiveEncoderStream(wire.insert('bomb', 'x'.repeat(4000)));
    const section = join(wire.prefix(2, 0), new Uint8Array(60_000).fill(0x80));
    assert.throws(() => decoder.decode(0, section), tooLarge);
  });

  it('of blocked sections end a stream alone', () => {
    const decoder = decoderWith(0, { maxFieldSectionSize: 40 });
    decoder.decode(0, join(wire.prefix(2, 0), wire.indexedDynamic(0), wire.indexedDynamic(0)));
    decoder.decode(4, join(wire.prefix(2, 0), wire.indexedDynamic(0)));
    const unblocked = unblockLines(decoder, wire.insert('a', '0'));
    assert.equal(unblocked[0]?.error?.code, 'ERR_QPACK_FIELD_SECTION_TOO_LARGE');
    assert.deepEqual(unblocked[1], { streamId: 4, fields: [entry(0)] });
  });
});

describe('blocked streams', () => {
  const needs = (count: number): Uint8Array => join(wire.prefix(count + 1, 0), wire.indexedDynamic(0));

  it('go on when their entries have come, in the order of arrival', () => {
    const decoder = decoderWith(0);
    assert.equal(decoder.decode(8, needs(2)), undefined);
    assert.equal(decoder.decode(4, needs(1)), undefined);
    assert.equal(decoder.decode(0, needs(2)), undefined);
    assert.deepEqual(unblockLines(decoder, wire.insert('a', '0')), [{ streamId: 4, fields: [entry(0)] }]);
    assert.deepEqual(unblockLines(decoder, wire.insert('b', '1')), [
      { streamId: 8, fields: [entry(1)] },
      { streamId: 0, fields: [entry(1)] },
    ]);
    assert.deepEqual(
      decoder.takeDecoderStream(),
      join(...[4, 8, 0].map((streamId) => wire.sectionAcknowledgment(streamId))),
    );
  });

  it('keep the order of the sections of one stream', () => {
    const decoder = decoderWith(0);
    assert.equal(decoder.decode(0, needs(1)), undefined);
    const trailers = join(wire.prefix(0, 0), wire.literal('trailer', 'x'));
    assert.equal(decoder.decode(0, trailers), undefined, 'it needs nothing, and waits for the one before it');
    assert.equal(decoder.blockedStreamCount, 1);
    assert.deepEqual(unblockLines(decoder, wire.insert('a', '0')), [
      { streamId: 0, fields: [entry(0)] },
      { streamId: 0, fields: [field('trailer', 'x')] },
    ]);
    assert.equal(decoder.decode(4, needs(3)), undefined);
    assert.equal(decoder.decode(4, needs(2)), undefined);
    assert.deepEqual(unblockLines(decoder, wire.insert('b', '1')), [], 'the second could go on, the first not');
    assert.deepEqual(unblockLines(decoder, wire.insert('c', '2')), [
      { streamId: 4, fields: [entry(2)] },
      { streamId: 4, fields: [entry(1)] },
    ]);
  });

  it('keep their bytes, whatever the caller does with its buffer', () => {
    const decoder = decoderWith(0);
    const section = needs(1);
    decoder.decode(0, section);
    section.fill(0xff);
    assert.deepEqual(unblockLines(decoder, wire.insert('a', '0')), [{ streamId: 0, fields: [entry(0)] }]);
  });

  // @rfc 9204#2.1.2-2
  it('may be as many as was announced', () => {
    const decoder = decoderWith(0, { blockedStreams: 2 });
    decoder.decode(0, needs(1));
    decoder.decode(4, needs(1));
    decoder.decode(4, needs(1));
    assert.throws(() => decoder.decode(8, needs(1)), failed(/more than 2 streams/));
  });

  it('may be none at all', () => {
    const decoder = decoderWith(1, { blockedStreams: 0 });
    assert.deepEqual(decodeLines(decoder, 0, needs(1)), [entry(0)]);
    assert.throws(() => decoder.decode(0, needs(2)), failed());
  });

  it('hold a bounded number of bytes; more ends the stream alone', () => {
    const decoder = decoderWith(0, { maxBlockedBytes: 300 });
    decoder.decode(0, needs(1));
    decoder.decode(4, needs(1));
    assert.throws(() => decoder.decode(8, needs(1)), qpackError('ERR_QPACK_BLOCKED_TOO_LARGE'));
    decoder.cancelStream(4);
    assert.equal(decoder.decode(12, needs(1)), undefined, 'there is room again');
    assert.deepEqual(
      decoder.receiveEncoderStream(wire.insert('a', '0')).map(({ streamId }) => streamId),
      [0, 12],
    );
  });

  it('are forgotten when they are cancelled', () => {
    const decoder = decoderWith(0, { blockedStreams: 1 });
    decoder.decode(0, needs(1));
    decoder.cancelStream(0);
    assert.equal(decoder.blockedStreamCount, 0);
    assert.deepEqual(decoder.takeDecoderStream(), wire.streamCancellation(0));
    decoder.decode(4, needs(1));
    assert.deepEqual(unblockLines(decoder, wire.insert('a', '0')), [{ streamId: 4, fields: [entry(0)] }]);
  });

  it('that turn out to be broken end the connection', () => {
    const decoder = decoderWith(0);
    decoder.decode(0, join(wire.prefix(2, 0), wire.indexedDynamic(5)));
    assert.throws(() => decoder.receiveEncoderStream(wire.insert('a', '0')), failed());
  });
});

describe('decoder stream', () => {
  it('tells insertions that no acknowledgment tells', () => {
    const decoder = decoderWith(0);
    decoder.receiveEncoderStream(join(wire.insert('a', '0'), wire.insert('b', '1'), wire.insert('c', '2')));
    decoder.decode(1000, join(wire.prefix(3, 0), wire.indexedDynamic(0)));
    assert.deepEqual(decoder.takeDecoderStream(), join(wire.sectionAcknowledgment(1000), wire.insertCountIncrement(1)));
    assert.equal(decoder.takeDecoderStream().length, 0);
  });

  it('acknowledges no section without dynamic references', () => {
    const decoder = decoderWith(1);
    decoder.decode(0, join(wire.prefix(0, 0), wire.indexedStatic(17)));
    assert.equal(decoder.takeDecoderStream().length, 0);
  });

  it('takes large stream IDs', () => {
    const decoder = decoderWith(1);
    decoder.decode(2 ** 53 - 4, join(wire.prefix(2, 0), wire.indexedDynamic(0)));
    assert.deepEqual(decoder.takeDecoderStream(), wire.sectionAcknowledgment(2 ** 53 - 4));
  });

  it('is silent without a table', () => {
    const decoder = new QpackDecoder({ maxTableCapacity: 0 });
    decoder.cancelStream(0);
    assert.equal(toHex(decoder.takeDecoderStream()), '');
  });
});

describe('encoder stream', () => {
  it('sets capacities down and up again, and evicts accordingly', () => {
    const decoder = decoderWith(4); // 34 bytes each
    decoder.receiveEncoderStream(wire.setCapacity(2 * 34 + 33));
    assert.deepEqual(decodeLines(decoder, 0, join(wire.prefix(5, 0), wire.indexedDynamic(1))), [entry(2)]);
    decoder.receiveEncoderStream(wire.setCapacity(4096));
    assert.throws(() => decoder.decode(0, join(wire.prefix(5, 0), wire.indexedDynamic(2))), failed());
    const emptied = decoderWith(4);
    emptied.receiveEncoderStream(join(wire.setCapacity(0), wire.setCapacity(4096), wire.insert('e', '4')));
    assert.deepEqual(decodeLines(emptied, 0, join(wire.prefix(6, 0), wire.indexedDynamic(0))), [entry(4)]);
  });

  it('takes the name of an entry, or duplicates one, that the insertion evicts', () => {
    const decoder = new QpackDecoder({ maxTableCapacity: 40 });
    decoder.receiveEncoderStream(
      join(wire.setCapacity(40), wire.insert('name', '0'), wire.insertDynamicName(0, '1'), wire.duplicate(0)),
    );
    assert.deepEqual(decodeLines(decoder, 0, join(wire.prefix(2, 0), wire.indexedDynamic(0))), [field('name', '1')]);
  });

  it('takes any pieces', () => {
    const instructions = join(
      wire.setCapacity(4096),
      wire.insertStaticName(95, 'x'.repeat(300)),
      wire.insert('n'.repeat(200), 'v'.repeat(200)),
      hex('40 94e7821dd7f2e6c7b335dfdfcd5b3960'.slice(0, 2)), // an empty name ...
      hex('85 f2b24a84ff'), // ... with a value in Huffman code
      wire.duplicate(1),
    );
    const whole = decoderWith(0);
    whole.receiveEncoderStream(instructions);
    const section = join(wire.prefix(5, 0), ...[0, 1, 2, 3].map((index) => wire.indexedDynamic(index)));
    const expected = plain(whole.decode(0, section));
    assert.equal(expected?.[1]?.name, '');
    for (const piece of [1, 2, 3, 7, 100]) {
      const decoder = new QpackDecoder();
      for (let at = 0; at < instructions.length; at += piece) {
        decoder.receiveEncoderStream(instructions.slice(at, at + piece));
      }
      assert.deepEqual(plain(decoder.decode(0, section)), expected, `${piece} bytes at a time`);
    }
  });

  const broken: Record<string, Uint8Array> = {
    // @rfc 9204#4.3.1-2
    'a capacity beyond the announced one': wire.setCapacity(4097),
    'a capacity of 62 bits': integer(0x20, 5, 2n ** 62n - 1n),
    // @rfc 9204#3.1-2
    'a name from beyond the static table': wire.insertStaticName(99, 'x'),
    'a name of an entry that does not exist': wire.insertDynamicName(4, 'x'),
    'the duplicate of an entry that does not exist': wire.duplicate(4),
    // @rfc 9204#3.2.2-2
    'an entry larger than the table': wire.insert('n'.repeat(2000), 'v'.repeat(2065)),
    'wrong Huffman padding': hex('c0 81 18'),
    'wrong Huffman padding in a name': hex('61 18 00'),
    // @rfc 9204#7.4-1
    'an integer without an end': hex('3f 80 80 80 80 80 80 80 80 80 80 80 80'),
  };
  for (const [what, instructions] of Object.entries(broken)) {
    it(`is refused with ${what}`, () => {
      const decoder = decoderWith(4);
      assert.throws(() => decoder.receiveEncoderStream(instructions), encoderStreamError());
    });
  }

  // @rfc 9204#2.2.3-2
  it('is refused when it takes from an evicted entry', () => {
    for (const instruction of [wire.duplicate(3), wire.insertDynamicName(3, 'x')]) {
      const decoder = new QpackDecoder({ maxTableCapacity: 100 });
      decoder.receiveEncoderStream(join(wire.setCapacity(100), ...[0, 1, 2, 3].map((n) => wire.insert(letter(n), ''))));
      assert.throws(() => decoder.receiveEncoderStream(instruction), encoderStreamError(/no entry 3/));
    }
  });

  it('is refused when it inserts before a capacity is set, or after it was set to 0', () => {
    assert.throws(() => new QpackDecoder().receiveEncoderStream(wire.insert('', '')), encoderStreamError());
    const decoder = decoderWith(1);
    decoder.receiveEncoderStream(wire.setCapacity(0));
    assert.throws(() => decoder.receiveEncoderStream(wire.insert('', '')), encoderStreamError());
  });

  it('is refused as soon as a string cannot fit, before its bytes have come', () => {
    const decoder = decoderWith(0);
    assert.throws(() => decoder.receiveEncoderStream(integer(0x40, 5, 4065)), encoderStreamError());
    const huffman = decoderWith(0);
    // 30 bits are the longest code: fewer characters than these bytes hold, but never so few.
    assert.throws(() => huffman.receiveEncoderStream(integer(0x60, 5, 16_000)), encoderStreamError());
    assert.deepEqual(unblockLines(decoderWith(0), integer(0x40, 5, 4064)), []);
  });
});
