import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SimNetwork } from '../../src/testing/sim/index.js';
import type { LinkConditions, SimNetworkOptions } from '../../src/testing/sim/index.js';
import type { BoundSimSocket } from '../support/sim-sockets.js';
import { at, simBound } from '../support/sim-sockets.js';

interface Pair {
  network: SimNetwork;
  a: BoundSimSocket;
  b: BoundSimSocket;
}

async function pair(conditions: Partial<LinkConditions>, options: SimNetworkOptions = {}): Promise<Pair> {
  const network = new SimNetwork({ seed: 'links', conditions, ...options });
  const hostA = network.host('10.0.0.1');
  const hostB = network.host('10.0.0.2');
  return { network, a: await simBound(hostA, { port: 1 }), b: await simBound(hostB, { port: 2 }) };
}

const toB = at('10.0.0.2', 2);

/** Sends `count` datagrams, one each `everyMs`, whose first four bytes are their number. */
function sendMany({ network, a }: Pair, count: number, everyMs: number, length = 100, ecn = 0): void {
  for (let index = 0; index < count; index++) {
    network.after(index * everyMs, () => {
      const payload = new Uint8Array(length).fill(0xaa);
      new DataView(payload.buffer).setUint32(0, index);
      a.socket.send(payload, 0, toB, ecn);
    });
  }
}

const numberOf = ({ payload }: { payload: Uint8Array }) => new DataView(payload.buffer).getUint32(0);

/** `count` of `of` is `percent`, within four standard deviations. */
function assertPercent(count: number, of: number, percent: number): void {
  const p = percent / 100;
  const deviation = Math.sqrt(p * (1 - p) * of);
  assert.ok(Math.abs(count - p * of) <= 4 * deviation + 1, `${count} of ${of}, expected ${percent}%`);
}

test('a clean link delivers all in order after the delay', async () => {
  const one = await pair({ delayMs: 25 });
  sendMany(one, 100, 1);
  await one.network.run();
  assert.deepEqual(one.b.received.map(numberOf), [...Array(100).keys()]);
  one.b.received.forEach(({ time, address, port }, index) => {
    assert.equal(time, index + 25);
    assert.equal(`${address} ${port}`, '10.0.0.1 1');
  });
  assert.equal(one.network.counters.delivered, 100);
});

test('losses come as often as asked', async () => {
  for (const lossPercent of [0, 3, 30, 100]) {
    const one = await pair({ lossPercent });
    sendMany(one, 10_000, 0.1);
    await one.network.run();
    assertPercent(one.network.counters.loss, 10_000, lossPercent);
    assert.equal(one.b.received.length, 10_000 - one.network.counters.loss);
  }
});

test('losses by Gilbert and Elliott come in bursts of the length asked for', async () => {
  const burstLoss = { model: 'gilbert-elliott', goodToBadPercent: 1, badToGoodPercent: 20 } as const;
  const one = await pair({ burstLoss });
  sendMany(one, 50_000, 0.1);
  await one.network.run();
  const arrived = new Set(one.b.received.map(numberOf));
  const bursts: number[] = [];
  for (let index = 0, length = 0; index <= 50_000; index++) {
    if (index < 50_000 && !arrived.has(index)) length++;
    else if (length > 0) [length] = [0, bursts.push(length)];
  }
  const mean = bursts.reduce((sum, length) => sum + length, 0) / bursts.length;
  assert.ok(mean > 4.3 && mean < 5.7, `bursts of ${mean}, expected 5`);
  // In the bad state for 1 / (1 + 20) of the time.
  const lost = one.network.counters.burst / 500;
  assert.ok(lost > 3.8 && lost < 5.8, `${lost}% lost, expected 4.76%`);
});

test('losses in runs have the length asked for', async () => {
  const one = await pair({ burstLoss: { model: 'runs', percent: 0.5, length: 7 } });
  sendMany(one, 20_000, 0.1);
  await one.network.run();
  const lost = new Set(one.network.captured.filter(({ dropped }) => dropped === 'burst').map(({ number }) => number));
  // Runs that touch look like one.
  const lengths: number[] = [];
  for (const number of lost) {
    if (lost.has(number - 1)) lengths[lengths.length - 1]!++;
    else lengths.push(1);
  }
  assert.ok(
    lengths.slice(0, -1).every((length) => length % 7 === 0),
    `runs of ${lengths.join()}`,
  );
  assert.ok(lost.size / 7 > 60 && lost.size / 7 < 140, `${lost.size / 7} runs`);
});

