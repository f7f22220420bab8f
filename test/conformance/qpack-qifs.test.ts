/**
 * The vectors of the QPACK working group's offline interoperability tests (github.com/qpackers/qifs): header lists of real
 * sites, encoded by six implementations with tables and limits of many sizes.
 *
 * The archive is not part of this repository. It is read from qifs.tar.xz in the folder `shared` beside the checkout, or from
 * where SKEIN_QIFS says. Without it those tests are skipped, and say so. What runs everywhere are vectors of this repository,
 * made by ls-qpack as test/interop/qpack.test.ts says; RFC 9204's own examples are among the unit tests.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { QpackDecoder, QpackEncoder, type FieldLine } from '../../src/qpack/index.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { decodeLines, plain, qpackError, wire } from '../support/qpack.js';
import { browsing } from './support/browsing.js';
import { BLOCK_OVERHEAD, VECTORS, parseBlocks, parseQif, vectorPath, type Block } from './support/qifs.js';

const archive = process.env['SKEIN_QIFS'] ?? fileURLToPath(new URL('../../../shared/qifs.tar.xz', import.meta.url));
const skip = existsSync(archive) ? false : `${archive} does not exist: set SKEIN_QIFS to the archive of the vectors`;

const encoders = ['f5', 'ls-qpack', 'nghttp3', 'proxygen', 'qthingey', 'quinn'];

/** `NAME.out.CAPACITY.BLOCKED.ACKNOWLEDGED`, and the header lists that it was made from. */
function parseName(name: string): { list: string; capacity: number; blockedStreams: number; acknowledged: boolean } {
  const [, list = '', capacity, blocked, mode] = /^(.+)\.out\.(\d+)\.(\d+)\.([01])$/.exec(name) ?? assert.fail(name);
  return { list, capacity: Number(capacity), blockedStreams: Number(blocked), acknowledged: mode === '1' };
}

interface Arrived {
  readonly streamId: number;
  readonly fields: Iterable<FieldLine>;
}

/** Decodes a file. With `late`, encoder stream bytes come after the section that follows them, where that may block. */
function decodeFile(file: Uint8Array, capacity: number, blockedStreams: number, late: boolean): FieldLine[][] {
  const decoder = new QpackDecoder({ maxTableCapacity: capacity, blockedStreams, maxFieldSectionSize: 2 ** 30 });
  // As these tests agreed: both sides begin with the largest table, and need not say so.
  if (capacity > 0) decoder.receiveEncoderStream(wire.setCapacity(capacity));
  const arrived: Arrived[] = [];
  const delayed: Uint8Array[] = [];
  const instructions = (bytes: Uint8Array): void => {
    for (const { streamId, fields } of decoder.receiveEncoderStream(bytes)) {
      arrived.push({ streamId, fields: fields ?? assert.fail(`stream ${streamId} is too large`) });
    }
  };
  for (const { streamId, bytes } of parseBlocks(file)) {
    if (streamId === 0) {
      if (late) delayed.push(bytes);
      else instructions(bytes);
      continue;
    }
    if (decoder.blockedStreamCount >= blockedStreams) for (const held of delayed.splice(0)) instructions(held);
    const fields = decoder.decode(streamId, bytes);
    if (fields !== undefined) arrived.push({ streamId, fields });
    for (const held of delayed.splice(0)) instructions(held);
  }
  for (const held of delayed) instructions(held);
  assert.equal(decoder.blockedStreamCount, 0);
  decoder.takeDecoderStream();
  return arrived.sort((one, other) => one.streamId - other.streamId).map(({ fields }) => plain(fields) ?? []);
}

describe('vectors of this repository', () => {
  for (const vector of VECTORS) {
    const path = vectorPath(vector);
    it(`decodes ${basename(path)}`, () => {
      const { capacity, blockedStreams, acknowledged } = vector;
      for (const late of acknowledged ? [false] : [false, true]) {
        assert.deepEqual(decodeFile(readFileSync(path), capacity, blockedStreams, late), browsing());
      }
    });
  }
});

