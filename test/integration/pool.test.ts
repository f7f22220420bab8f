import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QuicClientConfig } from '../../src/index.js';
import { QuicClient } from '../../src/index.js';
import { ALPN, authority, EndpointPair, until } from '../support/quic-pair.js';
import { quicError } from '../support/quic-errors.js';

function poolOf(pair: EndpointPair, options: QuicClientConfig = {}): QuicClient {
  const serverPort = pair.server.address.port;
  return new QuicClient({ serverHost: '127.0.0.1', serverPort, ca: authority.certificate, alpn: [ALPN], ...options });
}

test('connections asked for at once share one handshake; each later one gets the same', async () => {
  await using pair = await EndpointPair.start();
  await using client = poolOf(pair);
  const all = await Promise.all(Array.from({ length: 20 }, () => client.connect()));
  assert.equal(new Set(all).size, 1);
  assert.equal(await client.connect(), all[0]);
  assert.equal(client.connection(all[0]!.id), all[0]);
  assert.equal(pair.server.stats().totalConnections, 1);
  assert.equal(client.getStats().totalConnections, 1);
});

test('other hosts and ports are other connections', async () => {
  await using first = await EndpointPair.start();
  await using second = await EndpointPair.start();
  await using client = poolOf(first);
  const one = await client.connect();
  const two = await client.connect('127.0.0.1', second.server.address.port);
  assert.notEqual(one, two);
  assert.equal(client.getStats().activeConnections, 2);
});

test('one that has ended is forgotten, and the next call makes a new one', async () => {
  await using pair = await EndpointPair.start();
  await using client = poolOf(pair);
  const first = await client.connect();
  const server = await pair.accepted();
  await server.close();
  await first.closed;
  const second = await client.connect();
  assert.notEqual(second, first);
  await second.ready;
  assert.throws(() => client.connection(first.id), quicError('ERR_QUIC_CONNECTION_CLOSED'));
});

test('a failed handshake is not remembered', async () => {
  await using pair = await EndpointPair.start({ server: { maxConnections: 1 } });
  const occupant = await pair.connect();
  await using client = poolOf(pair);
  const failing = [client.connect(), client.connect()];
  for (const one of failing) await assert.rejects(one, quicError('ERR_QUIC_CONNECTION_REFUSED'));
  await occupant.client.close();
  await occupant.server.closed;
  await (await client.connect()).ready;
});

test('the signal of one who waits does not end the wait of another', async () => {
  await using pair = await EndpointPair.start();
  await using client = poolOf(pair);
  const controller = new AbortController();
  const impatient = client.connect(undefined, undefined, { signal: controller.signal });
  const patient = client.connect();
  controller.abort(new Error('gone'));
  await assert.rejects(impatient, /gone/);
  assert.equal((await patient).isClosed, false);
});

test('an idle connection is evicted, one with a stream is not', async () => {
  await using first = await EndpointPair.start();
  await using second = await EndpointPair.start();
  await using client = poolOf(first, { idleEviction: 100 });
  const idle = await client.connect();
  const busy = await client.connect('127.0.0.1', second.server.address.port);
  const stream = await busy.openBidirectionalStream();
  await stream.send(Uint8Array.of(1));
  const { reason } = await idle.closed;
  assert.equal(reason, 'idle');
  assert.equal(busy.isClosed, false);
  stream.reset();
  stream.stopSending();
  await busy.closed;
});

test('at maxConnections the idlest makes room; with all in use there is none', async () => {
  const pairs = await Promise.all([1, 2, 3].map(() => EndpointPair.start()));
  const ports = pairs.map(({ server }) => server.address.port);
  await using client = poolOf(pairs[0]!, { maxConnections: 2 });
  const first = await client.connect('127.0.0.1', ports[0]);
  const second = await client.connect('127.0.0.1', ports[1]);
  const held = await first.openBidirectionalStream();
  await held.send(Uint8Array.of(1));
  const third = await client.connect('127.0.0.1', ports[2]);
  assert.deepEqual([first.isClosed, second.isClosed, third.isClosed], [false, true, false]);
  const other = await third.openBidirectionalStream();
  await other.send(Uint8Array.of(1));
  await assert.rejects(client.connect('127.0.0.1', ports[1]), quicError('ERR_QUIC_TOO_MANY_CONNECTIONS'));
});

test('shutdown closes everything; a client that was shut down says so', async () => {
  await using pair = await EndpointPair.start();
  const client = poolOf(pair);
  const connection = await client.connect();
  const server = await pair.accepted();
  await client.shutdown();
  assert.equal(connection.isClosed, true);
  await server.closed;
  await until(() => pair.server.stats().activeConnections === 0);
  await assert.rejects(client.connect(), quicError('ERR_QUIC_ENDPOINT_CLOSED', /new QuicClient/));
  await client.shutdown();
});
