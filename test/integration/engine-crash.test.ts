import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QuicClient } from '../../src/index.js';
import { EngineError } from '../../src/quic/index.js';
import type { QuicConnection, QuicEndpoint, QuicError, QuicStream } from '../../src/quic/index.js';
import { ALPN, authority, echo, EndpointPair, roundTrip, streamBetween, text } from '../support/quic-pair.js';
import { quicError } from '../support/quic-errors.js';

/** Randomness that fails when told to, in the middle of a call of the engine: the same to it as any other trap. */
function fragileRandom(): { fill: (bytes: Uint8Array) => void; broken: boolean } {
  const random = {
    broken: false,
    fill(bytes: Uint8Array): void {
      if (random.broken) throw new Error('no randomness');
      crypto.getRandomValues(bytes);
    },
  };
  return random;
}

test('a crash ends the connections of one endpoint; others in the process go on', async () => {
  const random = fragileRandom();
  await using fragile = await EndpointPair.start({ server: { randomFill: (bytes) => random.fill(bytes) } });
  await using sound = await EndpointPair.start();
  const victim = await fragile.connect({ idleTimeout: 500 });
  const bystander = await sound.connect();
  echo(bystander.server);
  const { far } = await streamBetween(victim.client, victim.server);
  const waiting = far.receive();
  const accepting = victim.server.acceptStream();

  random.broken = true;
  // A handshake needs randomness: taking this first flight is what the engine dies of.
  const dialling = fragile.dial({ resumption: false, connectionTimeout: 1000 });
  dialling.catch(() => undefined);
  await assert.rejects(waiting, (error) => {
    quicError('ERR_QUIC_ENGINE', /crashed/)(error);
    const { cause } = error as QuicError;
    assert.ok(cause instanceof EngineError);
    assert.equal(cause.code, 'ERR_ENGINE_CRASHED');
    return true;
  });
  assert.equal((await victim.server.closed).error.code, 'ERR_QUIC_ENGINE');
  assert.equal(await accepting, undefined);

  // Every later call says the same, and none of them crashes the process.
  await assert.rejects(victim.server.openBidirectionalStream(), quicError('ERR_QUIC_ENGINE'));
  await assert.rejects(victim.server.sendDatagram(Uint8Array.of(1)), quicError('ERR_QUIC_ENGINE'));
  assert.throws(() => victim.server.ping(), quicError('ERR_QUIC_ENGINE'));
  await assert.rejects(far.send(Uint8Array.of(1)), quicError('ERR_QUIC_ENGINE'));
  await assert.rejects(fragile.server.connect('127.0.0.1', 9, { alpn: ['x'] }), quicError('ERR_QUIC_ENGINE'));
  assert.deepEqual(victim.server.paths(), []);
  assert.equal(victim.server.maxDatagramSize, 0);
  assert.equal(fragile.server.stats().activeConnections, 0);
  far.reset();
  far.stopSending();
  victim.server.destroy();
  await victim.server.close();
  await fragile.server.close();

  // The remotes of the crashed endpoint learn it by silence, the one that was dialling too.
  await assert.rejects(dialling);
  assert.equal((await victim.client.closed).error.code, 'ERR_QUIC_IDLE_TIMEOUT');

  assert.equal(text.decode(await roundTrip(bystander.client, text.encode('nothing happened'))), 'nothing happened');
  assert.equal(fragile.client.connections.length, 0);
});

test('a crash in a call of the application is an ERR_QUIC_ENGINE as well', async () => {
  const random = fragileRandom();
  await using pair = await EndpointPair.start({ client: { randomFill: (bytes) => random.fill(bytes) } });
  const { client, server } = await pair.connect();
  random.broken = true;
  await assert.rejects(pair.dial({ resumption: false }), quicError('ERR_QUIC_ENGINE'));
  assert.equal((await client.closed).error.code, 'ERR_QUIC_ENGINE');
  await assert.rejects(pair.dial(), quicError('ERR_QUIC_ENGINE'));
  server.destroy();
});

type Victims = Record<'connection', QuicConnection> & Record<'endpoint', QuicEndpoint> & Record<'stream', QuicStream>;