describe('qifs', { skip }, () => {
  const folder = temporaryFolder();
  const lists = new Map<string, FieldLine[][]>();
  const read = (...path: string[]): Uint8Array => readFileSync(join(folder, ...path));

  before(() => {
    execFileSync('tar', ['-xJf', archive, '-C', folder]);
    for (const name of readdirSync(join(folder, 'qifs'))) {
      lists.set(name.replace(/\.qif$/, ''), parseQif(read('qifs', name)));
    }
  });

  for (const encoder of encoders) {
    it(`decodes everything that ${encoder} encoded, with the encoder stream in time and late`, (context) => {
      const path = join(folder, 'encoded', 'qpack-05', encoder);
      const files = readdirSync(path).filter((name) => statSync(join(path, name)).isFile());
      assert.ok(files.length >= 72, `${files.length} files`);
      for (const name of files) {
        const { list, capacity, blockedStreams, acknowledged } = parseName(name);
        const expected = lists.get(list) ?? assert.fail(list);
        // An encoder that was told at once that all had arrived did not expect its instructions to be late.
        for (const late of blockedStreams > 0 && !acknowledged ? [false, true] : [false]) {
          const file = read('encoded', 'qpack-05', encoder, name);
          assert.deepEqual(decodeFile(file, capacity, blockedStreams, late), expected, name);
        }
      }
      context.diagnostic(`${files.length} files`);
    });
  }

  for (let number = 1; number <= 12; number++) {
    const block = (): Block => [...parseBlocks(read('encoded', 'errors', `err${number}`))][0] ?? assert.fail();
    const decoder = new QpackDecoder();
    // They refer to entries 0 and 62 of the static table that the first drafts had; RFC 9204 has such entries.
    const valid = new Map([
      [9, { name: ':authority', value: '' }],
      [10, { name: 'x-xss-protection', value: '1; mode=block' }],
    ]).get(number);
    if (valid !== undefined) {
      it(`decodes err${number}, which RFC 9204 made valid`, () => {
        assert.deepEqual(decodeLines(decoder, 1, block().bytes), [valid]);
      });
      continue;
    }
    it(`refuses err${number}`, () => {
      const { streamId, bytes } = block();
      if (streamId === 0) {
        assert.throws(() => decoder.receiveEncoderStream(bytes), qpackError('ERR_QPACK_ENCODER_STREAM'));
      } else {
        assert.throws(() => decoder.decode(streamId, bytes), qpackError('ERR_QPACK_DECOMPRESSION_FAILED'));
      }
    });
  }

  for (const list of ['fb-req', 'fb-resp', 'netbsd']) {
    for (const blockedStreams of [0, 100]) {
      for (const acknowledged of [0, 1]) {
        const name = `${list}.out.4096.${blockedStreams}.${acknowledged}`;
        it(`compresses ${name} no worse than ls-qpack`, (context) => {
          const encoder = new QpackEncoder();
          const decoder = new QpackDecoder({ blockedStreams, maxFieldSectionSize: 2 ** 30 });
          encoder.setPeerSettings({ maxTableCapacity: 4096, blockedStreams });
          let size = 0;
          for (const [index, fields] of (lists.get(list) ?? assert.fail(list)).entries()) {
            const section = encoder.encode(index + 1, fields);
            const instructions = encoder.takeEncoderStream();
            size += section.length + BLOCK_OVERHEAD;
            if (instructions.length > 0) size += instructions.length + BLOCK_OVERHEAD;
            decoder.receiveEncoderStream(instructions);
            assert.deepEqual(plain(decoder.decode(index + 1, section)), fields);
            const feedback = decoder.takeDecoderStream();
            if (acknowledged === 1) encoder.receiveDecoderStream(feedback);
          }
          const { length } = read('encoded', 'qpack-05', 'ls-qpack', name);
          context.diagnostic(`${size} bytes; ls-qpack: ${length}`);
          assert.ok(size <= length, `${size} bytes; ls-qpack: ${length}`);
        });
      }
    }
  }
});
