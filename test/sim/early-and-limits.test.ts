/** Early data, address validation, datagrams and timeouts, in virtual time. */

import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { QuicError } from '../../src/quic/index.js';
import { CLIENT, echoOnce, PORT, withPair } from './support/pair.js';

describe('0-RTT', () => {
  test('the first response byte comes after one round trip instead of two', () =>
    withPair({ seed: 31, conditions: { delayMs: 50 } }, async ({ network, dial }) => {
      const visit = async (): Promise<{ took: number; early: string }> => {
        const begin = network.now;
        const connection = await dial();
        const stream = await connection.openBidirectionalStream();
        await stream.send(new Uint8Array([1]));
        await network.complete(stream.receive());
        const took = network.now - begin;
        await network.complete(connection.ready);
        await network.run({ forMs: 500 });
        const early = connection.earlyData;
        await network.complete(connection.close());
        return { took, early };
      };
      const first = await visit();
      const second = await visit();
      assert.equal(first.early, 'none');
      assert.equal(second.early, 'accepted');
      assert.ok(first.took >= 200 && first.took < 210, `first visit: ${first.took} ms`);
      assert.ok(second.took >= 100 && second.took < 110, `second visit: ${second.took} ms`);
    }));

  for (const seed of [1, 2, 3]) {
    test(`early data survives 20% loss (seed ${seed})`, () =>
      withPair({ seed, conditions: { lossPercent: 20 } }, async ({ network, connect }) => {
        const first = await connect();
        await network.complete(echoOnce(first, 1000));
        await network.run({ forMs: 2000 });
        await network.complete(first.close());
        const second = await connect();
        await network.complete(echoOnce(second, 50_000));
        await network.complete(second.ready);
        assert.equal(second.details.resumed, true);
      }));
  }
});

test('Retry works over a wire that loses a fifth of all datagrams', () =>
  withPair(
    { seed: 32, conditions: { lossPercent: 20 }, listen: { retry: 'always' } },
    async ({ network, connect, server }) => {
      const connection = await connect();
      await network.complete(echoOnce(connection, 10_000));
      assert.ok(server.stats().attemptsRetried > 0);
    },
  ));

test('before the client has proved its address the server sends at most three times what it got', () =>
  withPair({ seed: 33, conditions: { delayMs: 20 } }, async ({ network, client }) => {
    let fromClient = 0;
    // Only the first flight arrives: the server never hears again from this address.
    network.drop(({ from }) => from.address === CLIENT && ++fromClient > 1);
    const attempt = client.connect('10.0.0.1', PORT, { alpn: ['echo'], verifyPeer: false, connectionTimeout: 20_000 });
    // The client may think itself connected; the server has not heard that its answers arrive.
    await network.complete(
      attempt.then(
        () => undefined,
        () => undefined,
      ),
    );
    await network.run({ forMs: 15_000 });
    let received = 0;
    let sent = 0;
    for (const { from, length, arrivedAt } of network.captured) {
      if (from.address !== CLIENT) sent += length;
      else received += length * arrivedAt.length;
    }
    assert.ok(received >= 1200, `the server got ${received} bytes`);
    assert.ok(sent > 0 && sent <= 3 * received, `the server got ${received} bytes and sent ${sent}`);
  }));

test('QUIC datagrams arrive whole or not at all', () =>
  withPair({ seed: 34, conditions: { lossPercent: 10, duplicatePercent: 10 } }, async ({ network, connect }) => {
    const connection = await connect();
    const seen = new Set<number>();
    connection.on('datagram', (bytes) => {
      assert.equal(bytes.length, 100);
      const [number = -1] = bytes;
      assert.ok(!seen.has(number), 'a datagram came twice');
      assert.ok(bytes.every((byte) => byte === number));
      seen.add(number);
    });
    for (let number = 0; number < 200; number++) await connection.sendDatagram(new Uint8Array(100).fill(number));
    await network.run({ forMs: 5000 });
    assert.ok(seen.size > 100 && seen.size < 200, `${seen.size} of 200 came back`);
  }));

