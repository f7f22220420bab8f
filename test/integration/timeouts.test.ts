import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { test } from 'node:test';
import { ALPN, discard, endpoint, EndpointPair, streamBetween, text, until } from '../support/quic-pair.js';
import { quicError } from '../support/quic-errors.js';
import { UdpProxy } from '../support/quic-udp-proxy.js';

test('connectionTimeout: a port that swallows everything', async () => {
  const silent = createSocket('udp4');
  await new Promise<void>((resolve) => silent.bind(0, '127.0.0.1', resolve));
  const client = await endpoint();
  const { port } = silent.address();
  await assert.rejects(
    client.connect('127.0.0.1', port, { alpn: [ALPN], connectionTimeout: 200 }),
    quicError('ERR_QUIC_CONNECTION_TIMEOUT', /200 ms/),
  );
  assert.equal(client.connections.length, 0);
  // An AbortSignal does not wait for that.
  const signal = AbortSignal.timeout(20);
  await assert.rejects(client.connect('127.0.0.1', port, { alpn: [ALPN], signal }), { name: 'TimeoutError' });
  assert.equal(client.connections.length, 0);
  silent.close();
});

test('idleTimeout: silence of the network ends the connection on both sides', async () => {
  await using pair = await EndpointPair.start();
  const proxy = await UdpProxy.start(pair.server.address.port);
  const [client, server] = await Promise.all([pair.dial({ idleTimeout: 300 }, proxy.port), pair.accepted()]);
  await server.ready;
  proxy.meddler = () => [];
  const near = await client.openBidirectionalStream();
  await near.send(Uint8Array.of(1));
  await assert.rejects(near.receive(), quicError('ERR_QUIC_IDLE_TIMEOUT', /300 ms/));
  assert.equal((await server.closed).error.code, 'ERR_QUIC_IDLE_TIMEOUT');
});

test('keepAliveInterval keeps an idle connection', async () => {
  await using pair = await EndpointPair.start();
  // Both sides are in this process: what holds it up for the idle timeout ends the connection, rightly.
  const { client, server } = await pair.connect({ idleTimeout: 1500, keepAliveInterval: 50 });
  const sent = (): number => client.stats().pingsSent;
  const before = sent();
  // More than the idle timeout in PINGs.
  await until(() => client.isClosed || sent() >= before + 40);
  assert.equal(client.isClosed, false);
  assert.equal(server.isClosed, false);
});

test('streamTimeout: a receive, a send and a wait for credit that stand still', async () => {
  await using pair = await EndpointPair.start({ listen: { maxConcurrentStreams: 1, streamReceiveWindow: 4096 } });
  const { client, server } = await pair.connect({ streamTimeout: 200, sendWindow: 8192 });
  const { near, far } = await streamBetween(client, server);
  const stuck = near.send(new Uint8Array(100_000));
  const credit = client.openBidirectionalStream({ waitForCredit: true });
  await Promise.all([
    assert.rejects(near.receive(), quicError('ERR_QUIC_STREAM_TIMEOUT', /receive on stream 0.*200 ms/)),
    assert.rejects(stuck, quicError('ERR_QUIC_STREAM_TIMEOUT', /send on stream 0/)),
    assert.rejects(credit, quicError('ERR_QUIC_STREAM_TIMEOUT', /credit/)),
  ]);
  // A connection whose stream stood still is otherwise well.
  assert.equal(client.isClosed, false);
  discard(near, far);
  const next = await client.openBidirectionalStream({ waitForCredit: true });
  discard(next);
});

test('streamTimeout counts standstill, not duration', async () => {
  await using pair = await EndpointPair.start();
  const { client, server } = await pair.connect({ streamTimeout: 150 });
  const { near, far } = await streamBetween(client, server);
  let words = '';
  const reading = (async () => {
    for await (const bytes of near) words += text.decode(bytes);
  })();
  // A word now and then, for longer than the timeout altogether, but never with such a gap.
  for (let count = 0; count < 8; count++) {
    await far.send(text.encode('x'));
    const turns = count;
    await until(() => words.length > turns);
    await new Promise((resolve) => void setTimeout(resolve, 40));
  }
  await far.finish();
  await reading;
  assert.equal(words, 'xxxxxxxx');
});
