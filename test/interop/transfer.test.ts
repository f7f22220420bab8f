import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { quicError } from '../support/quic-errors.js';
import { until } from '../support/until.js';
import { listOf, makeFiles, sha256, smallFiles } from './support/files.js';
import { againstEachPeer } from './support/interop-test.js';
import { startPeerClient, startPeerServer } from './support/peers.js';
import { assertFetched, ECHO, fetchAll, fetchFile, NOT_FOUND } from './support/protocols.js';
import { skeinClient, startSkeinServer } from './support/skein.js';

const large = makeFiles({ '2m': 2_000_000, '3m': 3_000_000, '5m': 5_000_000 });
const MANY = 1999;
const many = makeFiles(smallFiles(MANY));
const list = listOf(many);

againstEachPeer('transfer: skein fetches 2 + 3 + 5 MB over one connection', async (peer) => {
  await using server = await startPeerServer(peer, ['--root', large.folder]);
  await using client = skeinClient(server);
  const connection = await client.connect();
  await fetchAll(connection, large);
  await connection.close();
  const closed = await server.process.of('closed');
  assert.equal(closed.requests, 3);
  // More than the windows hold, so credit was given on the way.
  assert.ok((closed.frames?.received['max_stream_data'] ?? 0) > 0, JSON.stringify(closed.frames));
});

againstEachPeer('transfer: skein serves 2 + 3 + 5 MB over one connection', async (peer) => {
  await using skein = await startSkeinServer(large);
  await using client = startPeerClient(peer, skein.port, ['--get', ...large.paths]);
  await client.done();
  assertFetched(client.all('file'), large);
  assert.equal(skein.requests.length, 3);
  assert.equal(skein.connections.length, 1);
});

againstEachPeer(`multiplexing: skein fetches ${MANY} files`, async (peer) => {
  await using server = await startPeerServer(peer, ['--root', many.folder, '--max-streams', '100']);
  await using client = skeinClient(server, { maxConcurrentStreams: 1000 });
  const connection = await client.connect();
  await fetchAll(connection, many);
  assert.equal(connection.stats().totalStreams, MANY);
  // A stream has ended when its FIN is acknowledged, which the answer does not wait for.
  await until(() => connection.stats().activeStreams === 0);
  await connection.close();
  const closed = await server.process.of('closed');
  assert.equal(closed.requests, MANY);
  assert.ok((closed.frames?.sent['max_streams'] ?? 0) > 0, JSON.stringify(closed.frames));
});

againstEachPeer(`multiplexing: skein serves ${MANY} files`, async (peer) => {
  await using skein = await startSkeinServer(many);
  await using client = startPeerClient(peer, skein.port, ['--get-from', list]);
  await client.done();
  assertFetched(client.all('file'), many);
  assert.equal(skein.requests.length, MANY);
  const closed = await client.of('closed');
  // maxConcurrentStreams is 100: the rest had to wait for MAX_STREAMS.
  assert.ok((closed.streamsBlocked ?? 0) > 0);
  assert.ok((closed.frames?.received['max_streams'] ?? 0) > 0, JSON.stringify(closed.frames));
});

againstEachPeer('streams of both kinds: skein opens them', async (peer) => {
  await using server = await startPeerServer(peer);
  await using client = skeinClient(server, { alpn: [ECHO] });
  const connection = await client.connect();
  const echoes = Array.from({ length: 10 }, async () => {
    const body = randomBytes(200_000);
    const stream = await connection.openBidirectionalStream();
    const [answer] = await Promise.all([stream.receiveAll(), stream.send(body).then(() => stream.finish())]);
    assert.equal(sha256(answer), sha256(body));
  });
  await Promise.all(echoes);
  const sent = Array.from({ length: 10 }, () => randomBytes(5000));
  for (const body of sent) {
    const stream = await connection.openUnidirectionalStream();
    await stream.send(body);
    await stream.finish();
  }
  const answers: string[] = [];
  for await (const stream of connection.incomingStreams()) {
    assert.equal(stream.direction, 'unidirectional');
    if (answers.push(sha256(await stream.receiveAll())) === sent.length) break;
  }
  assert.deepEqual(answers.sort(), sent.map(sha256).sort());
});

againstEachPeer('streams of both kinds: skein echoes them', async (peer) => {
  await using skein = await startSkeinServer(undefined);
  const flags = ['--echo', '200000', '--uni', '5000', '--streams', '10'];
  await using client = startPeerClient(peer, skein.port, flags);
  await client.done();
  const echoes = [...client.all('echo'), ...client.all('unidirectional')];
  assert.ok(echoes.length > 0);
  for (const echo of echoes) assert.equal(echo.match, true);
  assert.equal(skein.connections[0]?.details.alpn, ECHO);
});

againstEachPeer('a file that is not there: the server resets the stream', async (peer) => {
  await using server = await startPeerServer(peer, ['--root', large.folder]);
  await using dialer = skeinClient(server);
  const connection = await dialer.connect();
  await assert.rejects(fetchFile(connection, '/absent'), (error) => {
    quicError('ERR_QUIC_STREAM_RESET')(error);
    assert.equal((error as { errorCode?: number }).errorCode, NOT_FOUND);
    return true;
  });
  await using skein = await startSkeinServer(large);
  await using client = startPeerClient(peer, skein.port, ['--get', '/absent']);
  await client.done(1);
  assert.equal(client.all('stream_reset')[0]?.code, NOT_FOUND);
});
