// The two classes that most people hold, with the names and defaults that they promise.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { QuicServerConfig } from '../../src/index.js';
import { QuicClient, QuicServer } from '../../src/index.js';
import { authority, identity, text } from '../support/quic-pair.js';
import { quicError } from '../support/quic-errors.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();
const paths = { certPath: join(folder, 'cert.pem'), keyPath: join(folder, 'key.pem'), caPath: join(folder, 'ca.pem') };
writeFileSync(paths.certPath, identity.cert);
writeFileSync(paths.keyPath, identity.key);
writeFileSync(paths.caPath, authority.certificate);

async function listening(config: QuicServerConfig = {}): Promise<QuicServer> {
  const server = new QuicServer({ host: '127.0.0.1', port: 0, ...paths, ...config });
  await server.listen();
  return server;
}

function clientOf(server: QuicServer): QuicClient {
  return new QuicClient({ serverHost: '127.0.0.1', serverPort: server.address.port, caPath: paths.caPath });
}

test('the whole way: initialize, connect, createStream, send, receive, statistics, close', async () => {
  await using server = await listening();
  server.handle({
    async stream(stream) {
      for await (const bytes of stream) await stream.send(bytes);
      await stream.finish();
    },
  });
  await using client = clientOf(server);
  assert.equal(client.getStats().totalConnections, 0);
  await client.initialize();
  const connection = await client.connect();
  const stream = await client.createStream(connection.id);
  assert.equal(stream.connectionId, connection.id);
  await stream.send(text.encode('hello'));
  await stream.finish();
  assert.equal(text.decode(await stream.receive()), 'hello');
  assert.equal((await stream.receive()).length, 0);
  await stream.close();

  const { rttMs, ...counts } = client.getStats();
  assert.ok(rttMs > 0);
  assert.ok(counts.bytesReceived > 1200 && counts.bytesSent > 1200);
  assert.deepEqual(
    { total: counts.totalConnections, active: counts.activeConnections, streams: counts.totalStreams },
    { total: 1, active: 1, streams: 1 },
  );
  assert.equal(counts.activeStreams, 0);
  await client.closeConnection(connection.id);
  await client.closeConnection(connection.id);
  const after = client.getStats();
  assert.deepEqual([after.totalConnections, after.activeConnections, after.totalStreams], [1, 0, 1]);
  await assert.rejects(client.createStream(connection.id), quicError('ERR_QUIC_CONNECTION_CLOSED'));
});

test('a stream handler that fails resets its stream, warns, and the connection goes on', async () => {
  const warning = new Promise<Error>((resolve) => process.once('warning', resolve));
  await using server = await listening();
  let failing = true;
  server.handle({
    async stream(stream) {
      if (failing) throw new Error('handler trouble');
      await stream.send(await stream.receiveAll());
      await stream.finish();
    },
  });
  await using client = clientOf(server);
  const { id } = await client.connect();
  const first = await client.createStream(id);
  await first.send(text.encode('x'));
  await assert.rejects(first.receiveAll(), quicError('ERR_QUIC_STREAM_RESET'));
  assert.match((await warning).message, /handler trouble/);
  failing = false;
  const second = await client.createStream(id);
  await second.send(text.encode('y'));
  await second.finish();
  assert.equal(text.decode(await second.receiveAll()), 'y');
});

test('the server closes one connection of several', async () => {
  await using server = await listening();
  await using one = clientOf(server);
  await using two = clientOf(server);
  const accepted: string[] = [];
  server.handle({ connection: ({ id }) => void accepted.push(id) });
  const first = await one.connect();
  const second = await two.connect();
  const { id } = server.connections.find((each) => each.remoteAddress.port === first.localAddress.port)!;
  await server.closeConnection(id);
  await first.closed;
  assert.equal(second.isClosed, false);
  assert.equal(server.connections.length, 1);
});

test('a server without a certificate, or with unreadable files, says what is missing', async () => {
  const cases: [QuicServerConfig, Parameters<typeof quicError>[0]][] = [
    [{ certPath: undefined, keyPath: undefined }, 'ERR_QUIC_INVALID_OPTION'],
    [{ certPath: join(folder, 'none.pem') }, 'ERR_QUIC_TLS_FILE'],
    [{ keyPath: join(folder, 'none.pem') }, 'ERR_QUIC_TLS_FILE'],
    [{ keyPath: paths.certPath }, 'ERR_QUIC_TLS_KEY'],
  ];
  for (const [config, code] of cases) await assert.rejects(listening(config), quicError(code), code);
});

test('address before initialize, and listen after stop', async () => {
  const server = new QuicServer({ host: '127.0.0.1', port: 0, ...paths });
  assert.throws(() => server.address, quicError('ERR_QUIC_INVALID_STATE'));
  assert.deepEqual(server.getStats().totalConnections, 0);
  await server.stop();
  await server.stop();
  await assert.rejects(server.listen(), quicError('ERR_QUIC_ENDPOINT_CLOSED'));
});

test('verifyPeer is on unless it is switched off', async () => {
  await using server = await listening();
  const target = { serverHost: '127.0.0.1', serverPort: server.address.port };
  await using strict = new QuicClient(target);
  await assert.rejects(strict.connect(), quicError('ERR_QUIC_CERTIFICATE_ISSUER'));
  await using trusting = new QuicClient({ ...target, verifyPeer: false });
  await trusting.connect();
});
