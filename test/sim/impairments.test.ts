/** Transfers arrive whole, whatever the wire does. */

import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import type { LinkConditions } from '../../src/testing/sim/index.js';
import { echoOnce, withPair } from './support/pair.js';

const WIRES: Readonly<Record<string, Partial<LinkConditions>>> = {
  'a clean wire': {},
  '1% loss': { lossPercent: 1 },
  '10% loss': { lossPercent: 10 },
  '30% loss': { lossPercent: 30 },
  'bursts of three': { burstLoss: { model: 'runs', percent: 2, length: 3 } },
  'a wire that turns bad for a while': {
    burstLoss: { model: 'gilbert-elliott', goodToBadPercent: 2, badToGoodPercent: 20 },
  },
  reordering: { reorderPercent: 20, reorderMs: 15 },
  duplication: { duplicatePercent: 20 },
  corruption: { corruptPercent: 5 },
  jitter: { jitterMs: 30 },
  'ECN marks': { ecnMarkPercent: 30 },
  'a narrow link with a short queue': { bandwidthBitsPerSecond: 4_000_000, queuePackets: 25 },
  'a long way': { delayMs: 375 },
  'all of it': {
    delayMs: 30,
    jitterMs: 10,
    lossPercent: 5,
    duplicatePercent: 5,
    reorderPercent: 5,
    corruptPercent: 2,
    bandwidthBitsPerSecond: 20_000_000,
  },
};

const SEEDS = [1, 2];

describe('echo of three streams at once', () => {
  for (const [name, conditions] of Object.entries(WIRES)) {
    for (const seed of SEEDS) {
      test(`over ${name} (seed ${seed})`, () =>
        withPair({ seed, conditions }, async ({ network, connect }) => {
          const connection = await connect();
          const streams = [120_000, 1, 40_000].map((length, index) => echoOnce(connection, length, index));
          await network.complete(Promise.all(streams));
        }));
    }
  }
});

describe('streams of many sizes, copied and reset', () => {
  for (const seed of [71, 72, 73]) {
    test(`arrive whole over a bad wire (seed ${seed})`, () =>
      withPair(
        {
          seed,
          conditions: { lossPercent: 8, reorderPercent: 10, duplicatePercent: 5, delayMs: 20 },
          connection: { streamCopies: true },
        },
        async ({ network, clientHost, connect }) => {
          const connection = await connect();
          const asked: Promise<void>[] = [];
          for (let n = 0; n < 300; n++) {
            asked.push(echoOnce(connection, network.random.below(3000), n));
            if (n % 10 === 0) {
              const stream = await network.complete(connection.openBidirectionalStream({ waitForCredit: true }));
              await network.complete(stream.send(new Uint8Array(200)));
              clientHost.clock.setTimer(network.random.below(60), () => stream.reset(7));
            }
            await network.run({ forMs: network.random.below(8) });
          }
          await network.complete(Promise.all(asked));
          assert.ok(connection.stats().packetsLost > 0);
        },
      ));
  }
});

describe('congestion controllers', () => {
  for (const congestionControl of ['cubic', 'newreno', 'bbr'] as const) {
    test(`${congestionControl} fills a link of 10 Mbit/s and lives with its queue`, () =>
      withPair(
        {
          seed: 5,
          conditions: { delayMs: 15, bandwidthBitsPerSecond: 10_000_000, queuePackets: 25 },
          connection: { congestionControl },
        },
        async ({ network, connect }) => {
          const connection = await connect();
          const begin = network.now;
          await network.complete(echoOnce(connection, 1_000_000));
          const megabitsPerSecond = 8 / ((network.now - begin) / 1000);
          // One way is 10 Mbit/s; the echo goes on while the rest is sent. A controller that stalls stays far below.
          assert.ok(megabitsPerSecond > 2, `only ${megabitsPerSecond.toFixed(2)} Mbit/s`);
        },
      ));
  }
});

describe('handshakes', () => {
  for (const [name, conditions] of [
    ['30% loss in bursts', { burstLoss: { model: 'runs', percent: 12, length: 3 } }],
    ['30% of datagrams corrupted', { corruptPercent: 30 }],
  ] as const) {
    test(`thirty in a row over ${name}, with 1 KB each`, () =>
      withPair(
        { seed: 11, conditions: { delayMs: 15, ...conditions }, connection: { connectionTimeout: 120_000 } },
        async ({ network, connect, server }) => {
          for (let count = 0; count < 30; count++) {
            // Probes back off to eight seconds and more: bad luck takes longer than the default of 30 seconds.
            const connection = await connect({ resumption: false, connectionTimeout: 120_000 });
            await network.complete(echoOnce(connection, 1024, count));
            await network.complete(connection.close());
          }
          assert.ok(server.stats().totalConnections >= 30);
          assert.ok(network.now < 300_000, `took ${network.now} ms of virtual time`);
        },
      ));
  }
});
