import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { QuicClient, QuicEndpoint, type QuicConnection } from '../../src/index.js';
import { quicError } from '../support/quic-errors.js';
import { listOf, makeFiles, smallFiles } from './support/files.js';
import { againstEachPeer } from './support/interop-test.js';
import { certificateFile, startPeerClient, startPeerServer } from './support/peers.js';
import { assertFetched, fetchAll, fetchFile, FILES, serveFile } from './support/protocols.js';
import { skeinClient, startSkeinServer } from './support/skein.js';

const MANY = 40;
const files = makeFiles(smallFiles(MANY, 250));
const [first = ''] = files.paths;
const list = listOf(files);

/** Connects for a ticket, and closes. */
async function visit(client: QuicClient): Promise<void> {
  const connection = await client.connect();
  const ticket = once(connection, 'sessionTicket');
  await fetchFile(connection, first);
  await ticket;
  assert.equal(connection.details.resumed, false);
  await connection.close();
}

againstEachPeer('resumption: skein connects', async (peer) => {
  await using server = await startPeerServer(peer, ['--root', files.folder]);
  await using client = skeinClient(server, { enableEarlyData: false });
  await visit(client);
  const connection = await client.connect();
  assert.equal(connection.details.resumed, true);
  assert.equal(connection.earlyData, 'none');
  await fetchAll(connection, files);
  await connection.close();
  assert.equal((await server.process.of('handshake', 1)).resumed, false);
  const handshake = await server.process.of('handshake', 2);
  assert.equal(handshake.resumed, true);
  assert.equal(handshake.earlyData, 'none');
});

againstEachPeer('resumption: skein serves', async (peer) => {
  await using skein = await startSkeinServer(files);
  await using client = startPeerClient(peer, skein.port, ['--resume', '--get-from', list]);
  await client.done();
  assertFetched(client.all('file', 2), files);
  assert.equal((await client.of('handshake', 1)).resumed, false);
  const handshake = await client.of('handshake', 2);
  assert.equal(handshake.resumed, true);
  assert.equal(handshake.earlyData, 'none');
  assert.deepEqual(
    skein.connections.map(({ details, earlyData }) => [details.resumed, earlyData]),
    [
      [false, 'none'],
      [true, 'none'],
    ],
  );
});

againstEachPeer('0-RTT: skein connects', async (peer) => {
  await using server = await startPeerServer(peer, ['--root', files.folder]);
  await using client = skeinClient(server);
  await visit(client);
  const connection = await client.connect();
  assert.equal(connection.earlyData, 'pending');
  await fetchAll(connection, files);
  await connection.ready;
  assert.equal(connection.earlyData, 'accepted');
  assert.equal(connection.details.resumed, true);
  await connection.close();
  const handshake = await server.process.of('handshake', 2);
  assert.equal(handshake.earlyData, 'accepted');
  const closed = await server.process.of('closed', 2);
  assert.equal(closed.requests, MANY);
  // As many as the initial congestion window holds: ten packets, the Initial among them.
  assert.ok((closed.earlyRequests ?? 0) > MANY / 2, String(closed.earlyRequests));
  assert.ok((closed.packets?.received['0rtt'] ?? 0) > 0, JSON.stringify(closed.packets));
});

againstEachPeer('0-RTT: skein serves', async (peer) => {
  await using skein = await startSkeinServer(files);
  await using client = startPeerClient(peer, skein.port, ['--early-data', '--get-from', list]);
  await client.done();
  assertFetched(client.all('file', 2), files);
  assert.equal((await client.of('handshake', 2)).earlyData, 'accepted');
  assert.ok(((await client.of('closed', 2)).packets?.sent['0rtt'] ?? 0) > 0);
  assert.equal(skein.connections[1]?.earlyData, 'accepted');
  assert.equal(skein.connections[1]?.details.resumed, true);
  assert.deepEqual(
    skein.requests.map(({ early }) => early),
    [false, ...files.paths.map(() => true)],
  );
});

for (const how of ['forget', 'resume']) {
  const what = how === 'forget' ? 'tickets forgotten' : 'resumed without early data';
  againstEachPeer(`0-RTT rejected, ${what}: skein connects`, async (peer) => {
    await using server = await startPeerServer(peer, ['--root', files.folder, '--reject-early-data', how]);
    await using client = skeinClient(server);
    await visit(client);
    const connection = await client.connect();
    assert.equal(connection.earlyData, 'pending');
    const fetched = await Promise.allSettled(files.paths.map((path) => fetchFile(connection, path)));
    for (const result of fetched) {
      assert.equal(result.status, 'rejected');
      quicError('ERR_QUIC_EARLY_DATA_REJECTED')(result.reason);
    }
    await connection.ready;
    assert.equal(connection.earlyData, 'rejected');
    assert.equal(connection.details.resumed, how === 'resume');
    // The connection lives, and what was not delivered can be sent again.
    await fetchAll(connection, files);
    await connection.close();
    const closed = await server.process.of('closed', 2);
    assert.equal(closed.requests, MANY);
    assert.equal(closed.earlyRequests, 0);
  });
}

againstEachPeer('0-RTT rejected, tickets forgotten: skein serves', async (peer) => {
  // Room for one session only: whoever comes next takes the place of the one before.
  const displace = async (port: number): Promise<void> => {
    await using other = new QuicClient({ serverHost: '127.0.0.1', serverPort: port, alpn: [FILES], verifyPeer: false });
    await fetchFile(await other.connect(), first);
  };
  let displaced: Promise<void> | undefined;
  const connections: QuicConnection[] = [];
  await using skein = await startSkeinServer(
    files,
    { sessionCapacity: 1, sessionTickets: 1 },
    {
      async stream(_stream, connection) {
        if (!connections.includes(connection)) connections.push(connection);
        if (connection === connections[0]) await (displaced ??= displace(skein.port));
        return false;
      },
    },
  );
  await using client = startPeerClient(peer, skein.port, ['--early-data', '--get-from', list]);
  await client.done();
  const handshake = await client.of('handshake', 2);
  assert.equal(handshake.earlyData, 'rejected');
  assert.equal(handshake.resumed, false);
  assertFetched(client.all('file', 2), files);
  assert.ok(skein.requests.every(({ early }) => !early));
  assert.equal(skein.requests.length, 1 + 1 + MANY);
});

againstEachPeer('0-RTT rejected, resumed without early data: skein serves', async (peer) => {
  await using endpoint = await QuicEndpoint.create({ host: '127.0.0.1' });
  const identity = {
    cert: readFileSync(certificateFile('server.pem')),
    key: readFileSync(certificateFile('server-key.pem')),
    alpn: [FILES],
  };
  const connections: QuicConnection[] = [];
  const early: boolean[] = [];
  const serve = async (connection: QuicConnection): Promise<void> => {
    // From now on no early data; the tickets stay good.
    if (connections.push(connection) === 1) {
      endpoint.stopListening();
      await endpoint.listen({ ...identity, enableEarlyData: false }, serve);
    }
    for await (const stream of connection.incomingStreams()) {
      early.push(stream.early);
      void serveFile(stream, files);
    }
  };
  await endpoint.listen(identity, serve);
  const flags = ['--early-data', '--get-from', list];
  await using client = startPeerClient(peer, endpoint.address.port, flags);
  await client.done();
  const handshake = await client.of('handshake', 2);
  assert.equal(handshake.earlyData, 'rejected');
  assert.equal(handshake.resumed, true);
  assertFetched(client.all('file', 2), files);
  assert.equal(connections[1]?.earlyData, 'none');
  assert.deepEqual(
    early,
    Array.from({ length: 1 + MANY }, () => false),
  );
});
