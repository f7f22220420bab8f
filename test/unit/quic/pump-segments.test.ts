// What the pump does with runs of segments and with ECN bits, on sockets that take both.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { ConnectionStats } from '../../../src/quic/index.js';
import { EndpointPair } from '../../support/quic-pair.js';
import { SegmentNetwork } from '../../support/segment-network.js';

const limit = { timeout: 30_000 };
const BYTES = 2 << 20;
/** ECT(0) and Congestion Experienced (RFC 3168 section 5). */
const ECT0 = 2;
const CE = 3;

/** Sends some MiB from client to server over the network; what the client's congestion controller had to say. */
async function transfer(network: SegmentNetwork): Promise<ConnectionStats> {
  await using pair = await EndpointPair.start({ server: { network }, client: { network } });
  const { client, server } = await pair.connect();
  const incoming = server.incomingStreams()[Symbol.asyncIterator]();
  const data = Uint8Array.from({ length: BYTES }, (_, index) => (index * 31 + (index >>> 8)) & 255);
  const stream = await client.openUnidirectionalStream();
  const sending = stream.send(data).then(() => stream.finish());
  const next = await incoming.next();
  assert.ok(next.done !== true);
  const received = await next.value.receiveAll();
  await sending;
  const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
  assert.equal(hash(received), hash(data));
  return client.stats();
}

test('runs of segments go to the socket whole, and are taken from it whole', limit, async () => {
  const network = new SegmentNetwork();
  await transfer(network);
  const runs = network.sent.filter(({ length, segmentSize }) => segmentSize > 0 && length > segmentSize);
  const inRuns = runs.reduce((sum, { length }) => sum + length, 0);
  assert.ok(inRuns > BYTES / 2, `of ${BYTES} bytes ${inRuns} went in runs`);
  for (const { length, segmentSize } of runs) {
    assert.ok(segmentSize <= 1452, `segments of ${segmentSize} bytes`);
    assert.ok(length <= 65_507, `a run of ${length} bytes`);
  }
});

test('packets are marked as ECN-capable as long as the marks arrive', limit, async () => {
  const network = new SegmentNetwork();
  await transfer(network);
  const late = network.sent.slice(-20);
  assert.ok(late.length === 20 && network.sent.every(({ ecn }) => ecn === ECT0 || ecn === 0));
  assert.ok(
    late.every(({ ecn }) => ecn === ECT0),
    'marked to the end',
  );
});

test('marks that are lost on the way are given up (RFC 9000 13.4.2)', limit, async () => {
  const network = new SegmentNetwork();
  network.mark = () => 0;
  await transfer(network);
  assert.ok(network.sent[0]?.ecn === ECT0);
  assert.ok(network.sent.slice(-20).every(({ ecn }) => ecn === 0));
});

test('a mark of congestion slows the sender down, without any loss', limit, async () => {
  const network = new SegmentNetwork();
  let count = 0;
  network.mark = (ecn) => (++count % 10 === 0 && ecn === ECT0 ? CE : ecn);
  const { congestionEvents, packetsLost } = await transfer(network);
  assert.equal(packetsLost, 0);
  assert.ok(congestionEvents > 0);
});

test('datagrams that come in full batches are gathered, and share an acknowledgement', limit, async () => {
  const network = new SegmentNetwork();
  network.batch = 32;
  const { packetsSent, acksReceived } = await transfer(network);
  assert.ok(packetsSent > BYTES / 1452);
  // Fed at once, there would be one for each batch.
  assert.ok(acksReceived < packetsSent / 30, `${acksReceived} acknowledgements of ${packetsSent} packets`);
});
