/** When the pump takes what comes in: a datagram that comes alone at once, several together with one look. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QuicConnection } from '../../src/quic/index.js';
import type { SimHost } from '../../src/testing/sim/index.js';
import { echoOnce, withPair } from './support/pair.js';

const WIRE = { delayMs: 10 };

/** Counts how often the host's clock is asked for the next phase of the event loop. */
function countSoon({ clock }: SimHost): () => number {
  let count = 0;
  const soon = clock.soon.bind(clock);
  clock.soon = (callback) => {
    count++;
    soon(callback);
  };
  return () => count;
}

async function echoInTurn(connection: QuicConnection, count: number): Promise<void> {
  for (let done = 0; done < count; done++) await echoOnce(connection, 256);
}

test('requests one after another are taken as they come (seed 91)', async () => {
  await withPair(
    { seed: 91, conditions: WIRE, capture: 'none' },
    async ({ network, serverHost, clientHost, connect }) => {
      const connection = await connect();
      await network.complete(echoInTurn(connection, 10));
      const server = countSoon(serverHost);
      const client = countSoon(clientHost);
      const before = connection.stats();
      await network.complete(echoInTurn(connection, 50));
      const after = connection.stats();
      assert.ok(after.datagramsReceived - before.datagramsReceived >= 50);
      assert.ok(server() < 10, `the server waited ${server()} times`);
      assert.ok(server() >= 2, 'none waited to show that it came alone');
      assert.ok(client() < 10, `the client waited ${client()} times`);
    },
  );
});

test('what comes together is taken together, also after datagrams that came alone (seed 92)', async () => {
  await withPair({ seed: 92, conditions: WIRE, capture: 'none' }, async ({ network, serverHost, connect }) => {
    const connection = await connect();
    await network.complete(echoInTurn(connection, 30));
    const server = countSoon(serverHost);
    const before = connection.stats();
    // Twenty questions in about as many datagrams, at the same time.
    await network.complete(Promise.all(Array.from({ length: 20 }, (_, index) => echoOnce(connection, 1100, index))));
    const after = connection.stats();
    const asked = after.datagramsSent - before.datagramsSent;
    const answered = after.datagramsReceived - before.datagramsReceived;
    assert.ok(asked >= 15, `asked with ${asked} datagrams`);
    assert.ok(server() >= 1, 'the server gathered nothing');
    // One answer for each, not an acknowledgement beside it.
    assert.ok(answered <= asked + 5, `${answered} datagrams in answer to ${asked}`);
  });
});
