import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PathEvent, QuicConnection } from '../../src/quic/index.js';
import { echo, EndpointPair, roundTrip, text, until } from '../support/quic-pair.js';
import { quicError } from '../support/quic-errors.js';
import { UdpProxy } from '../support/quic-udp-proxy.js';

function pathEvent<T extends PathEvent['type']>(
  connection: QuicConnection,
  type: T,
): Promise<Extract<PathEvent, { type: T }>> {
  return new Promise((resolve) => {
    connection.on('path', (event) => {
      if (event.type === type) resolve(event as Extract<PathEvent, { type: T }>);
    });
  });
}

test('migrate(): the client goes on from another port in mid-transfer', async () => {
  await using pair = await EndpointPair.start();
  const { client, server } = await pair.connect();
  echo(server);
  const before = client.localAddress.port;
  const moved = pathEvent(server, 'remoteAddress');
  const local = pathEvent(client, 'localAddress');
  const bytes = new Uint8Array(8 << 20).map((_, index) => index * 13);
  const transfer = roundTrip(client, bytes);
  await until(() => server.stats().bytesReceived > 1 << 20);
  await client.migrate();
  assert.notEqual(client.localAddress.port, before);
  assert.equal((await local).local.port, client.localAddress.port);
  const event = await moved;
  assert.equal(event.remote.port, client.localAddress.port);
  assert.equal(server.remoteAddress.port, client.localAddress.port);
  assert.ok(Buffer.from(await transfer).equals(bytes));
  assert.ok(server.stats().pathChallengesSent > 0);
  // And once more, to a chosen address.
  await client.migrate({ address: '127.0.0.1' });
  assert.equal(client.localAddress.address, '127.0.0.1');
  assert.equal(text.decode(await roundTrip(client, text.encode('still here'))), 'still here');
});

test('only clients migrate, and only established ones', async () => {
  await using pair = await EndpointPair.start();
  const { client, server } = await pair.connect();
  await assert.rejects(server.migrate(), quicError('ERR_QUIC_MIGRATION', /only the client/));
  await client.close();
  await assert.rejects(client.migrate(), quicError('ERR_QUIC_CONNECTION_CLOSED'));
});

test('migrate() to an address of another machine, and to a port in use', async () => {
  await using pair = await EndpointPair.start();
  const { client, server } = await pair.connect();
  echo(server);
  await assert.rejects(client.migrate({ address: '192.0.2.1' }), quicError('ERR_QUIC_ADDRESS_NOT_AVAILABLE'));
  const { port } = pair.server.address;
  await assert.rejects(client.migrate({ address: '127.0.0.1', port }), quicError('ERR_QUIC_ADDRESS_IN_USE'));
  assert.equal(text.decode(await roundTrip(client, text.encode('where it was'))), 'where it was');
});

test('NAT rebinding: the server follows a client that knows nothing of it', async () => {
  await using pair = await EndpointPair.start();
  const proxy = await UdpProxy.start(pair.server.address.port);
  const [client, server] = await Promise.all([pair.dial({}, proxy.port), pair.accepted()]);
  await Promise.all([client.ready, server.ready]);
  echo(server);
  await roundTrip(client, text.encode('hello'));
  assert.equal(server.remoteAddress.port, proxy.outerPort);
  const moved = pathEvent(server, 'remoteAddress');
  const outer = await proxy.rebind();
  const bytes = new Uint8Array(1 << 20).fill(3);
  assert.ok(Buffer.from(await roundTrip(client, bytes)).equals(bytes));
  assert.equal((await moved).remote.port, outer);
  assert.equal(server.remoteAddress.port, outer);
});

test('migration: false: a server that does not follow', async () => {
  await using pair = await EndpointPair.start({ listen: { migration: false } });
  const proxy = await UdpProxy.start(pair.server.address.port);
  const [client, server] = await Promise.all([pair.dial({ idleTimeout: 400 }, proxy.port), pair.accepted()]);
  await Promise.all([client.ready, server.ready]);
  echo(server);
  await roundTrip(client, text.encode('hello'));
  await proxy.rebind();
  await assert.rejects(roundTrip(client, text.encode('hello?')));
  assert.equal((await server.closed).error.code, 'ERR_QUIC_IDLE_TIMEOUT');
  // The server gives up first; then it may still tell the client that it knows nothing of it any more.
  const { code } = (await client.closed).error;
  assert.ok(code === 'ERR_QUIC_IDLE_TIMEOUT' || code === 'ERR_QUIC_STATELESS_RESET', code);
});
