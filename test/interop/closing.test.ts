import assert from 'node:assert/strict';
import { makeFiles } from './support/files.js';
import { againstEachPeer } from './support/interop-test.js';
import { startPeerClient, startPeerServer } from './support/peers.js';
import { fetchAll } from './support/protocols.js';
import { skeinClient, startSkeinServer } from './support/skein.js';

const files = makeFiles({ '1k': 1024 });
const BYE = ['--close-code', '7', '--close-reason', 'bye'];

againstEachPeer('close: skein connects and closes', async (peer) => {
  await using server = await startPeerServer(peer, ['--root', files.folder]);
  await using client = skeinClient(server);
  const connection = await client.connect();
  await fetchAll(connection, files);
  await connection.close({ code: 7, reason: 'bye' });
  const info = await connection.closed;
  assert.deepEqual([info.errorCode, info.reason, info.remote], [7, 'bye', false]);
  const { by, kind, code, reason } = await server.process.of('closed');
  assert.deepEqual([by, kind, code, reason], ['peer', 'application', 7, 'bye']);
});

againstEachPeer('close: skein connects, the peer closes', async (peer) => {
  await using server = await startPeerServer(peer, ['--root', files.folder, ...BYE]);
  await using client = skeinClient(server);
  const connection = await client.connect();
  await fetchAll(connection, files);
  const info = await connection.closed;
  assert.deepEqual([info.errorCode, info.reason, info.remote], [7, 'bye', true]);
  assert.equal(info.error.code, 'ERR_QUIC_APPLICATION');
  assert.match(info.error.message, /7: bye/);
});

againstEachPeer('close: skein serves and closes', async (peer) => {
  await using skein = await startSkeinServer(files);
  const client = startPeerClient(peer, skein.port, ['--get', '/1k', '--wait-close']);
  await using _ = client;
  await client.event(({ event }) => event === 'file');
  await skein.connections[0]?.close({ code: 7, reason: 'bye' });
  await client.done();
  const { by, kind, code, reason } = await client.of('closed');
  assert.deepEqual([by, kind, code, reason], ['peer', 'application', 7, 'bye']);
});

againstEachPeer('close: skein serves, the peer closes', async (peer) => {
  await using skein = await startSkeinServer(files);
  await using client = startPeerClient(peer, skein.port, ['--get', '/1k', ...BYE]);
  await client.done();
  const info = await skein.connections[0]?.closed;
  assert.deepEqual([info?.errorCode, info?.reason, info?.remote], [7, 'bye', true]);
  assert.equal(info?.error.code, 'ERR_QUIC_APPLICATION');
});

/** The smaller of both sides' idle timeouts counts (RFC 9000 10.1). */
const SHORT = 2000;

againstEachPeer('idle timeout of the peer: skein connects', async (peer) => {
  await using server = await startPeerServer(peer, ['--root', files.folder, '--idle-timeout', String(SHORT)]);
  await using client = skeinClient(server);
  const connection = await client.connect();
  await fetchAll(connection, files);
  const info = await connection.closed;
  assert.equal(info.error.code, 'ERR_QUIC_IDLE_TIMEOUT');
  assert.equal((await server.process.of('closed')).kind, 'idle-timeout');
});

againstEachPeer('idle timeout of this side: skein serves', async (peer) => {
  await using skein = await startSkeinServer(files, { idleTimeout: SHORT });
  await using client = startPeerClient(peer, skein.port, ['--get', '/1k', '--wait-close']);
  await client.done();
  assert.equal((await client.of('closed')).kind, 'idle-timeout');
  assert.equal((await skein.connections[0]?.closed)?.error.code, 'ERR_QUIC_IDLE_TIMEOUT');
});
