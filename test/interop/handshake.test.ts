import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { makeFiles } from './support/files.js';
import { againstEachPeer } from './support/interop-test.js';
import { certificateFile, startPeerClient, startPeerServer } from './support/peers.js';
import { assertFetched, fetchAll, FILES } from './support/protocols.js';
import { skeinClient, startSkeinServer } from './support/skein.js';

const files = makeFiles({ '1k': 1024 });
const VERSION_1 = '0x00000001';

againstEachPeer('handshake: skein connects', async (peer) => {
  await using server = await startPeerServer(peer, ['--root', files.folder]);
  await using client = skeinClient(server);
  const connection = await client.connect();
  assert.equal(connection.details.alpn, FILES);
  assert.equal(connection.details.serverName, 'localhost');
  assert.equal(connection.details.resumed, false);
  assert.equal(connection.earlyData, 'none');
  await fetchAll(connection, files);
  await connection.close();
  const handshake = await server.process.of('handshake');
  assert.equal(handshake.alpn, FILES);
  assert.equal(handshake.version, VERSION_1);
  assert.equal(handshake.cipher, connection.details.cipher);
  assert.equal(handshake.resumed, false);
  assert.equal(handshake.retry, false);
  const closed = await server.process.of('closed');
  assert.equal(closed.requests, 1);
  assert.equal(server.process.all('handshake').length, 1);
});

againstEachPeer('handshake: skein serves', async (peer) => {
  await using skein = await startSkeinServer(files);
  await using client = startPeerClient(peer, skein.port, ['--get', '/1k']);
  await client.done();
  assertFetched(client.all('file'), files);
  const handshake = await client.of('handshake');
  const [connection] = skein.connections;
  assert.ok(connection);
  assert.equal(handshake.alpn, FILES);
  assert.equal(handshake.version, VERSION_1);
  assert.equal(handshake.cipher, connection.details.cipher);
  assert.equal(handshake.resumed, false);
  assert.equal(handshake.retry, false);
  assert.equal(handshake.versionNegotiation, false);
  assert.equal(connection.details.alpn, FILES);
  assert.equal(connection.details.serverName, 'localhost');
  assert.equal(
    handshake.peerCertificate,
    new X509Certificate(readFileSync(certificateFile('server.pem'))).fingerprint256.replaceAll(':', '').toLowerCase(),
  );
  assert.equal(skein.connections.length, 1);
});

againstEachPeer(
  'version negotiation: skein serves a client that offers a version of no standard first',
  async (peer) => {
    await using skein = await startSkeinServer(files);
    await using client = startPeerClient(peer, skein.port, ['--version-negotiation', '--get', '/1k']);
    await client.done();
    assertFetched(client.all('file'), files);
    const handshake = await client.of('handshake');
    assert.equal(handshake.versionNegotiation, true);
    assert.equal(handshake.version, VERSION_1);
    // What the server listed; only aioquic shows it.
    if (peer === 'aioquic') assert.ok(handshake.serverVersions?.includes(VERSION_1), String(handshake.serverVersions));
    assert.equal(skein.connections.length, 1);
  },
);

againstEachPeer('version negotiation: skein turns away a client of QUIC version 2 alone', async (peer) => {
  await using skein = await startSkeinServer(files);
  await using client = startPeerClient(peer, skein.port, ['--quic-v2', '--get', '/1k']);
  await client.done(1);
  const { kind, by } = await client.of('closed');
  assert.deepEqual([by, kind], ['local', 'transport']);
  assert.equal(skein.connections.length, 0);
});

againstEachPeer('IPv6: skein connects', async (peer) => {
  await using server = await startPeerServer(peer, ['--host', '::1', '--root', files.folder]);
  await using client = skeinClient(server, { serverHost: '::1' });
  const connection = await client.connect();
  assert.equal(connection.remoteAddress.family, 'IPv6');
  await fetchAll(connection, files);
  assert.ok((await server.process.of('handshake')).remote?.startsWith('[::1]:'));
});

againstEachPeer('IPv6: skein serves', async (peer) => {
  await using skein = await startSkeinServer(files, { host: '::1' });
  await using client = startPeerClient(peer, skein.port, ['--host', '::1', '--get', '/1k']);
  await client.done();
  assertFetched(client.all('file'), files);
  assert.equal(skein.connections[0]?.remoteAddress.address, '::1');
});

againstEachPeer('a host name of both families: skein connects by the one that answers', async (peer) => {
  await using server = await startPeerServer(peer, ['--root', files.folder]);
  await using client = skeinClient(server, { serverHost: 'localhost' });
  const connection = await client.connect();
  assert.equal(connection.remoteAddress.address, '127.0.0.1');
  await fetchAll(connection, files);
});
