/** What happens to a connection when the network under it changes. */

import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import type { PathEvent } from '../../src/quic/index.js';
import type { SimNetwork } from '../../src/testing/sim/index.js';
import { CLIENT, echoOnce, SERVER, withPair } from './support/pair.js';

const NARROW = { delayMs: 15, bandwidthBitsPerSecond: 10_000_000, queuePackets: 50 };

describe('NAT rebinding', () => {
  for (const kind of ['port', 'address'] as const) {
    test(`a new ${kind} in mid-transfer: the server validates it and the transfer goes on`, () =>
      withPair({ seed: 21, conditions: NARROW }, async ({ network, connect, accepted, clientHost }) => {
        const nat = network.nat({ inside: clientHost, outside: '192.0.2.1' });
        const connection = await connect();
        const events: PathEvent[] = [];
        accepted[0]?.on('path', (event) => events.push(event));
        network.after(400, () => (kind === 'port' ? nat.rebindPort() : nat.rebindAddress('192.0.2.2')));
        await network.complete(echoOnce(connection, 1_000_000));
        const moved = events.find((event) => event.type === 'remoteAddress');
        assert.ok(moved, 'the server saw no new address');
        if (kind === 'address') assert.equal(moved.remote.address, '192.0.2.2');
        const stats = accepted[0]?.stats();
        assert.ok(
          stats && stats.pathChallengesSent > 0 && stats.pathResponsesReceived > 0,
          'the new path was not validated',
        );
      }));
  }
});

for (const [what, seed, disturb] of [
  [
    'no answer to the challenge arrives for longer than the server waits for one',
    31,
    (network: SimNetwork): void => {
      const link = network.link(CLIENT, SERVER);
      // What the client sends from its new port has arrived then.
      network.after(40, () => link.blackhole(true));
      network.after(6000, () => link.blackhole(false));
    },
  ],
  [
    'the new path is fifty times as long',
    32,
    (network: SimNetwork): void => network.setAll({ ...NARROW, delayMs: 750 }),
  ],
] as const) {
  test(`NAT rebinding, and ${what}: the connection goes on`, () =>
    withPair({ seed, conditions: NARROW }, async ({ network, connect, accepted, clientHost }) => {
      const nat = network.nat({ inside: clientHost, outside: '192.0.2.1' });
      const connection = await connect();
      const port = accepted[0]?.remoteAddress.port;
      network.after(400, () => {
        nat.rebindPort();
        disturb(network);
      });
      await network.complete(echoOnce(connection, 1_000_000));
      assert.notEqual(accepted[0]?.remoteAddress.port, port);
    }));
}

test('migrate() moves the client to another port in mid-transfer', () =>
  withPair({ seed: 22, conditions: NARROW }, async ({ network, connect, accepted }) => {
    const connection = await connect();
    const before = connection.localAddress;
    const transfer = echoOnce(connection, 1_000_000);
    await network.run({ forMs: 400 });
    await network.complete(connection.migrate());
    assert.notEqual(connection.localAddress.port, before.port);
    await network.complete(transfer);
    assert.equal(accepted[0]?.remoteAddress.port, connection.localAddress.port);
  }));

test('a client whose address vanishes goes on from its new one by itself', () =>
  withPair({ seed: 23, conditions: NARROW }, async ({ network, connect, accepted, clientHost }) => {
    const connection = await connect({ ownSocket: true });
    const transfer = echoOnce(connection, 1_000_000);
    await network.run({ forMs: 400 });
    network.moveHost(clientHost, '10.0.0.77');
    await network.complete(transfer);
    assert.equal(accepted[0]?.remoteAddress.address, '10.0.0.77');
  }));

test('a link that dies for two seconds every five does not end the connection', () =>
  withPair({ seed: 24, conditions: NARROW }, async ({ network, connect, clientHost, serverHost }) => {
    const connection = await connect();
    const link = network.link(clientHost, serverHost);
    const toggle = (on: boolean): void => {
      link.blackhole(on);
      network.after(on ? 2000 : 3000, () => toggle(!on));
    };
    network.after(500, () => toggle(true));
    await network.complete(echoOnce(connection, 2_000_000));
  }));

