/** What a connection costs in datagrams that is closed as soon as it is there, and when the search for the path MTU begins. */

import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { CLIENT, echoOnce, SERVER, withPair } from './support/pair.js';

const WIDE = { connection: { maxPathMtu: 8972 }, conditions: { mtu: 9000 } } as const;

test('a handshake and its end are five datagrams', () =>
  withPair({ seed: 41 }, async ({ network, dial, accepted }) => {
    const connection = await dial();
    connection.once('handshakeConfirmed', () => connection.destroy());
    await network.run({ until: () => accepted[0]?.isClosed === true });
    await network.run({ forMs: 5000 });
    const from = (host: string): number[] =>
      network.captured.filter((datagram) => datagram.from.address === host).map(({ length }) => length);
    // ClientHello; Finished; the close.
    assert.equal(from(CLIENT).length, 3, from(CLIENT).join());
    // ServerHello to Finished, with the connection IDs; HANDSHAKE_DONE, tickets and tokens. Nothing in answer to the close.
    assert.equal(from(SERVER).length, 2, from(SERVER).join());
  }));

describe('mtuDiscoveryDelay', () => {
  test('the search of an idle connection begins after it, without a packet of anybody', () =>
    withPair({ seed: 42, ...WIDE }, async ({ network, connect, accepted, clientHost, serverHost }) => {
      clientHost.mtu = 9000;
      serverHost.mtu = 9000;
      const connection = await connect();
      await network.run({ forMs: 50 });
      assert.deepEqual([connection.stats().mtuProbesSent, accepted[0]?.stats().mtuProbesSent], [0, 0]);
      await network.run({ forMs: 500 });
      assert.deepEqual([connection.stats().mtu, accepted[0]?.stats().mtu], [8972, 8972]);
    }));

  test('a transfer does not wait for it', () =>
    withPair({ seed: 43, ...WIDE }, async ({ network, connect, clientHost, serverHost }) => {
      clientHost.mtu = 9000;
      serverHost.mtu = 9000;
      const connection = await connect({ mtuDiscoveryDelay: 60_000 });
      await network.complete(echoOnce(connection, 100_000));
      assert.equal(connection.stats().mtu, 8972);
    }));

  test('0: the search begins with the end of the handshake', () =>
    withPair({ seed: 44, ...WIDE }, async ({ network, connect }) => {
      const connection = await connect({ mtuDiscoveryDelay: 0 });
      await network.run({ forMs: 1 });
      assert.equal(connection.stats().mtuProbesSent, 1);
    }));
});
