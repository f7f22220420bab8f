import assert from 'node:assert/strict';
import { makeFiles } from './support/files.js';
import { againstEachPeer } from './support/interop-test.js';
import { startPeerClient, startPeerServer } from './support/peers.js';
import { assertFetched, fetchAll } from './support/protocols.js';
import { skeinClient, startSkeinServer } from './support/skein.js';

const files = makeFiles({ '3m': 3_000_000 });
const CHACHA20 = 'TLS_CHACHA20_POLY1305_SHA256';

for (const cipher of [CHACHA20, 'TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384']) {
  againstEachPeer(`${cipher}: skein connects and offers nothing else`, async (peer) => {
    await using server = await startPeerServer(peer, ['--root', files.folder]);
    await using client = skeinClient(server, { ciphers: [cipher] });
    const connection = await client.connect();
    assert.equal(connection.details.cipher, cipher);
    await fetchAll(connection, files);
    await connection.close();
    assert.equal((await server.process.of('handshake')).cipher, cipher);
  });

  againstEachPeer(`${cipher}: skein serves with nothing else`, async (peer) => {
    await using skein = await startSkeinServer(files, { ciphers: [cipher] });
    await using client = startPeerClient(peer, skein.port, ['--get', '/3m']);
    await client.done();
    assertFetched(client.all('file'), files);
    assert.equal((await client.of('handshake')).cipher, cipher);
    assert.equal(skein.connections[0]?.details.cipher, cipher);
  });
}

againstEachPeer(`${CHACHA20}: skein serves a client that offers nothing else`, async (peer) => {
  await using skein = await startSkeinServer(files);
  await using client = startPeerClient(peer, skein.port, ['--chacha20', '--get', '/3m']);
  await client.done();
  assertFetched(client.all('file'), files);
  assert.equal((await client.of('handshake')).cipher, CHACHA20);
  assert.equal(skein.connections[0]?.details.cipher, CHACHA20);
});