describe('silence', () => {
  test('ends a connection after the idle timeout, on both sides', () =>
    withPair({ seed: 35, connection: { idleTimeout: 5000 } }, async ({ network, connect, accepted }) => {
      const connection = await connect();
      const begin = network.now;
      const info = await network.complete(connection.closed);
      assert.equal(info.error.code, 'ERR_QUIC_IDLE_TIMEOUT');
      assert.ok(network.now - begin >= 5000 && network.now - begin < 7000);
      await network.run({ until: () => accepted[0]?.isClosed === true, limitMs: 3000 });
    }));

  test('is kept alive by keepAliveInterval', () =>
    withPair({ seed: 36, connection: { idleTimeout: 5000, keepAliveInterval: 2000 } }, async ({ network, connect }) => {
      const connection = await connect();
      await network.run({ forMs: 60_000 });
      assert.equal(connection.isClosed, false);
    }));

  test('during the handshake is told as no answer', () =>
    withPair({ seed: 37, conditions: { blackhole: true } }, async ({ connect }) => {
      await assert.rejects(connect({ connectionTimeout: 3000 }), (error: unknown) => {
        return QuicError.isQuicError(error) && error.code === 'ERR_QUIC_CONNECTION_TIMEOUT';
      });
    }));
});

describe('closing an endpoint waits for nobody who does not need it', () => {
  test('a server that never answered', () =>
    withPair({ seed: 41, conditions: { blackhole: true } }, async ({ network, client }) => {
      const attempt = client.connect('10.0.0.1', PORT, { alpn: ['echo'], verifyPeer: false });
      attempt.catch(() => undefined);
      await network.run({ forMs: 100 });
      const begin = network.now;
      await network.complete(client.close());
      await assert.rejects(attempt);
      assert.ok(network.now - begin < 10, `${network.now - begin} ms`);
    }));

  test('a client that has closed', () =>
    withPair({ seed: 42, conditions: { delayMs: 100 } }, async ({ network, connect, accepted, server }) => {
      const connection = await connect();
      await network.complete(connection.close());
      await network.run({ until: () => accepted[0]?.isClosed === true });
      const begin = network.now;
      await network.complete(server.close());
      assert.ok(network.now - begin < 10, `${network.now - begin} ms`);
    }));
});

test('a stream that stands still ends by streamTimeout', () =>
  withPair(
    { seed: 38, connection: { streamTimeout: 4000, idleTimeout: 0 } },
    async ({ network, connect, clientHost, serverHost }) => {
      const connection = await connect();
      const stream = await connection.openBidirectionalStream();
      await stream.send(new Uint8Array(10));
      await network.complete(stream.receive());
      network.link(clientHost, serverHost).blackhole(true);
      const begin = network.now;
      await assert.rejects(network.complete(stream.receive()), (error: unknown) => {
        return QuicError.isQuicError(error) && error.code === 'ERR_QUIC_STREAM_TIMEOUT';
      });
      assert.ok(network.now - begin >= 4000 && network.now - begin < 7000);
    },
  ));

test('the same seed gives the same course of events', async () => {
  const traces: string[] = [];
  for (let run = 0; run < 2; run++) {
    await withPair(
      { seed: 39, wallTime: Date.now(), conditions: { lossPercent: 10 } },
      async ({ network, connect }) => {
        const connection = await connect();
        await network.complete(echoOnce(connection, 30_000));
        traces.push(
          network.captured.map(({ sentAt, length, dropped }) => `${sentAt} ${length} ${String(dropped)}`).join('\n'),
        );
      },
    );
  }
  assert.ok(traces[0] !== undefined && traces[0].length > 1000);
  assert.equal(traces[1], traces[0]);
});

test('a server that updates its keys at once does it when the client has acknowledged something', () =>
  withPair({ seed: 29, conditions: { delayMs: 20 } }, async ({ network, connect, accepted }) => {
    const connection = await connect();
    const [server] = accepted;
    assert.ok(server);
    server.updateKeys();
    assert.equal(server.stats().keyUpdates, 0);
    await network.run({ until: () => connection.stats().keyUpdates === 1 });
    assert.equal(server.stats().keyUpdates, 1);
    await network.complete(echoOnce(connection, 1000));
  }));
