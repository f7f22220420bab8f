import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QuicError } from '../../src/quic/index.js';
import { ALPN, authority, endpoint, EndpointPair, identity, streamBetween, text } from '../support/quic-pair.js';
import { quicError } from '../support/quic-errors.js';
import { WrappedNetwork } from '../support/wrapped-network.js';

test('close() delivers what finished streams have sent, then the code and the reason', async () => {
  await using pair = await EndpointPair.start();
  const { client, server } = await pair.connect();
  const stream = await client.openUnidirectionalStream();
  const bytes = new Uint8Array(1 << 20).fill(7);
  await stream.send(bytes);
  await stream.finish();
  const closing = client.close({ code: 17, reason: 'done here' });
  const incoming = await server.acceptStream();
  assert.ok(Buffer.from(await incoming!.receiveAll()).equals(bytes));
  await closing;
  assert.equal(stream.sendState, 'finished');
  const info = await server.closed;
  assert.deepEqual(
    [info.errorCode, info.reason, info.remote, info.error.code],
    [17, 'done here', true, 'ERR_QUIC_APPLICATION'],
  );
  const own = await client.closed;
  assert.deepEqual([own.errorCode, own.remote, own.error.code], [17, false, 'ERR_QUIC_CONNECTION_CLOSED']);
  await client.close();
});

test('what had arrived before the remote closed can still be read, and then the error', async () => {
  await using pair = await EndpointPair.start();
  const { client, server } = await pair.connect();
  const whole = await streamBetween(client, server);
  const cut = await streamBetween(client, server);
  await whole.near.send(new Uint8Array(200_000).fill(1));
  await whole.near.finish();
  await cut.near.send(text.encode('and then'));
  await client.close({ code: 3 });
  await server.closed;
  assert.equal((await whole.far.receiveAll()).length, 200_000);
  assert.equal(text.decode(await cut.far.receive()), 'and then');
  await assert.rejects(cut.far.receive(), quicError('ERR_QUIC_APPLICATION', /code 3/));
  assert.equal(cut.far.receiveState, 'failed');
});

test('everything that waits is told, on both sides', async () => {
  await using pair = await EndpointPair.start();
  const { client, server } = await pair.connect();
  const { near, far } = await streamBetween(client, server);
  const remote = [far.receive(), far.send(new Uint8Array(32 << 20)), far.acknowledged];
  const local = [near.receive(), near.send(new Uint8Array(32 << 20)), near.acknowledged];
  const settled = Promise.allSettled([...remote, ...local]);
  const accepting = [server.acceptStream(), client.acceptStream()];
  client.destroy(undefined, 9);
  const codes = (await settled).map((one) =>
    one.status === 'rejected' ? (one.reason as QuicError).code : 'fulfilled',
  );
  assert.deepEqual(codes.slice(3), Array(3).fill('ERR_QUIC_CONNECTION_CLOSED'));
  // What had come before the close is read first; the rest is cut off.
  assert.deepEqual(codes.slice(1, 3), Array(2).fill('ERR_QUIC_APPLICATION'));
  assert.deepEqual(await Promise.all(accepting), [undefined, undefined]);
  assert.equal((await server.closed).errorCode, 9);
  await assert.rejects(client.openBidirectionalStream(), quicError('ERR_QUIC_CONNECTION_CLOSED'));
  assert.throws(() => client.ping(), quicError('ERR_QUIC_CONNECTION_CLOSED'));
});

test('destroy(error): pending operations fail with that error', async () => {
  await using pair = await EndpointPair.start();
  const { client, server } = await pair.connect();
  const { near } = await streamBetween(client, server);
  const receiving = near.receive();
  const mine = new QuicError('ERR_QUIC_INVALID_STATE', 'mine');
  client.destroy(mine, 4);
  await assert.rejects(receiving, (error) => error === mine);
  assert.equal((await client.closed).error, mine);
  assert.equal((await server.closed).errorCode, 4);
});