describe('path MTU', () => {
  test('is searched up to what the path takes', () =>
    withPair(
      { seed: 25, conditions: { mtu: 1500 }, connection: { maxPathMtu: 9000 } },
      async ({ network, connect }) => {
        const connection = await connect();
        await network.complete(echoOnce(connection, 500_000));
        await network.run({ forMs: 5000 });
        const { mtu } = connection.stats();
        assert.ok(mtu > 1400 && mtu <= 1472, `found ${mtu}`);
      },
    ));

  test('is asked for whole first: one probe where the path takes all that the bound allows', () =>
    withPair(
      { seed: 27, conditions: { mtu: 9000 }, connection: { maxPathMtu: 8972 } },
      async ({ network, connect, clientHost, serverHost }) => {
        clientHost.mtu = 9000;
        serverHost.mtu = 9000;
        const connection = await connect();
        await network.complete(echoOnce(connection, 500_000));
        await network.run({ forMs: 5000 });
        const { mtu, mtuProbesSent } = connection.stats();
        assert.equal(mtu, 8972);
        assert.equal(mtuProbesSent, 1);
      },
    ));

  test('a path that gets narrower swallows packets; the connection notices and goes on', () =>
    withPair(
      { seed: 26, conditions: { ...NARROW, mtu: 9000 }, connection: { maxPathMtu: 8972 } },
      async ({ network, connect, clientHost, serverHost }) => {
        clientHost.mtu = 9000;
        serverHost.mtu = 9000;
        const connection = await connect();
        await network.complete(echoOnce(connection, 300_000));
        await network.run({ forMs: 5000 });
        assert.ok(connection.stats().mtu > 4000, `found ${connection.stats().mtu}`);
        network.setAll({ mtu: 1280 });
        await network.complete(echoOnce(connection, 300_000));
        assert.ok(connection.stats().mtu <= 1252);
        assert.ok(connection.stats().blackHolesDetected > 0);
      },
    ));
});

test('multipath: data goes on over the second path when the first dies', () =>
  withPair(
    {
      seed: 27,
      conditions: NARROW,
      clientAddresses: [CLIENT, '10.1.0.2'],
      connection: { maxPaths: 4, pathIdleTimeout: 3000, pathKeepAliveInterval: 1000 },
    },
    async ({ network, connect }) => {
      const connection = await connect();
      const established: number[] = [];
      connection.on('path', (event) => event.type === 'established' && established.push(event.pathId));
      // Connection IDs for further paths come a moment after the handshake.
      await network.run({ forMs: 200 });
      const second = await network.complete(connection.openPath({ address: '10.1.0.2' }));
      await network.run({ until: () => established.includes(second) });
      const transfer = echoOnce(connection, 1_000_000);
      await network.run({ forMs: 200 });
      network.link(CLIENT, SERVER).blackhole(true);
      await network.complete(transfer);
      const path = connection.paths().find(({ id }) => id === second);
      assert.ok(path && path.stats.bytesSent > 100_000, 'the second path carried little');
    },
  ));

test('statistics of a connection are those of the path that data goes over', () =>
  withPair(
    { seed: 28, conditions: { delayMs: 5 }, clientAddresses: [CLIENT, '10.1.0.2'], connection: { maxPaths: 4 } },
    async ({ network, connect, accepted }) => {
      const connection = await connect();
      network.link('10.1.0.2', SERVER).set({ delayMs: 100 });
      await network.complete(echoOnce(connection, 10_000));
      await network.run({ forMs: 200 });
      assert.ok(connection.stats().rttMs < 20, `${connection.stats().rttMs} ms on the first path`);
      let established = -1;
      connection.on('path', (event) => event.type === 'established' && (established = event.pathId));
      await network.complete(connection.migrate({ address: '10.1.0.2' }));
      await network.run({ until: () => established > 0 });
      const [first, second] = connection.paths();
      assert.ok(first && second && second.id === established, 'the path that was left is forgotten already');
      assert.notEqual(first.stats.rttMs, second.stats.rttMs);
      assert.equal(connection.stats().rttMs, second.stats.rttMs);
      await network.complete(echoOnce(connection, 10_000));
      for (const side of [connection, accepted[0]]) {
        const { rttMs } = side?.stats() ?? { rttMs: 0 };
        assert.ok(rttMs > 150, `${rttMs} ms on the second path`);
      }
    },
  ));
