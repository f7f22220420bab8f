/** What many streams of one turn send, in virtual time: a frame each, FIN included, and few packets. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QuicConnection } from '../../src/quic/index.js';
import { pattern, withPair } from './support/pair.js';

const STREAMS = 32;
/** All fit into one packet: a frame is cut in two where a packet is full. */
const BODY = pattern(16, 1);

/** Makes all requests in one turn, by promises or without; how many stream frames and packets the client sent for them. */
async function sentFor(
  request: (connection: QuicConnection) => Promise<void>,
): Promise<{ frames: number; packets: number }> {
  const sent = { frames: 0, packets: 0 };
  await withPair(
    { seed: 1, connection: { maxConcurrentStreams: 1000 }, capture: 'none' },
    async ({ network, connect }) => {
      const connection = await connect();
      const before = connection.stats();
      await network.complete(Promise.all(Array.from({ length: STREAMS }, () => request(connection))));
      const after = connection.stats();
      sent.frames = after.streamFramesSent - before.streamFramesSent;
      sent.packets = after.packetsSent - before.packetsSent;
    },
  );
  return sent;
}

test('send and then finish: FIN goes with the data, also while streams finished before it want to leave', async () => {
  const sent = await sentFor(async (connection) => {
    const stream = await connection.openBidirectionalStream();
    await stream.send(BODY);
    await stream.finish();
    assert.equal((await stream.receiveAll()).length, BODY.length);
  });
  assert.equal(sent.frames, STREAMS);
  assert.ok(sent.packets <= 4, `${sent.packets} packets`);
});

test('the same without promises', async () => {
  const sent = await sentFor(async (connection) => {
    const stream = await connection.openBidirectionalStream();
    assert.equal(stream.trySendLast(BODY), BODY.length);
    assert.equal((await stream.receiveAll()).length, BODY.length);
  });
  assert.equal(sent.frames, STREAMS);
});
