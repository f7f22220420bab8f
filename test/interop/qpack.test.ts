/** QPACK against ls-qpack, both ways: what one encodes, the other decodes, with everything arriving late at times. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type FieldSection, QpackDecoder, QpackEncoder, type FieldLine } from '../../src/qpack/index.js';
import { SimRandom } from '../../src/testing/index.js';
import { browsing } from '../conformance/support/browsing.js';
import { VECTORS, toBlock, vectorPath } from '../conformance/support/qifs.js';
import { plain } from '../support/qpack.js';
import { LsQpack } from './support/ls-qpack.js';

const lists = [...browsing(), ...browsing()];

describe('ls-qpack', () => {
  let peer: LsQpack;
  before(async () => {
    peer = await LsQpack.start();
  });
  after(() => peer[Symbol.asyncDispose]());

  for (const capacity of [0, 256, 512, 4096]) {
    for (const blockedStreams of [0, 2, 100]) {
      const name = `table of ${capacity} bytes, ${blockedStreams} blocked streams`;

      it(`decodes what skein encodes: ${name}`, async () => {
        const random = new SimRandom(capacity + blockedStreams);
        const encoder = new QpackEncoder();
        await peer.settings(capacity, blockedStreams);
        encoder.setPeerSettings({ maxTableCapacity: capacity, blockedStreams });
        const got = new Map<number, FieldLine[]>();
        const cancelled = new Set<number>();
        let blocked = 0;
        const late: Uint8Array[] = [];
        const deliver = async (): Promise<void> => {
          for (const bytes of late.splice(0)) {
            for (const { streamId, fields, feedback } of await peer.instructions(bytes)) {
              got.set(streamId, fields);
              encoder.receiveDecoderStream(feedback);
            }
          }
        };
        for (const [index, fields] of lists.entries()) {
          const streamId = index * 4;
          const section = encoder.encode(streamId, fields);
          late.push(encoder.takeEncoderStream());
          if (random.fraction() < 0.5) await deliver();
          const decoded = await peer.decode(streamId, section);
          if (decoded === undefined) {
            blocked++;
            if (random.fraction() < 0.1) {
              encoder.receiveDecoderStream(await peer.cancel(streamId));
              cancelled.add(streamId);
            }
          } else {
            got.set(streamId, decoded.fields);
            encoder.receiveDecoderStream(decoded.feedback);
          }
        }
        await deliver();
        assert.equal(blocked > 0, capacity > 0 && blockedStreams > 0, `${blocked} sections were blocked`);
        for (const [index, fields] of lists.entries()) {
          if (!cancelled.has(index * 4)) assert.deepEqual(got.get(index * 4), fields, `section ${index}`);
        }
      });

      it(`encodes what skein decodes: ${name}`, async () => {
        const random = new SimRandom(capacity + blockedStreams + 1);
        const decoder = new QpackDecoder({ maxTableCapacity: capacity, blockedStreams });
        const late = [await peer.settings(capacity, blockedStreams)];
        const got = new Map<number, FieldSection>();
        const deliver = (): void => {
          for (const bytes of late.splice(0)) {
            for (const { streamId, fields } of decoder.receiveEncoderStream(bytes)) {
              got.set(streamId, fields ?? assert.fail('too large'));
            }
          }
        };
        for (const [index, fields] of lists.entries()) {
          const { instructions, section } = await peer.encode(index * 4, fields);
          late.push(instructions);
          if (random.fraction() < 0.5) deliver();
          const decoded = decoder.decode(index * 4, section);
          if (decoded !== undefined) got.set(index * 4, decoded);
          if (random.fraction() < 0.5) await peer.feedback(decoder.takeDecoderStream());
        }
        deliver();
        for (const [index, fields] of lists.entries()) {
          assert.deepEqual(plain(got.get(index * 4)), fields, `section ${index}`);
        }
      });
    }
  }

  for (const vector of VECTORS) {
    const { capacity, blockedStreams, acknowledged } = vector;
    const path = vectorPath(vector);
    it(`encodes what is in ${path} (SKEIN_UPDATE_VECTORS=1 writes it)`, async () => {
      const first = await peer.settings(capacity, blockedStreams);
      const blocks = [toBlock(0, first)];
      await peer.instructions(first);
      for (const [index, fields] of browsing().entries()) {
        const streamId = (index + 1) * 4;
        const { instructions, section } = await peer.encode(streamId, fields);
        if (instructions.length > 0) blocks.push(toBlock(0, instructions));
        blocks.push(toBlock(streamId, section));
        await peer.instructions(instructions);
        const { feedback } = (await peer.decode(streamId, section)) ?? assert.fail('blocked');
        if (acknowledged) await peer.feedback(feedback);
      }
      const file = Buffer.concat(blocks);
      if (process.env['SKEIN_UPDATE_VECTORS'] === '1') {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, file);
      }
      assert.ok(file.equals(readFileSync(path)), 'ls-qpack encodes it in another way now');
    });
  }
});