test('the endpoint closes its connections with a code; later calls say so', async () => {
  await using pair = await EndpointPair.start();
  const { client, server } = await pair.connect();
  await pair.server.close({ code: 21, reason: 'maintenance' });
  assert.equal((await server.closed).remote, false);
  const info = await client.closed;
  assert.deepEqual([info.errorCode, info.reason, info.remote], [21, 'maintenance', true]);
  await assert.rejects(pair.server.connect('127.0.0.1', 9, { alpn: ['x'] }), quicError('ERR_QUIC_ENDPOINT_CLOSED'));
  await pair.server.close();
  assert.equal(pair.server.stats().activeConnections, 0);
});

test('close({ timeout: 0 }) of the endpoint still says goodbye, though its socket is full', async () => {
  const network = new WrappedNetwork();
  await using pair = await EndpointPair.start({ server: { network } });
  const { client, server } = await pair.connect();
  const { socket } = network.bound[0]!;
  let full = true;
  Object.defineProperty(socket, 'writable', { get: () => !full });
  await pair.server.close({ timeout: 0, code: 33, reason: 'at once' });
  full = false;
  assert.equal((await server.closed).remote, false);
  const info = await client.closed;
  assert.deepEqual([info.errorCode, info.reason, info.remote], [33, 'at once', true]);
});

test('an endpoint that closes while it dials: the attempt ends, in whatever state it is', async () => {
  await using pair = await EndpointPair.start();
  for (const ownSocket of [true, false]) {
    for (let turns = 0; turns < 12; turns++) {
      const dialler = await endpoint();
      const options = { alpn: [ALPN], ca: authority.certificate, ownSocket, resumption: false };
      const attempt = dialler.connect('127.0.0.1', pair.server.address.port, options).then(
        (connection) => connection.closed.then(({ error }) => error.code),
        (error: unknown) => (error as QuicError).code,
      );
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => void setImmediate(resolve));
      await dialler.close({ timeout: 0 });
      assert.match(await attempt, /^ERR_QUIC_(ENDPOINT|CONNECTION)_CLOSED$/);
      assert.equal(dialler.connections.length, 0);
    }
  }
});

test('statistics stay when the connection has ended', async () => {
  await using pair = await EndpointPair.start();
  const { client, server } = await pair.connect();
  const { near } = await streamBetween(client, server);
  await near.finish();
  await client.close();
  const { bytesSent, totalStreams } = client.stats();
  assert.ok(bytesSent > 1200);
  assert.equal(totalStreams, 1);
  assert.equal(pair.client.stats().bytesSent, bytesSent);
  await server.closed;
  assert.ok(pair.server.stats().bytesReceived > 1200);
});

test('what the handshake settled stays when the connection has ended, asked about before or not', async () => {
  await using pair = await EndpointPair.start();
  const asked = await pair.connect();
  const { details, peerCertificates } = asked.client;
  assert.equal(details.alpn, ALPN);
  assert.equal(peerCertificates.length > 0, true);
  const unasked = await pair.connect();
  for (const { client, server } of [asked, unasked]) {
    await client.close();
    await server.closed;
  }
  // Both engines have forgotten their connections by the time that all have drained.
  await Promise.all([pair.client.close(), pair.server.close()]);
  for (const { client, server } of [asked, unasked]) {
    assert.deepEqual(client.details, { ...details, resumed: client.details.resumed });
    assert.deepEqual(client.peerCertificates, peerCertificates);
    assert.deepEqual([server.details.alpn, server.peerCertificates.length], [ALPN, 0]);
  }
});

test('a handler that fails ends its connection, with a warning', async () => {
  const warning = new Promise<Error>((resolve) => process.once('warning', resolve));
  await using pair = await EndpointPair.start();
  pair.server.stopListening();
  await pair.server.listen({ ...identity, alpn: [ALPN] }, () => {
    throw new Error('handler trouble');
  });
  const client = await pair.dial();
  await client.closed;
  assert.match((await warning).message, /handler trouble/);
});
