/** How long small requests take on a network that loses packets, in virtual time: by round trips. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectionOptions, QuicConnection } from '../../src/quic/index.js';
import type { LinkConditions, SimNetwork } from '../../src/testing/sim/index.js';
import { pattern, withPair } from './support/pair.js';

const ROUND_TRIP = 50;
const WIRE: Partial<LinkConditions> = { delayMs: ROUND_TRIP / 2 };
const SIZE = 256;

interface Load {
  readonly seed: number;
  readonly conditions: Partial<LinkConditions>;
  readonly connection?: ConnectionOptions;
  readonly perSecond: number;
  readonly seconds: number;
  /** Sees the network at the end. */
  readonly look?: (network: SimNetwork) => void;
}

async function echoBytes(connection: QuicConnection, data: Uint8Array): Promise<void> {
  const stream = await connection.openBidirectionalStream({ waitForCredit: true });
  await stream.send(data);
  await stream.finish();
  let length = 0;
  for await (const chunk of stream) length += chunk.length;
  assert.equal(length, data.length);
}

/** What independent requests took from when they were due, in round trips, sorted. */
async function latencies({ seed, conditions, connection, perSecond, seconds, look }: Load): Promise<number[]> {
  const taken: number[] = [];
  const limits = { maxConcurrentStreams: 1000, ...connection };
  await withPair({ seed, conditions: WIRE, connection: limits, capture: 'none' }, async (pair) => {
    const { network, clientHost, serverHost, connect } = pair;
    const quic = await connect();
    network.link(clientHost, serverHost).set(conditions);
    const data = pattern(SIZE, seed);
    const asked: Promise<void>[] = [];
    const begin = network.now;
    const allAsked = new Promise<void>((resolve) => {
      const ask = (): void => {
        const due = network.now;
        asked.push(echoBytes(quic, data).then(() => void taken.push((network.now - due) / ROUND_TRIP)));
        const next = begin + (asked.length * 1000) / perSecond;
        if (asked.length === perSecond * seconds) resolve();
        else clientHost.clock.setTimer(next - network.now, ask);
      };
      ask();
    });
    await network.complete(allAsked.then(() => Promise.all(asked)));
    look?.(network);
  });
  return taken.sort((a, b) => a - b);
}

const share = (sorted: readonly number[], part: number): number => sorted[Math.ceil(sorted.length * part) - 1] ?? NaN;

// A loss is noticed after a round trip, and mended after half of another: 2.2 round trips are what recovery takes when nothing waits for
// the congestion window. It took 7 when each loss cost a part of a window that was not growing back.
test('with 1% loss no request waits for the congestion window (seed 61)', async () => {
  const taken = await latencies({ seed: 61, conditions: { lossPercent: 1 }, perSecond: 500, seconds: 20 });
  assert.ok(share(taken, 0.95) < 1.1, `p95 is ${share(taken, 0.95)} round trips`);
  assert.ok(share(taken, 0.99) < 2.4, `p99 is ${share(taken, 0.99)} round trips`);
});

test('with copies of stream data one lost packet costs the time to the next, not a round trip (seed 62)', async () => {
  const connection = { streamCopies: true };
  const taken = await latencies({ seed: 62, conditions: { lossPercent: 1 }, connection, perSecond: 200, seconds: 20 });
  assert.ok(share(taken, 0.99) < 1.3, `p99 is ${share(taken, 0.99)} round trips`);
});

/** What requests took where each of `atATime` waits for the answer to the one before: they go in waves, a round trip apart. */
async function latenciesInTurns(
  seed: number,
  atATime: number,
  count: number,
  link: Partial<LinkConditions>,
): Promise<number[]> {
  const taken: number[] = [];
  const connection = { maxConcurrentStreams: 1000, streamCopies: true };
  await withPair({ seed, conditions: WIRE, connection, capture: 'none' }, async (pair) => {
    const { network, clientHost, serverHost, connect } = pair;
    const quic = await connect();
    network.link(clientHost, serverHost).set(link);
    const data = pattern(SIZE, seed);
    let asked = 0;
    const askOneByOne = async (): Promise<void> => {
      while (asked++ < count) {
        const begin = network.now;
        await echoBytes(quic, data);
        taken.push((network.now - begin) / ROUND_TRIP);
      }
    };
    await network.complete(Promise.all(Array.from({ length: atATime }, askOneByOne)));
  });
  return taken.sort((a, b) => a - b);
}

// Nothing follows for most of a round trip that could take copies along.
for (const [atATime, count, seed] of [
  [1, 1000, 66],
  [32, 20_000, 67],
] as const) {
  test(`copies come soon after, where nothing else does: ${atATime} at a time (seed ${seed})`, async () => {
    const taken = await latenciesInTurns(seed, atATime, count, { lossPercent: 1 });
    assert.ok(share(taken, 0.99) < 1.6, `p99 is ${share(taken, 0.99)} round trips`);
  });
}

test('more requests than the link carries are congestion, however small they are (seed 65)', async () => {
  let dropped = NaN;
  await latencies({
    seed: 65,
    conditions: { bandwidthBitsPerSecond: 1_000_000, queuePackets: 5 },
    connection: { streamCopies: true },
    perSecond: 380,
    seconds: 10,
    look: ({ counters }) => (dropped = counters.queue / counters.sent),
  });
  assert.ok(dropped > 0.005 && dropped < 0.08, `${dropped} of all datagrams were dropped`);
});

test('on a wire that loses nothing, no copies are sent (seed 63)', async () => {
  const sent = async (streamCopies: boolean): Promise<number> => {
    let bytes = 0;
    await withPair({ seed: 63, conditions: WIRE, connection: { streamCopies } }, async ({ network, connect }) => {
      const quic = await connect();
      for (let n = 0; n < 50; n++) await network.complete(echoBytes(quic, pattern(SIZE, n)));
      bytes = quic.stats().bytesSent;
    });
    return bytes;
  };
  assert.equal(await sent(true), await sent(false));
});

// A probe after a timeout that carries nothing costs another round trip until what is lost is known.
test('a lonely request that is lost comes again with the first probe (seed 64)', () =>
  withPair({ seed: 64, conditions: WIRE }, async ({ network, clientHost, serverHost, connect }) => {
    const quic = await connect();
    for (let n = 0; n < 20; n++) await network.complete(echoBytes(quic, pattern(SIZE, n)));
    const begin = network.now;
    network.link(clientHost, serverHost).blackhole(true, 'there');
    const echo = echoBytes(quic, pattern(SIZE, 0));
    await network.run({ forMs: 5 });
    network.link(clientHost, serverHost).blackhole(false, 'there');
    await network.complete(echo);
    const taken = (network.now - begin) / ROUND_TRIP;
    assert.ok(taken < 3.4, `it took ${taken} round trips`);
  }));
