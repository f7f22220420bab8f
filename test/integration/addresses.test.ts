import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import type { LookupAddress } from 'node:dns';
import dns from 'node:dns/promises';
import { syncBuiltinESMExports } from 'node:module';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { QuicClient, QuicServer } from '../../src/index.js';
import {
  ALPN,
  authority,
  echo,
  endpoint,
  EndpointPair,
  identity,
  roundTrip,
  text,
  until,
} from '../support/quic-pair.js';
import { quicError } from '../support/quic-errors.js';

const loopback6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
const skip = loopback6 ? false : 'this machine has no IPv6';

test('IPv6', { skip }, async () => {
  await using pair = await EndpointPair.start({ host: '::1' });
  const { client, server } = await pair.connect();
  echo(server);
  assert.equal(server.remoteAddress.family, 'IPv6');
  assert.equal(client.remoteAddress.address, '::1');
  assert.equal(text.decode(await roundTrip(client, text.encode('six'))), 'six');
});

test("dual stack: '::' takes both families, and addresses of IPv4 look like it", { skip }, async () => {
  const server = await endpoint({ host: '::' });
  const seen: string[] = [];
  await server.listen({ ...identity, alpn: [ALPN] }, (connection) => {
    seen.push(`${connection.remoteAddress.family} ${connection.remoteAddress.address}`);
    echo(connection);
  });
  const dialler = await endpoint({ host: '::' });
  for (const host of ['127.0.0.1', '::1']) {
    const client = await dialler.connect(host, server.address.port, { alpn: [ALPN], ca: authority.certificate });
    assert.equal(client.remoteAddress.address, host);
    assert.equal(text.decode(await roundTrip(client, text.encode(host))), host);
  }
  assert.deepEqual(seen, ['IPv4 127.0.0.1', 'IPv6 ::1']);
});

test('ipv6Only leaves IPv4 out', { skip }, async () => {
  const server = await endpoint({ host: '::', ipv6Only: true });
  await server.listen({ ...identity, alpn: [ALPN] }, () => undefined);
  const { port } = server.address;
  const dialler = await endpoint({ host: '::' });
  const options = { alpn: [ALPN], ca: authority.certificate };
  await dialler.connect('::1', port, options);
  await assert.rejects(
    dialler.connect('127.0.0.1', port, { ...options, connectionTimeout: 150 }),
    quicError('ERR_QUIC_CONNECTION_TIMEOUT'),
  );
});

// Not every machine resolves localhost to both addresses; the race is run for both orders everywhere.
for (const order of [
  ['127.0.0.1', '::1'],
  ['::1', '127.0.0.1'],
]) {
  for (const host of order) {
    test(`Happy Eyeballs: localhost is ${order.join(' and ')}, and only ${host} is served`, { skip }, async (t) => {
      const lookup = async (): Promise<LookupAddress[]> =>
        order.map((address) => ({ address, family: address === '::1' ? 6 : 4 }));
      t.mock.method(dns, 'lookup', lookup as unknown as typeof dns.lookup);
      syncBuiltinESMExports();
      await using server = new QuicServer({ host, port: 0, ...identity });
      await server.listen();
      await using client = new QuicClient({ serverPort: server.address.port, ca: authority.certificate });
      const connection = await client.connect();
      assert.equal(connection.remoteAddress.address, host);
      // The loser of the race has left nothing behind.
      await client.closeConnection(connection.id);
      assert.equal(client.getStats().activeConnections, 0);
      t.mock.restoreAll();
      syncBuiltinESMExports();
    });
  }
}

test('Happy Eyeballs: a signal ends the whole race, not one attempt of it', async (t) => {
  const silent = [createSocket('udp4'), createSocket('udp4')];
  await Promise.all(
    silent.map((socket, index) => new Promise<void>((done) => socket.bind(0, `127.0.0.${index + 1}`, done))),
  );
  const lookup = async (): Promise<LookupAddress[]> =>
    ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
  t.mock.method(dns, 'lookup', lookup as unknown as typeof dns.lookup);
  syncBuiltinESMExports();
  const dialler = await endpoint({ host: '127.0.0.1' });
  const controller = new AbortController();
  const { signal } = controller;
  const attempt = dialler.connect('somewhere', silent[0]!.address().port, { alpn: [ALPN], signal });
  attempt.catch(() => undefined);
  await until(() => dialler.connections.length === 1);
  controller.abort(new Error('changed my mind'));
  await assert.rejects(attempt, /changed my mind/);
  assert.equal(dialler.connections.length, 0);
  assert.equal(dialler.stats().totalConnections, 1);
  t.mock.restoreAll();
  syncBuiltinESMExports();
  for (const socket of silent) socket.close();
});

test('one endpoint listens and dials over the same port', async () => {
  await using pair = await EndpointPair.start();
  await pair.client.listen({ ...identity, alpn: [ALPN] }, (connection) => echo(connection));
  const { server } = await pair.connect();
  assert.equal(server.remoteAddress.port, pair.client.address.port);
  const back = await pair.server.connect('127.0.0.1', pair.client.address.port, {
    alpn: [ALPN],
    ca: authority.certificate,
  });
  assert.equal(text.decode(await roundTrip(back, text.encode('and back'))), 'and back');
});
