/** The exchanges of RFC 9204 appendix B, with the bytes that stand there. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { QpackDecoder } from '../../src/qpack/index.js';
import { decodeLines, hex, toHex, unblockLines } from '../support/qpack.js';

const exchanges = {
  capacityAndTwoInsertions: hex('3fbd01 c00f7777772e6578616d706c652e636f6d c10c2f73616d706c652f70617468'),
  speculativeInsertion: hex('4a637573746f6d2d6b65790c637573746f6d2d76616c7565'),
  duplicate: hex('02'),
  insertionThatEvicts: hex('810d637573746f6d2d76616c756532'),
};
const literalWithNameReference = hex('0000 510b2f696e6465782e68746d6c');
const twoPostBaseReferences = hex('0381 10 11');
const threeReferences = hex('0500 80 c1 81');

const authority = { name: ':authority', value: 'www.example.com' };

function decoderWithTwoEntries(): QpackDecoder {
  const decoder = new QpackDecoder({ maxTableCapacity: 220 });
  decoder.receiveEncoderStream(exchanges.capacityAndTwoInsertions);
  return decoder;
}

describe('RFC 9204 appendix B', () => {
  it('B.1: literal field line with name reference', () => {
    const decoder = new QpackDecoder({ maxTableCapacity: 220 });
    assert.deepEqual(decodeLines(decoder, 0, literalWithNameReference), [{ name: ':path', value: '/index.html' }]);
    assert.equal(decoder.takeDecoderStream().length, 0);
  });

  // @rfc 9204#2.2.2.1-1
  it('B.2: dynamic table, the encoder stream first', () => {
    const decoder = decoderWithTwoEntries();
    const expected = [authority, { name: ':path', value: '/sample/path' }];
    assert.deepEqual(decodeLines(decoder, 4, twoPostBaseReferences), expected);
    assert.equal(toHex(decoder.takeDecoderStream()), '84');
  });

  it('B.2: dynamic table, the field section first', () => {
    const decoder = new QpackDecoder({ maxTableCapacity: 220 });
    assert.equal(decoder.decode(4, twoPostBaseReferences), undefined);
    assert.equal(decoder.blockedStreamCount, 1);
    const unblocked = unblockLines(decoder, exchanges.capacityAndTwoInsertions);
    assert.deepEqual(unblocked, [{ streamId: 4, fields: [authority, { name: ':path', value: '/sample/path' }] }]);
    assert.equal(toHex(decoder.takeDecoderStream()), '84');
    assert.equal(decoder.blockedStreamCount, 0);
  });

  it('B.3: speculative insert', () => {
    const decoder = decoderWithTwoEntries();
    decoder.takeDecoderStream();
    decoder.receiveEncoderStream(exchanges.speculativeInsertion);
    assert.equal(toHex(decoder.takeDecoderStream()), '01');
  });

  // @rfc 9204#3.2-1
  it('B.4: duplicate instruction, stream cancellation', () => {
    const decoder = decoderWithTwoEntries();
    decoder.receiveEncoderStream(exchanges.speculativeInsertion);
    decoder.takeDecoderStream();
    assert.equal(decoder.decode(8, threeReferences), undefined);
    decoder.cancelStream(8);
    assert.equal(toHex(decoder.takeDecoderStream()), '48');
    assert.deepEqual(unblockLines(decoder, exchanges.duplicate), []);
    const custom = { name: 'custom-key', value: 'custom-value' };
    assert.deepEqual(decodeLines(decoder, 12, threeReferences), [authority, { name: ':path', value: '/' }, custom]);
  });

  it('B.5: dynamic table insert, eviction', () => {
    const decoder = decoderWithTwoEntries();
    decoder.receiveEncoderStream(exchanges.speculativeInsertion);
    decoder.receiveEncoderStream(exchanges.duplicate);
    decoder.receiveEncoderStream(exchanges.insertionThatEvicts);
    // Insert count 5: relative index 0 is the newest entry, 3 the oldest left, 4 the evicted one.
    assert.deepEqual(decodeLines(decoder, 16, hex('0600 80 83')), [
      { name: 'custom-key', value: 'custom-value2' },
      { name: ':path', value: '/sample/path' },
    ]);
    assert.throws(() => decoder.decode(20, hex('0600 84')), /entry 0 is not in the dynamic table/);
  });

  it('comes to the same one byte at a time', () => {
    const decoder = new QpackDecoder({ maxTableCapacity: 220 });
    for (const instructions of Object.values(exchanges)) {
      for (const byte of instructions) decoder.receiveEncoderStream(Uint8Array.of(byte));
    }
    assert.equal(toHex(decoder.takeDecoderStream()), '05');
    assert.deepEqual(decodeLines(decoder, 16, hex('0600 80')), [{ name: 'custom-key', value: 'custom-value2' }]);
  });
});