/** All calls that ask an endpoint, a connection or a stream for something. */
function callAll({ endpoint, connection, stream }: Victims): Map<string, Promise<unknown>> {
  const calls: Record<string, () => unknown> = {
    connect: () => endpoint.connect('127.0.0.1', 9, { alpn: ['x'] }),
    listen: () => endpoint.listen({ alpn: ['x'] }, () => undefined),
    reloadCertificates: () => endpoint.reloadCertificates(),
    openBidirectionalStream: () => connection.openBidirectionalStream(),
    openUnidirectionalStream: () => connection.openUnidirectionalStream({ waitForCredit: true }),
    setMaxConcurrentStreams: () => connection.setMaxConcurrentStreams('bidirectional', 1),
    sendDatagram: () => connection.sendDatagram(Uint8Array.of(1)),
    ping: () => connection.ping(),
    updateKeys: () => connection.updateKeys(),
    exportKeyingMaterial: () => connection.exportKeyingMaterial(32, 'x'),
    migrate: () => connection.migrate(),
    openPath: () => connection.openPath(),
    closePath: () => connection.closePath(0),
    setPathStatus: () => connection.setPathStatus(0, 'backup'),
    send: () => stream.send(Uint8Array.of(1)),
    trySend: () => stream.trySend(Uint8Array.of(1)),
    trySendLast: () => stream.trySendLast(Uint8Array.of(1)),
    finish: () => stream.finish(),
    receive: () => stream.receive(),
  };
  const results = new Map<string, Promise<unknown>>();
  for (const [name, call] of Object.entries(calls)) {
    // Not awaited one after the other: all of them belong to the moment of the call.
    const result = (async () => await call())();
    result.catch(() => undefined);
    results.set(name, result);
  }
  return results;
}

async function assertAllFail(results: Map<string, Promise<unknown>>): Promise<void> {
  for (const [name, result] of results) {
    await assert.rejects(result, (error) => {
      assert.equal((error as QuicError).code, 'ERR_QUIC_ENGINE', name);
      const { cause } = error as QuicError;
      assert.ok(cause instanceof EngineError && cause.code === 'ERR_ENGINE_CRASHED', name);
      return true;
    });
  }
}

/** What only looks answers with what is known, or with nothing, as on any connection that has ended. */
async function assertQuiet({ endpoint, connection, stream }: Victims): Promise<void> {
  assert.equal(connection.isClosed, true);
  assert.deepEqual(connection.paths(), []);
  assert.equal(connection.maxDatagramSize, 0);
  assert.equal(connection.details.alpn, ALPN);
  assert.equal(connection.peerCertificates.length, 1);
  assert.ok(connection.stats().bytesSent > 0);
  assert.equal(await connection.acceptStream(), undefined);
  assert.equal(await connection.receiveDatagram(), undefined);
  assert.ok(endpoint.stats().totalConnections > 0);
  stream.setPriority(1);
  endpoint.stopListening();
}

test('after a crash every call fails as ERR_QUIC_ENGINE, also before the connections were told', async () => {
  const random = fragileRandom();
  await using pair = await EndpointPair.start({ client: { randomFill: (bytes) => random.fill(bytes) } });
  const { client: connection, server } = await pair.connect();
  const { near: stream } = await streamBetween(connection, server);
  const victims = { endpoint: pair.client, connection, stream };
  // What has been looked at before is known after.
  void [connection.stats(), connection.details, connection.peerCertificates];
  let told = false;
  connection.on('close', () => (told = true));
  random.broken = true;
  await assert.rejects(pair.dial({ resumption: false }), quicError('ERR_QUIC_ENGINE'));
  assert.equal(told, false);
  const early = callAll(victims);
  const quiet = assertQuiet(victims);
  await assertAllFail(early);
  await quiet;
  const { error } = await connection.closed;
  assert.equal(error.code, 'ERR_QUIC_ENGINE');
  await assertAllFail(callAll(victims));
  await assertQuiet(victims);
  stream.reset();
  stream.stopSending();
  connection.destroy();
  await connection.close();
  server.destroy();
});

test('a connection that is closed between the crash and the news of it has ended by the crash', async () => {
  const random = fragileRandom();
  await using pair = await EndpointPair.start({ client: { randomFill: (bytes) => random.fill(bytes) } });
  const { client, server } = await pair.connect();
  random.broken = true;
  await assert.rejects(pair.dial({ resumption: false }), quicError('ERR_QUIC_ENGINE'));
  client.destroy();
  assert.equal((await client.closed).error.code, 'ERR_QUIC_ENGINE');
  server.destroy();
});

test('a QuicClient whose engine crashed says so', async () => {
  const random = fragileRandom();
  await using pair = await EndpointPair.start();
  await using client = new QuicClient({
    serverHost: '127.0.0.1',
    serverPort: pair.server.address.port,
    alpn: [ALPN],
    ca: authority.certificate,
    enableEarlyData: false,
    randomFill: (bytes) => random.fill(bytes),
  });
  const { id } = await client.connect();
  const server = await pair.accepted();
  random.broken = true;
  await assert.rejects(client.connect('localhost'), quicError('ERR_QUIC_ENGINE'));
  await assert.rejects(client.createStream(id), quicError('ERR_QUIC_ENGINE'));
  await assert.rejects(client.connect(), quicError('ERR_QUIC_ENGINE'));
  await client.closeConnection(id);
  assert.ok(client.getStats().totalConnections > 0);
  server.destroy();
});