test('duplicates, corruption and ECN marks come as often as asked', async () => {
  const one = await pair({ duplicatePercent: 10, corruptPercent: 5, ecnMarkPercent: 20 });
  sendMany(one, 10_000, 0.1, 100, 2);
  await one.network.run();
  const { counters } = one.network;
  assertPercent(counters.duplicated, 10_000, 10);
  assertPercent(counters.corrupted, 10_000, 5);
  assertPercent(counters.marked, 10_000, 20);
  assert.equal(one.b.received.length, 10_000 + counters.duplicated);
  assert.equal(counters.delivered, one.b.received.length);
  assert.ok(one.b.received.every(({ ecn }) => ecn === 2 || ecn === 3));
  let changed = 0;
  for (const { payload } of one.b.received) {
    const wrong = payload.filter((byte, index) => index > 3 && byte !== 0xaa).length;
    assert.ok(wrong <= 1, 'one byte at most is changed');
    changed += wrong;
  }
  assert.ok(changed > 0.8 * counters.corrupted);
  // Not capable of ECN: never marked.
  const other = await pair({ ecnMarkPercent: 100 });
  sendMany(other, 100, 1);
  await other.network.run();
  assert.ok(other.b.received.every(({ ecn }) => ecn === 0));
});

test('jitter spreads arrivals and keeps their order', async () => {
  const one = await pair({ delayMs: 10, jitterMs: 8 });
  sendMany(one, 5_000, 20);
  await one.network.run();
  const delays = one.b.received.map(({ time }, index) => time - index * 20 - 10);
  assert.ok(delays.every((delay) => delay >= -1e-6 && delay < 8 + 1e-6));
  const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
  assert.ok(Math.abs(mean - 4) < 0.2, `mean ${mean}`);
  const dense = await pair({ delayMs: 10, jitterMs: 8 });
  sendMany(dense, 5_000, 0.5);
  await dense.network.run();
  const numbers = dense.b.received.map(numberOf);
  assert.deepEqual(
    numbers,
    [...numbers].sort((x, y) => x - y),
  );
});

test('reordered datagrams are overtaken, all arrive', async () => {
  const one = await pair({ reorderPercent: 10, reorderMs: 3 });
  sendMany(one, 10_000, 1);
  await one.network.run();
  const numbers = one.b.received.map(numberOf);
  assert.equal(new Set(numbers).size, 10_000);
  assertPercent(one.network.counters.reordered, 10_000, 10);
  const late = numbers.filter((number, index) => index > 0 && number < numbers[index - 1]!).length;
  assert.ok(late > 500, `${late} came late`);
});

test('bandwidth spreads a burst, the queue bounds it', async () => {
  // 972 + 28 bytes at 8 Mbit/s: one millisecond each.
  const one = await pair({ delayMs: 10, bandwidthBitsPerSecond: 8_000_000, queuePackets: 50 });
  sendMany(one, 80, 0, 972);
  await one.network.run();
  assert.equal(one.b.received.length, 50);
  assert.equal(one.network.counters.queue, 30);
  one.b.received.forEach(({ time }, index) => assert.ok(Math.abs(time - (11 + index)) < 1e-6));
  sendMany(one, 500, 1, 972);
  await one.network.run();
  assert.equal(one.network.counters.queue, 30, 'what comes at the rate of the link passes');

  const bytes = await pair({ bandwidthBitsPerSecond: 8_000_000, queueBytes: 10_500 });
  sendMany(bytes, 80, 0, 972);
  await bytes.network.run();
  assert.equal(bytes.b.received.length, 10);
});

test('what is larger than the MTU vanishes, and passes when the MTU grows', async () => {
  const one = await pair({ mtu: 1_300 });
  const send = async (length: number) => {
    one.a.socket.send(new Uint8Array(length), 0, toB, 0);
    await one.network.run();
    return one.b.received.at(-1)?.payload.length;
  };
  assert.equal(await send(1_272), 1_272);
  assert.equal(await send(1_273), 1_272);
  assert.equal(one.network.counters.mtu, 1);
  one.network.setAll({ mtu: 1_400 });
  assert.equal(await send(1_273), 1_273);
  // The host's own interface: 1500.
  assert.equal(await send(1_473), 1_273);
  assert.equal(one.network.counters.interfaceMtu, 1);
  assert.deepEqual(one.a.errors, []);
});

