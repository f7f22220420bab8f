import assert from 'node:assert/strict';
import { againstEachPeer } from './support/interop-test.js';
import { startPeerClient, startPeerServer } from './support/peers.js';
import { ECHO } from './support/protocols.js';
import { skeinClient, startSkeinServer } from './support/skein.js';

const COUNT = 200;
const SIZE = 1000;
/** Datagrams on their way at a time: little enough that no buffer overflows. */
const WINDOW = 16;

againstEachPeer('QUIC datagrams: skein sends them', async (peer) => {
  await using server = await startPeerServer(peer);
  await using client = skeinClient(server, { alpn: [ECHO] });
  const connection = await client.connect();
  assert.ok(connection.maxDatagramSize >= SIZE);
  const sent = Array.from({ length: COUNT }, (_, number) => Buffer.alloc(SIZE, number));
  const returned: string[] = [];
  let next = 0;
  for (; next < WINDOW; next++) await connection.sendDatagram(sent[next]!, { wait: true });
  while (returned.length < COUNT) {
    const datagram = await connection.receiveDatagram();
    assert.ok(datagram, 'the connection ended');
    returned.push(Buffer.from(datagram).toString('hex'));
    if (next < COUNT) await connection.sendDatagram(sent[next++]!, { wait: true });
  }
  assert.deepEqual(returned.sort(), sent.map((datagram) => datagram.toString('hex')).sort());
});

againstEachPeer('QUIC datagrams: skein echoes them', async (peer) => {
  await using skein = await startSkeinServer(undefined);
  await using client = startPeerClient(peer, skein.port, ['--datagrams', String(COUNT)]);
  await client.done();
  const [datagrams] = client.all('datagrams');
  assert.equal(datagrams?.returned, COUNT);
  assert.equal(datagrams.foreign, 0);
});
