import assert from 'node:assert/strict';
import type { IncomingAttempt } from '../../src/index.js';
import { createCertificateAuthority } from '../../src/testing/index.js';
import { makeFiles } from './support/files.js';
import { againstEachPeer } from './support/interop-test.js';
import { certificateFile, startPeerClient, startPeerServer } from './support/peers.js';
import { assertFetched, fetchAll } from './support/protocols.js';
import { skeinClient, startSkeinServer } from './support/skein.js';

const files = makeFiles({ '1k': 1024 });

againstEachPeer('retry: skein connects', async (peer) => {
  await using server = await startPeerServer(peer, ['--retry', '--root', files.folder]);
  await using client = skeinClient(server);
  const connection = await client.connect();
  await fetchAll(connection, files);
  await connection.close();
  assert.equal((await server.process.of('handshake')).retry, true);
  const { firstInitialPacketNumber } = await server.process.of('closed');
  // The Initial with the token goes on counting (RFC 9000 17.2.5.3); only aioquic shows it.
  if (peer === 'aioquic') assert.ok((firstInitialPacketNumber ?? 0) > 0);
});

againstEachPeer('retry: skein serves', async (peer) => {
  const attempts: boolean[] = [];
  const onIncoming = ({ addressValidated }: IncomingAttempt): undefined => void attempts.push(addressValidated);
  await using skein = await startSkeinServer(files, { retry: 'always', onIncoming });
  await using client = startPeerClient(peer, skein.port, ['--get', '/1k']);
  await client.done();
  assertFetched(client.all('file'), files);
  assert.equal((await client.of('handshake')).retry, true);
  assert.deepEqual(attempts, [false, true]);
});

againstEachPeer('the token of a NEW_TOKEN frame spares the Retry: skein connects', async (peer) => {
  await using server = await startPeerServer(peer, ['--retry', '--root', files.folder]);
  await using client = skeinClient(server, { enableEarlyData: false });
  for (const expected of [true, false]) {
    const connection = await client.connect();
    await fetchAll(connection, files);
    await connection.close();
    const number = expected ? 1 : 2;
    const handshake = await server.process.of('handshake', number);
    const closed = await server.process.of('closed', number);
    if (peer === 'aioquic') {
      // Its server sends no NEW_TOKEN, so that it asks for a token each time.
      assert.equal(closed.frames?.sent['new_token'], undefined);
      assert.equal(handshake.retry, true);
    } else {
      assert.equal(handshake.retry, expected);
      assert.equal(handshake.newToken, !expected);
    }
  }
});

againstEachPeer('the token of a NEW_TOKEN frame spares the Retry: skein serves', async (peer) => {
  await using skein = await startSkeinServer(files, { retry: 'always' });
  await using client = startPeerClient(peer, skein.port, ['--resume', '--get', '/1k']);
  await client.done();
  assert.equal((await client.of('handshake', 1)).retry, true);
  assert.equal((await client.of('handshake', 2)).retry, false);
  assert.ok(((await client.of('closed', 1)).frames?.received['new_token'] ?? 0) > 0);
});

// The server has more to send than three times the client's first datagram (RFC 9000 8.1).
againstEachPeer('a chain of nine certificates: skein connects', async (peer) => {
  const chain = ['--cert', certificateFile('chain9.pem'), '--key', certificateFile('chain9-key.pem')];
  await using server = await startPeerServer(peer, ['--root', files.folder, ...chain]);
  // The verifier takes chains of at most six.
  await using client = skeinClient(server, { verifyPeer: false });
  const connection = await client.connect();
  assert.equal(connection.peerCertificates.length, 9);
  await fetchAll(connection, files);
});

againstEachPeer('a chain of nine certificates: skein serves', async (peer) => {
  const ca = await createCertificateAuthority();
  const { certificate: cert, key } = await ca.issue({ chainLength: 9 });
  await using skein = await startSkeinServer(files, { cert, key });
  await using client = startPeerClient(peer, skein.port, ['--insecure', '--get', '/1k']);
  await client.done();
  assertFetched(client.all('file'), files);
});