test('directions differ, change at any time, and fall dead one by one', async () => {
  const one = await pair({ delayMs: 10 });
  const link = one.network.link('10.0.0.1', '10.0.0.2');
  link.there.set({ delayMs: 50 });
  const roundTrip = async () => {
    const start = one.network.now;
    const before = one.a.received.length;
    one.a.socket.send(new Uint8Array(1), 0, toB, 0);
    const expected = one.b.received.length + 1;
    await one.network.run();
    if (one.b.received.length === expected) one.b.socket.send(new Uint8Array(1), 0, at('10.0.0.1', 1), 0);
    await one.network.run();
    return one.a.received.length > before ? one.a.received.at(-1)!.time - start : undefined;
  };
  assert.equal(await roundTrip(), 60);
  one.network.link('10.0.0.2', '10.0.0.1').there.set({ delayMs: 5 });
  assert.equal(await roundTrip(), 55);
  link.blackhole(true, 'back');
  assert.equal(await roundTrip(), undefined);
  assert.equal(one.network.counters.blackhole, 1);
  link.blackhole(false);
  assert.equal(await roundTrip(), 55);
  assert.throws(() => link.set({ lossPercent: 101 }), RangeError);
  assert.throws(() => link.set({ delayMs: Number.NaN }), RangeError);
  assert.throws(() => link.set({ burstLoss: { model: 'runs', percent: 200, length: 2 } }), RangeError);
  assert.throws(() => link.set({ latency: 1 } as Partial<LinkConditions>), /latency/);
});

test('one seed gives one course of events, another seed another', async () => {
  const trace = async (seed: number) => {
    const one = await pair(
      {
        lossPercent: 10,
        jitterMs: 5,
        duplicatePercent: 5,
        reorderPercent: 5,
        corruptPercent: 5,
        bandwidthBitsPerSecond: 1e7,
      },
      { seed, capture: 'payloads' },
    );
    sendMany(one, 500, 0.3);
    await one.network.run();
    const random = new Uint8Array(8);
    one.network.randomFill(random);
    return JSON.stringify([one.network.captured, one.b.received.map((r) => [...r.payload, r.time]), [...random]]);
  };
  assert.equal(await trace(5), await trace(5));
  assert.notEqual(await trace(5), await trace(6));
});

test('the luck of one impairment does not depend on the others', async () => {
  const lost = async (conditions: Partial<LinkConditions>) => {
    const one = await pair({ lossPercent: 10, ...conditions });
    sendMany(one, 500, 1);
    await one.network.run();
    return one.network.captured.filter(({ dropped }) => dropped === 'loss').map(({ number }) => number);
  };
  assert.deepEqual(await lost({}), await lost({ jitterMs: 3, reorderPercent: 20, duplicatePercent: 10 }));
});

test('hooks drop what they choose, until they are taken off', async () => {
  const one = await pair({});
  const stop = one.network.drop(
    ({ payload, number, from }) => from.port === 1 && (number % 2 === 0 || payload.length > 200),
  );
  sendMany(one, 10, 1);
  await one.network.run();
  assert.deepEqual(one.b.received.map(numberOf), [0, 2, 4, 6, 8]);
  assert.equal(one.network.counters.hook, 5);
  stop();
  sendMany(one, 10, 1);
  await one.network.run();
  assert.equal(one.b.received.length, 15);
});

test('captures keep what they are told to, and the newest of many', async () => {
  const headers = await pair({}, { captureLimit: 10 });
  sendMany(headers, 25, 1);
  await headers.network.run();
  const numbers = headers.network.captured.map(({ number }) => number);
  assert.ok(numbers.length >= 5 && numbers.length <= 10, `${numbers.length} kept`);
  assert.equal(numbers.at(-1), 25);
  const last = headers.network.captured.at(-1)!;
  assert.deepEqual(last.arrivedAt, [34]);
  assert.equal(last.length, 100);
  assert.equal(last.payload, undefined);
  assert.equal(last.toHost, '10.0.0.2');
  const none = await pair({}, { capture: 'none' });
  sendMany(none, 5, 1);
  await none.network.run();
  assert.deepEqual(none.network.captured, []);
  const all = await pair({}, { capture: 'payloads' });
  sendMany(all, 5, 1);
  await all.network.run();
  assert.equal(all.network.captured[4]?.payload?.[3], 4);
});
