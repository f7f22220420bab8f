import assert from 'node:assert/strict';
import { once } from 'node:events';
import { it } from 'node:test';
import { QuicClient, QuicServer, type CloseInfo } from '../../src/index.js';
import { createCertificateAuthority } from '../../src/testing/index.js';

it('a client that closes as soon as it is connected: the server learns the code and the reason', async () => {
  const ca = await createCertificateAuthority();
  const { certificate: cert, key } = await ca.issue();
  await using server = new QuicServer({ host: '127.0.0.1', port: 0, cert, key });
  const closed = new Promise<CloseInfo>((resolve) => {
    server.handle({ connection: async (connection) => resolve(await connection.closed) });
  });
  await server.listen();
  await using client = new QuicClient({
    serverHost: '127.0.0.1',
    serverPort: server.address.port,
    ca: ca.certificate,
  });
  const connection = await client.connect();
  // Before the handshake is confirmed, all that a close may say is APPLICATION_ERROR (RFC 9000 10.2.3).
  await connection.close({ code: 7, reason: 'bye' });
  const info = await closed;
  assert.deepEqual([info.errorCode, info.reason, info.remote], [7, 'bye', true]);
  assert.equal(info.error.code, 'ERR_QUIC_APPLICATION');
});

it('a client that closes with early data on its way: the server gets the data, the code and the reason', async () => {
  const ca = await createCertificateAuthority();
  const { certificate: cert, key } = await ca.issue();
  await using server = new QuicServer({ host: '127.0.0.1', port: 0, cert, key });
  const received: string[] = [];
  const closed: Promise<CloseInfo>[] = [];
  server.handle({
    connection: (connection) => void closed.push(connection.closed),
    stream: async (stream) => void received.push(new TextDecoder().decode(await stream.receiveAll())),
  });
  await server.listen();
  await using client = new QuicClient({
    serverHost: '127.0.0.1',
    serverPort: server.address.port,
    ca: ca.certificate,
  });
  const first = await client.connect();
  await once(first, 'sessionTicket');
  await first.close();
  const connection = await client.connect();
  assert.equal(connection.earlyData, 'pending');
  const stream = await connection.openBidirectionalStream();
  await stream.send(new TextEncoder().encode('early'));
  await stream.finish();
  await connection.close({ code: 7, reason: 'bye' });
  assert.equal(connection.earlyData, 'accepted');
  assert.equal(closed.length, 2);
  const info = await closed[1];
  assert.deepEqual([info?.errorCode, info?.reason, info?.remote], [7, 'bye', true]);
  assert.deepEqual(received, ['early']);
});
