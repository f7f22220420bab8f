import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineError } from '../../src/quic/index.js';
import type { QuicError } from '../../src/quic/index.js';
import { echo, EndpointPair, roundTrip, streamBetween, text } from '../support/quic-pair.js';
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
  await assert.rejects(
    victim.server.sendDatagram(Uint8Array.of(1)),
    quicError('ERR_QUIC_CONNECTION_CLOSED', /crashed/),
  );
  assert.throws(() => victim.server.ping(), quicError('ERR_QUIC_CONNECTION_CLOSED', /crashed/));
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
