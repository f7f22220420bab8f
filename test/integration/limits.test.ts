import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QuicClient } from '../../src/index.js';
import { discard, endpoint, EndpointPair, identity, streamBetween } from '../support/quic-pair.js';
import { quicError } from '../support/quic-errors.js';

test('one stream too many is refused at once, in words that say what to do', async () => {
  await using pair = await EndpointPair.start({ client: { maxConcurrentStreams: 3 } });
  const { client } = await pair.connect();
  const streams = await Promise.all([1, 2, 3].map(() => client.openBidirectionalStream()));
  await assert.rejects(
    client.openBidirectionalStream(),
    quicError('ERR_QUIC_STREAM_LIMIT', /3 are open.*this side is 3.*waitForCredit/),
  );
  // Unidirectional streams have their own count.
  const other = await client.openUnidirectionalStream();
  other.reset();
  const waiting = client.openBidirectionalStream({ waitForCredit: true });
  discard(streams[0]!);
  const fourth = await waiting;
  assert.equal(fourth.id, 12);
  discard(fourth, ...streams);
});

test('the limit of the remote counts as well', async () => {
  await using pair = await EndpointPair.start({ listen: { maxConcurrentStreams: 2 } });
  const { client, server } = await pair.connect();
  const first = await streamBetween(client, server);
  const second = await streamBetween(client, server);
  await assert.rejects(
    client.openBidirectionalStream(),
    quicError('ERR_QUIC_STREAM_LIMIT', /the remote allows no more/),
  );

  const controller = new AbortController();
  const given = client.openBidirectionalStream({ waitForCredit: true, signal: controller.signal });
  const waiting = client.openBidirectionalStream({ waitForCredit: true });
  controller.abort(new Error('changed my mind'));
  await assert.rejects(given, /changed my mind/);
  discard(first.near, first.far);
  const third = await waiting;
  assert.equal(third.id, 8);
  discard(second.near, second.far, third);
});

test('setMaxConcurrentStreams grants more', async () => {
  await using pair = await EndpointPair.start({ listen: { maxConcurrentStreams: 1 } });
  const { client, server } = await pair.connect();
  const one = await streamBetween(client, server);
  await assert.rejects(client.openBidirectionalStream(), quicError('ERR_QUIC_STREAM_LIMIT'));
  const waiting = [1, 2].map(() => client.openBidirectionalStream({ waitForCredit: true }));
  server.setMaxConcurrentStreams('bidirectional', 3);
  const more = await Promise.all(waiting);
  assert.deepEqual(
    more.map(({ id }) => id),
    [4, 8],
  );
  discard(one.near, one.far, ...more);
});

test('waiting for credit ends with the connection', async () => {
  await using pair = await EndpointPair.start({ client: { maxConcurrentStreams: 0 } });
  const { client, server } = await pair.connect();
  const waiting = client.openBidirectionalStream({ waitForCredit: true });
  await server.close({ code: 5 });
  await assert.rejects(waiting, quicError('ERR_QUIC_APPLICATION'));
});

test('maxConnections of a server: one too many is refused, and there is room again when one ends', async () => {
  await using pair = await EndpointPair.start({ server: { maxConnections: 2 } });
  const one = await pair.connect();
  await pair.connect();
  await assert.rejects(pair.dial({ resumption: false }), quicError('ERR_QUIC_CONNECTION_REFUSED'));
  assert.equal(pair.server.stats().attemptsRefused, 1);
  await one.client.close();
  await one.server.closed;
  await pair.connect();
});

test('maxConnections of the dialling side: one too many is not even tried', async () => {
  await using pair = await EndpointPair.start({ client: { maxConnections: 1 } });
  await pair.connect();
  await assert.rejects(pair.dial(), quicError('ERR_QUIC_TOO_MANY_CONNECTIONS', /holds 1 connections/));
  assert.equal(pair.server.stats().totalConnections, 1);
});

test('options out of range are refused with their name', async () => {
  await using pair = await EndpointPair.start();
  await assert.rejects(pair.dial({ idleTimeout: -1 }), quicError('ERR_QUIC_INVALID_OPTION', /idleTimeout/));
  await assert.rejects(pair.dial({ maxConcurrentStreams: 1.5 }), quicError('ERR_QUIC_INVALID_OPTION'));
  await assert.rejects(pair.dial({ alpn: [] }), quicError('ERR_QUIC_INVALID_OPTION', /alpn/));
  const text = 'h3' as unknown as string[];
  await assert.rejects(
    pair.dial({ alpn: text }),
    quicError('ERR_QUIC_INVALID_OPTION', /alpn must be a list.*not "h3"/),
  );
  const client = new QuicClient({ alpn: text });
  await assert.rejects(client.connect('127.0.0.1', 9), quicError('ERR_QUIC_INVALID_OPTION', /alpn must be a list/));
  await client.shutdown();
  const listening = endpoint().then((one) => one.listen({ ...identity, alpn: text }, () => undefined));
  await assert.rejects(listening, quicError('ERR_QUIC_INVALID_OPTION', /alpn must be a list/));
  const port = '4433' as unknown as number;
  await assert.rejects(pair.dial({}, port), quicError('ERR_QUIC_INVALID_OPTION', /port must be .*not "4433"/));
  await assert.rejects(pair.dial({}, 0), quicError('ERR_QUIC_INVALID_OPTION', /port/));
  await assert.rejects(pair.dial({ congestionControl: 'reno' as 'newreno' }), quicError('ERR_QUIC_INVALID_OPTION'));
});
