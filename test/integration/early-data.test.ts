import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QuicConnection, QuicStream } from '../../src/quic/index.js';
import { ALPN, authority, echo, EndpointPair, identity, roundTrip, text, until } from '../support/quic-pair.js';
import { quicError } from '../support/quic-errors.js';
import { UdpProxy } from '../support/quic-udp-proxy.js';

/** Connects once and waits for the tickets, which come with the first round trip. */
async function visit(pair: EndpointPair, options: { enableEarlyData?: boolean } = {}): Promise<void> {
  const dialling = pair.dial(options);
  const server = await pair.accepted();
  echo(server);
  const client = await dialling;
  await client.resumable;
  assert.equal(text.decode(await roundTrip(client, text.encode('first'))), 'first');
  await client.close();
  await server.closed;
}

/** Opens a stream at once and sends; the stream as the server sees it. */
async function early(pair: EndpointPair): Promise<{ client: QuicConnection; near: QuicStream }> {
  const client = await pair.dial();
  const near = await client.openBidirectionalStream();
  await near.send(text.encode('early'));
  await near.finish();
  return { client, near };
}

test('accepted: data in the first flight, and the server sees which came early', async () => {
  await using pair = await EndpointPair.start();
  await visit(pair);
  const { client, near } = await early(pair);
  assert.equal(client.earlyData, 'pending');
  assert.equal(client.handshaking, true);
  assert.equal(near.early, true);
  const server = await pair.accepted();
  const far = await server.acceptStream();
  assert.ok(far);
  assert.equal(far.early, true);
  assert.equal(server.earlyData, 'accepted');
  assert.equal(text.decode(await far.receiveAll()), 'early');
  await far.send(text.encode('answer'));
  await far.finish();
  assert.equal(text.decode(await near.receiveAll()), 'answer');
  await client.ready;
  assert.equal(client.earlyData, 'accepted');
  assert.equal(client.details.resumed, true);
  // A stream of the same connection after the handshake is no longer early.
  const later = await client.openBidirectionalStream();
  await later.send(Uint8Array.of(1));
  const latest = await server.acceptStream();
  assert.deepEqual([later.early, latest?.early], [false, false]);
});

test('the first connection has none', async () => {
  await using pair = await EndpointPair.start();
  const { client, server } = await pair.connect();
  assert.deepEqual([client.earlyData, server.earlyData, client.details.resumed], ['none', 'none', false]);
});

test('rejected: streams opened early fail and say so, nothing is delivered, and the connection goes on', async () => {
  await using pair = await EndpointPair.start();
  await visit(pair);
  // The server has forgotten how: it resumes no session with early data.
  pair.server.stopListening();
  const accepted: QuicConnection[] = [];
  const established = new Promise<QuicConnection>((resolve) => {
    void pair.server.listen({ ...identity, alpn: [ALPN], enableEarlyData: false }, (connection) => {
      accepted.push(connection);
      resolve(connection);
    });
  });
  const client = await pair.dial();
  assert.equal(client.earlyData, 'pending');
  const near = await client.openBidirectionalStream();
  await near.send(text.encode('early'));
  await assert.rejects(near.receive(), quicError('ERR_QUIC_EARLY_DATA_REJECTED', /send it again/));
  await assert.rejects(near.send(Uint8Array.of(1)), quicError('ERR_QUIC_EARLY_DATA_REJECTED'));
  await assert.rejects(near.acknowledged, quicError('ERR_QUIC_EARLY_DATA_REJECTED'));
  await client.ready;
  assert.equal(client.earlyData, 'rejected');

  const server = await established;
  echo(server);
  assert.equal(server.earlyData, 'none');
  assert.equal(text.decode(await roundTrip(client, text.encode('again'))), 'again');
  assert.equal(server.stats().totalStreams, 1);
});

test('each ticket is good for one connection', async () => {
  await using pair = await EndpointPair.start({ listen: { sessionTickets: 1 } });
  await visit(pair);
  const first = await pair.dial();
  assert.equal(first.earlyData, 'pending');
  const second = await pair.dial();
  assert.equal(second.earlyData, 'none');
  assert.equal(second.details.resumed, false);
});

test('sessionTickets: 0 and resumption: false', async () => {
  await using none = await EndpointPair.start({ listen: { sessionTickets: 0 } });
  const without = await none.connect();
  echo(without.server);
  const { resumable } = without.client;
  await without.client.close();
  await assert.rejects(resumable, quicError('ERR_QUIC_CONNECTION_CLOSED'));
  const again = await none.connect();
  assert.equal(again.client.details.resumed, false);

  await using pair = await EndpointPair.start();
  await visit(pair);
  const client = await pair.dial({ resumption: false });
  assert.deepEqual([client.earlyData, client.details.resumed], ['none', false]);
});

test('resumed without early data where the client does not want it', async () => {
  await using pair = await EndpointPair.start();
  await visit(pair, { enableEarlyData: false });
  const { client } = await pair.connect({ enableEarlyData: false });
  assert.deepEqual([client.earlyData, client.details.resumed], ['none', true]);
});

test('a replayed first flight delivers no early data a second time', async () => {
  const seen: string[] = [];
  await using pair = await EndpointPair.start({ listen: { connectionTimeout: 500 } });
  const proxy = await UdpProxy.start(pair.server.address.port);
  const options = { alpn: [ALPN], ca: authority.certificate };
  const visitThrough = async (): Promise<QuicConnection> => {
    const client = await pair.client.connect('127.0.0.1', proxy.port, options);
    const stream = await client.openBidirectionalStream();
    await stream.send(text.encode('pay 10'));
    await stream.finish();
    const server = await pair.accepted();
    const far = await server.acceptStream();
    assert.ok(far);
    seen.push(`${text.decode(await far.receiveAll())} early ${far.early}`);
    await far.finish();
    await stream.receiveAll();
    return client;
  };
  const first = await visitThrough();
  await first.close();
  proxy.recording = [];
  const second = await visitThrough();
  await second.close();
  assert.equal(second.earlyData, 'accepted');
  const recorded = proxy.recording;
  proxy.recording = undefined;
  assert.deepEqual(seen, ['pay 10 early false', 'pay 10 early true']);
  await until(() => pair.server.connections.length === 0);

  // The attacker sends it all again once the server has forgotten the connection.
  const { totalConnections, totalStreams } = pair.server.stats();
  await until(() => {
    for (const datagram of recorded) proxy.inject(datagram);
    return pair.server.stats().totalConnections > totalConnections;
  });
  await until(() => pair.server.connections.length === 0);
  assert.equal(pair.server.stats().totalStreams, totalStreams);
});
