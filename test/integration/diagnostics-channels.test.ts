import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { it } from 'node:test';
import { CHANNELS } from '../../src/observe/index.js';
import { QuicClient, QuicConnection, QuicServer, QuicStream } from '../../src/index.js';
import { createCertificateAuthority } from '../../src/testing/index.js';

it('every diagnostics channel tells of both sides of a connection', async () => {
  const messages = new Map<string, Record<string, unknown>[]>();
  const listener = (message: unknown, name: string | symbol): void => {
    const list = messages.get(String(name)) ?? [];
    messages.set(String(name), [...list, message as Record<string, unknown>]);
  };
  const names = Object.values(CHANNELS);
  for (const name of names) subscribe(name, listener);
  const ca = await createCertificateAuthority();
  const { certificate: cert, key } = await ca.issue();
  const server = new QuicServer({ host: '127.0.0.1', port: 0, cert, key });
  server.handle({
    connection: (connection) => {
      connection.on('datagram', () => undefined);
    },
    async stream(stream) {
      await stream.send(await stream.receiveAll());
      await stream.finish();
    },
  });
  await server.listen();
  const client = new QuicClient({ serverHost: '127.0.0.1', serverPort: server.address.port, ca: ca.certificate });
  const connection = await client.connect();
  const stream = await connection.openBidirectionalStream();
  await stream.send(Uint8Array.of(1));
  await stream.finish();
  await stream.receiveAll();
  await connection.migrate();
  await client.shutdown();
  await server.stop();
  for (const name of names) unsubscribe(name, listener);

  for (const name of names.filter((each) => each !== CHANNELS.error && each !== CHANNELS.path)) {
    assert.equal(messages.get(name)?.length, 2, `${name}: one message a side`);
  }
  const moves = messages.get(CHANNELS.path) ?? [];
  assert.ok(moves.some((move) => (move['event'] as { type: string }).type === 'localAddress'));
  for (const { connection: of, stream: opened } of messages.get(CHANNELS.streamOpen) ?? []) {
    assert.ok(of instanceof QuicConnection);
    assert.ok(opened instanceof QuicStream);
    assert.equal(opened.connectionId, of.id);
  }
  const closed = messages.get(CHANNELS.streamClose)?.map(({ streamId }) => streamId);
  assert.deepEqual(closed, [stream.id, stream.id]);
});
