import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QuicStream } from '../../src/quic/index.js';
import { discard, EndpointPair, streamBetween } from '../support/quic-pair.js';

const KIB = 1024;
const streamReceiveWindow = 64 * KIB;
const connectionReceiveWindow = 128 * KIB;
const sendWindow = 96 * KIB;

/** Bytes that a stream accepts until it takes no more, however long one waits. */
async function accepts(stream: QuicStream, stalled: () => Promise<void>): Promise<number> {
  const chunk = new Uint8Array(16 * KIB);
  let total = 0;
  for (let idle = 0; idle < 3; ) {
    const taken = stream.trySend(chunk);
    total += taken;
    if (taken > 0) idle = 0;
    else {
      idle++;
      await stalled();
    }
  }
  return total;
}

test('a reader that stops reading stops the sender: what it accepts stays within the windows', async () => {
  await using pair = await EndpointPair.start({ listen: { streamReceiveWindow, connectionReceiveWindow } });
  const { client, server } = await pair.connect({ sendWindow });
  // A round trip on another stream is proof that everything sent before has arrived and been answered.
  const probe = await streamBetween(client, server);
  const roundTrip = async (): Promise<void> => {
    for (let turn = 0; turn < 4; turn++) {
      await probe.near.send(Uint8Array.of(1));
      await probe.far.receive();
      await probe.far.send(Uint8Array.of(1));
      await probe.near.receive();
    }
  };
  const { near, far } = await streamBetween(client, server);
  const accepted = await accepts(near, roundTrip);
  assert.ok(accepted >= streamReceiveWindow - 1, `only ${accepted} bytes were accepted`);
  assert.ok(accepted <= streamReceiveWindow + sendWindow, `${accepted} bytes were accepted`);

  // A send that does not fit waits, and the reader sets it free; every byte arrives once.
  const more = near.send(new Uint8Array(300 * KIB));
  const pending = near.stats().bytesPending;
  assert.ok(pending > 0);
  void near.finish();
  let received = 0;
  for await (const bytes of far) received += bytes.length;
  await more;
  assert.equal(received, accepted + 300 * KIB);
  assert.equal(near.stats().bytesPending, 0);
  discard(near, far, probe.near, probe.far);
});

test('many streams without a reader stay within the window of the connection', async () => {
  await using pair = await EndpointPair.start({ listen: { streamReceiveWindow, connectionReceiveWindow } });
  const { client, server } = await pair.connect({ sendWindow });
  const streams = await Promise.all(Array.from({ length: 20 }, () => client.openBidirectionalStream()));
  const sends = streams.map((stream) => stream.send(new Uint8Array(100 * KIB)));
  const arrived = await server.acceptStream();
  assert.ok(arrived);
  const accepted = (): number => streams.reduce((sum, stream) => sum + stream.stats().bytesSent, 0);
  // Datagrams are not flow controlled: one there and back shows that the connection lives, while the streams stand.
  for (let turn = 0; turn < 5; turn++) {
    await client.sendDatagram(Uint8Array.of(turn));
    await server.receiveDatagram();
    await server.sendDatagram(Uint8Array.of(turn));
    await client.receiveDatagram();
  }
  assert.ok(accepted() <= connectionReceiveWindow + sendWindow, `${accepted()} bytes were accepted`);

  // Reading all of them lets everything through. (One after the other would not: they share the window.)
  const read = async (stream: QuicStream): Promise<number> => {
    let received = 0;
    while (received < 100 * KIB) received += (await stream.receive()).length;
    return received;
  };
  const reads = [read(arrived)];
  while (reads.length < 20) reads.push(server.acceptStream().then((stream) => (stream ? read(stream) : 0)));
  await Promise.all(sends);
  assert.deepEqual(new Set(await Promise.all(reads)), new Set([100 * KIB]));
});

test('bytes that wait in a pipe between two connections are bounded too', async () => {
  await using pair = await EndpointPair.start({
    server: { streamReceiveWindow, connectionReceiveWindow, sendWindow },
    client: { streamReceiveWindow, connectionReceiveWindow, sendWindow },
  });
  const { client, server } = await pair.connect();
  const first = await streamBetween(client, server);
  const second = await streamBetween(server, client);
  const piping = first.far.readable.pipeTo(second.near.writable);
  const sending = first.near.send(new Uint8Array(2048 * KIB)).then(() => first.near.finish());
  const taken = await second.far.receive();
  await client.sendDatagram(Uint8Array.of(1));
  await server.receiveDatagram();
  const { bytesSent } = first.near.stats();
  assert.ok(bytesSent <= 2 * (streamReceiveWindow + sendWindow) + taken.length + 128 * KIB, `${bytesSent} bytes`);
  let received = taken.length;
  for await (const bytes of second.far) received += bytes.length;
  await Promise.all([sending, piping]);
  assert.equal(received, 2048 * KIB);
});
