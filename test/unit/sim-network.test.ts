import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';

import { SimNetwork, SimulationError, simulate } from '../../src/testing/sim/index.js';
import { Schedule } from '../../src/testing/sim/schedule.js';
import type { ScheduledEvent } from '../../src/testing/sim/schedule.js';
import { at, simBound } from '../support/sim-sockets.js';

const one = new Uint8Array([1]);

test('timers fire in order of time, then of setting, and time jumps to them', async () => {
  const network = new SimNetwork({ seed: 1 });
  const { clock } = network.host('10.0.0.1');
  const fired: string[] = [];
  const note = (name: string) => () => void fired.push(`${name} ${clock.now()}`);
  clock.setTimer(60_000, note('minute'));
  clock.setTimer(5, note('b'));
  clock.setTimer(1, note('a'));
  clock.setTimer(5, note('c'));
  clock.setTimer(-3, note('past'));
  clock.setTimer(Number.NaN, note('unknown'));
  clock.setTimer(Infinity, note('never')).cancel();
  clock.setTimer(3, note('cancelled')).cancel();
  const real = performance.now();
  await network.run();
  assert.deepEqual(fired, ['past 0', 'unknown 0', 'a 1', 'b 5', 'c 5', 'minute 60000']);
  assert.ok(performance.now() - real < 5_000);
  assert.equal(network.now, 60_000);
});

test('promises settle, and what was wanted soon is done, before time goes on', async () => {
  const network = new SimNetwork({ seed: 1 });
  const { clock } = network.host('10.0.0.1');
  const order: string[] = [];
  clock.setTimer(1, () => order.push('next timer'));
  clock.setTimer(0, () => {
    clock.soon(() => {
      order.push('soon');
      clock.soon(() => order.push('sooner or later'));
    });
    process.nextTick(() => order.push('tick'));
    void (async () => {
      for (let depth = 0; depth < 50; depth++) await Promise.resolve();
      order.push('promise');
      clock.soon(() => order.push('soon by promise'));
    })();
  });
  await network.run();
  assert.equal(order.at(-1), 'next timer');
  assert.deepEqual(order.toSorted(), ['next timer', 'promise', 'soon', 'soon by promise', 'sooner or later', 'tick']);
});

test('a run ends by condition, by time, or when only idle timers are left', async () => {
  const network = new SimNetwork({ seed: 1 });
  const { clock } = network.host('10.0.0.1');
  let ticks = 0;
  const tick = () => {
    ticks++;
    clock.setTimer(100, tick).unref();
  };
  clock.setTimer(100, tick).unref();
  await network.run();
  assert.equal(ticks, 0);
  await network.run({ forMs: 1_050 });
  assert.equal(ticks, 10);
  assert.equal(network.now, 1_050);
  await network.run({ until: () => ticks === 12 });
  assert.equal(network.now, 1_200);
  await network.run({ until: () => false, forMs: 10 });
  assert.equal(network.now, 1_210);
  const value = await network.complete(new Promise((resolve) => void clock.setTimer(5, () => resolve('done'))));
  assert.equal(value, 'done');
  assert.equal(network.now, 1_215);
  await assert.rejects(network.complete(Promise.reject(new Error('no'))), /^Error: no$/);
});

test('events happen in order of time and of scheduling, whatever is cancelled in between', () => {
  const step = fc.record({ delay: fc.integer({ min: 0, max: 20 }), cancel: fc.option(fc.nat(), { freq: 2 }) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 700 }), fc.nat(30), (steps, advance) => {
      const schedule = new Schedule();
      const events: { event: ScheduledEvent; order: number }[] = [];
      const happened: number[] = [];
      const expected = () =>
        events
          .filter(({ event }) => !event.cancelled)
          .toSorted((a, b) => a.event.time - b.event.time || a.order - b.order)
          .map(({ order }) => order);
      for (const [order, { delay, cancel }] of steps.entries()) {
        events.push({ event: schedule.after(delay, () => happened.push(order)), order });
        if (cancel !== null) schedule.cancel(events[cancel % events.length]!.event);
        if (order === advance && schedule.nextTime !== undefined) {
          const [first] = expected();
          schedule.step();
          assert.deepEqual(happened.splice(0), [first]);
        }
      }
      const rest = expected();
      while (schedule.nextTime !== undefined) {
        assert.ok(schedule.busy);
        schedule.step();
      }
      assert.deepEqual(happened, rest);
      assert.equal(schedule.busy, false);
    }),
  );
});

test('failures tell the seed and the time', async () => {
  const network = new SimNetwork({ seed: 4711 });
  const { clock } = network.host('10.0.0.1');
  const tick = () => void clock.setTimer(1_000, tick);
  tick();
  await assert.rejects(network.run({ until: () => false, limitMs: 10_000 }), (error) => {
    assert.ok(error instanceof SimulationError);
    assert.match(error.message, /within 10000 ms.*seed 4711.*virtual time 10000\.000 ms/);
    assert.equal(error.seed, 4711);
    return true;
  });
  clock.setTimer(1, () => {
    throw new TypeError('oops');
  });
  await assert.rejects(network.run({ forMs: 5 }), (error) => {
    assert.ok(error instanceof SimulationError && error.cause instanceof TypeError);
    assert.match(error.message, /oops.*seed 4711/);
    return true;
  });
  const busy = new SimNetwork({ seed: 2 });
  const host = busy.host('10.0.0.1');
  const again = () => void host.clock.setTimer(0, again);
  again();
  await assert.rejects(busy.run({ forMs: 5 }), /Time does not go on.*seed 2/);
  await assert.rejects(
    simulate({ seed: 'mine' }, async (failing) => {
      await failing.run({ forMs: 3 });
      assert.equal(1, 2);
    }),
    /simulation: seed "mine", virtual time 3\.000/,
  );
  assert.equal(await simulate({}, async () => 5), 5);
});

test('with nothing left to happen, work outside gets its time before the run fails', async () => {
  const network = new SimNetwork({ seed: 3 });
  network.host('10.0.0.1');
  const outside = new Promise<string>((resolve) => setTimeout(() => resolve('read'), 30));
  assert.equal(await network.complete(outside), 'read');
  await assert.rejects(network.run({ until: () => false }), /Nothing is left to happen.*seed 3/);
  const running = network.run({ forMs: 1 });
  await assert.rejects(network.run(), /one run at a time/);
  await running;
});

test('dates differ between hosts if wanted', async () => {
  const network = new SimNetwork({ seed: 1, wallTime: Date.UTC(2030, 0, 1) });
  const a = network.host('10.0.0.1');
  const b = network.host('10.0.0.2');
  b.clock.wallOffsetMs = 3_600_000;
  await network.run({ forMs: 1_500 });
  assert.equal(a.clock.wallTime(), Date.UTC(2030, 0, 1, 0, 0, 1, 500));
  assert.equal(b.clock.wallTime() - a.clock.wallTime(), 3_600_000);
  assert.equal(a.clock.now(), b.clock.now());
});

test('sockets bind, conflict, and are chosen as in a kernel', async () => {
  const network = new SimNetwork({ seed: 1 });
  const server = network.host('10.0.0.1', '2001:DB8::1');
  const client = network.host('10.0.0.2', '2001:db8::2');
  assert.deepEqual(server.addresses, ['10.0.0.1', '2001:db8::1']);
  const both = await simBound(server, { address: '::', port: 443 });
  for (const address of ['10.0.0.1', '0.0.0.0', '::', '2001:db8::1']) {
    await assert.rejects(simBound(server, { address, port: 443 }), { code: 'ERR_QUIC_ADDRESS_IN_USE' });
  }
  await assert.rejects(simBound(server, { address: '10.0.0.2' }), { code: 'ERR_QUIC_ADDRESS_NOT_AVAILABLE' });
  await assert.rejects(simBound(server, { address: 'localhost' }), { code: 'ERR_QUIC_INVALID_OPTION' });
  const six = await simBound(server, { address: '::', port: 444, ipv6Only: true });
  const four = await simBound(server, { address: '0.0.0.0', port: 444 });

  const sender = await simBound(client, { address: '::' });
  sender.socket.send(one, 0, at('10.0.0.1', 443), 1);
  sender.socket.send(one, 0, at('2001:db8::1', 443), 0);
  sender.socket.send(one, 0, at('10.0.0.1', 444), 0);
  sender.socket.send(one, 0, at('2001:db8::1', 444), 0);
  sender.socket.send(one, 0, at('::ffff:10.0.0.1', 444), 0);
  await network.run();
  assert.deepEqual(
    both.received.map(({ address, ecn }) => `${address} ${ecn}`),
    ['10.0.0.2 1', '2001:db8::2 0'],
  );
  assert.equal(six.received.length, 1);
  assert.equal(four.received.length, 2);
  both.socket.send(one, 0, at('10.0.0.2', sender.socket.local.port), 0);
  await network.run();
  assert.equal(sender.received[0]?.address, '10.0.0.1');

  await both.socket.close();
  const shared = await Promise.all([1, 2].map(() => simBound(server, { port: 443, reusePort: true })));
  for (let port = 0; port < 40; port++) {
    const { socket } = await simBound(client);
    socket.send(one, 0, at('10.0.0.1', 443), 0);
  }
  await network.run();
  assert.ok(shared.every(({ received }) => received.length > 5));
  assert.equal(network.counters.noSocket, 0);
});

test('segments become datagrams, payloads may be overwritten, loopback and MTUs are as on a host', async () => {
  const network = new SimNetwork({ seed: 1 });
  const a = network.host('10.0.0.1', 'fd00::1');
  const receiver = await simBound(a, { address: '::', port: 5 });
  const sender = await simBound(a, { address: '::', port: 6 });
  const memory = Uint8Array.from({ length: 25 }, (_, index) => index);
  sender.socket.send(memory, 10, at('127.0.0.1', 5), 0);
  sender.socket.send(new Uint8Array(65_488), 0, at('::1', 5), 0);
  sender.socket.send(new Uint8Array(65_489), 0, at('::1', 5), 0);
  memory.fill(99);
  await network.run();
  assert.deepEqual(
    receiver.received.map(({ payload, address }) => [payload.length, payload[0], address]),
    [
      [10, 0, '127.0.0.1'],
      [10, 10, '127.0.0.1'],
      [5, 20, '127.0.0.1'],
      [65_488, 0, '::1'],
    ],
  );
  const local = a.maxPayloadTowards.bind(a, at('10.0.0.1', 6));
  assert.equal(local(at('127.0.0.1', 1)), 65_507);
  assert.equal(local(at('::1', 1)), 65_488);
  assert.equal(local(at('10.0.0.9', 1)), 1_472);
  assert.equal(local(at('fd00::9', 1)), 1_452);
  a.mtu = 9_000;
  assert.equal(local(at('fd00::9', 1)), 8_952);
  assert.ok(a.hasLocalAddress('fd00:0::1') && a.hasLocalAddress('0.0.0.0') && !a.hasLocalAddress('10.0.0.2'));
});

test('a connected socket hears of a refused port, an unconnected one does not', async () => {
  const network = new SimNetwork({ seed: 1, conditions: { delayMs: 15 } });
  const server = network.host('10.0.0.1');
  const client = network.host('10.0.0.2');
  const connected = await simBound(client, { address: '0.0.0.0', connectTo: at('10.0.0.1', 9) });
  assert.equal(connected.socket.local.address, '10.0.0.2');
  const plain = await simBound(client);
  connected.socket.send(one, 0, at('10.0.0.1', 9), 0);
  plain.socket.send(one, 0, at('10.0.0.1', 9), 0);
  plain.socket.send(one, 0, at('10.9.9.9', 9), 0);
  await network.run();
  assert.deepEqual(connected.errors, [{ code: 'ECONNREFUSED', fatal: false, time: 30 }]);
  assert.deepEqual(plain.errors, []);
  assert.equal(network.counters.noSocket, 2);
  assert.equal(network.counters.noHost, 1);
  const listener = await simBound(server, { port: 9 });
  const stranger = await simBound(server, { port: 10 });
  connected.socket.send(one, 0, at('10.0.0.1', 9), 0);
  listener.socket.send(one, 0, connected.socket.local, 0);
  stranger.socket.send(one, 0, connected.socket.local, 0);
  await network.run();
  assert.equal(listener.received.length, 1);
  assert.equal(connected.received.length, 1);
});

test('a kernel that is full holds datagrams back and says when it is not', async () => {
  const network = new SimNetwork({ seed: 1 });
  const a = network.host('10.0.0.1');
  const sender = await simBound(a);
  const receiver = await simBound(network.host('10.0.0.2'), { port: 2 });
  a.holdSending();
  assert.equal(sender.socket.writable, false);
  sender.socket.send(one, 0, at('10.0.0.2', 2), 0);
  await network.run({ forMs: 100 });
  assert.equal(network.counters.sent, 0);
  a.resumeSending();
  await network.run();
  assert.equal(receiver.received.length, 1);
  assert.deepEqual(sender.writable, [100]);
  a.sendFailure = 'ENETUNREACH';
  sender.socket.send(one, 0, at('10.0.0.2', 2), 0);
  sender.socket.flush();
  await network.run();
  assert.deepEqual(
    sender.errors.map(({ code, fatal }) => `${code} ${fatal}`),
    ['ENETUNREACH false'],
  );
  await sender.socket.close();
  sender.socket.send(one, 0, at('10.0.0.2', 2), 0);
  assert.equal(network.counters.sent, 1);
});

test('a NAT shows its own address, and a rebinding makes the old one vanish', async () => {
  const network = new SimNetwork({ seed: 1 });
  const server = await simBound(network.host('198.51.100.1'), { port: 443 });
  const inside = network.host('192.168.1.2');
  const nat = network.nat({ inside, outside: '203.0.113.1' });
  const client = await simBound(inside);
  const other = await simBound(inside);
  const to = at('198.51.100.1', 443);
  const exchange = async () => {
    client.socket.send(one, 0, to, 0);
    await network.run();
    return server.received.at(-1)!;
  };
  const first = await exchange();
  assert.equal(first.address, '203.0.113.1');
  assert.notEqual(first.port, client.socket.local.port);
  other.socket.send(one, 0, to, 0);
  await network.run();
  assert.notEqual(server.received.at(-1)!.port, first.port);
  const answer = async (port: number, address = nat.outside) => {
    const before = client.received.length;
    server.socket.send(one, 0, at(address, port), 0);
    await network.run();
    return client.received.length - before;
  };
  assert.equal(await answer(first.port), 1);
  assert.equal(client.received[0]?.address, '198.51.100.1');
  assert.equal(await answer(1), 0);
  assert.equal((await exchange()).port, first.port, 'one socket keeps its mapping');

  nat.rebindPort();
  assert.equal(await answer(first.port), 0);
  const second = await exchange();
  assert.equal(second.address, first.address);
  assert.notEqual(second.port, first.port);
  assert.equal(await answer(second.port), 1);
  assert.equal(await answer(first.port), 0);

  // In flight when the mapping goes: vanishes too.
  server.socket.send(one, 0, at(nat.outside, second.port), 0);
  nat.rebindAddress('203.0.113.77');
  await network.run();
  assert.equal(client.received.length, 2);
  const third = await exchange();
  assert.equal(third.address, '203.0.113.77');
  assert.equal(await answer(third.port), 1);
  assert.equal(await answer(third.port, '203.0.113.1'), 0);
  assert.ok(network.counters.noMapping > 0 && network.counters.noHost > 0);
  // Nobody reaches the host by its inside address but through a link of its own.
  assert.throws(() => network.host('203.0.113.77'), RangeError);
});

test('links are by host, by address, or by what a NAT shows', async () => {
  const network = new SimNetwork({ seed: 1, conditions: { delayMs: 10 } });
  const server = network.host('198.51.100.1', '198.51.100.2');
  const client = network.host('192.168.1.2', '192.168.7.2');
  network.link(client, server).set({ delayMs: 20 });
  network.link('192.168.7.2', server).set({ delayMs: 30 });
  network.link('192.168.7.2', '198.51.100.2').set({ delayMs: 40 });
  const delay = async (from: string, to: string) => {
    const sender = await simBound(client, { address: from });
    const receiver = await simBound(server, { address: to, port: 7 });
    const start = network.now;
    sender.socket.send(one, 0, at(to, 7), 0);
    await network.run();
    const there = receiver.received[0]!.time - start;
    receiver.socket.send(one, 0, at(receiver.received[0]!.address, receiver.received[0]!.port), 0);
    await network.run();
    const back = sender.received[0]!.time - start - there;
    await receiver.socket.close();
    return [there, back];
  };
  assert.deepEqual(await delay('192.168.1.2', '198.51.100.1'), [20, 20]);
  assert.deepEqual(await delay('192.168.7.2', '198.51.100.1'), [30, 30]);
  assert.deepEqual(await delay('192.168.7.2', '198.51.100.2'), [40, 40]);
  network.nat({ inside: client, outside: '203.0.113.1' });
  assert.deepEqual(await delay('192.168.7.2', '198.51.100.2'), [40, 40]);
  network.link('203.0.113.1', '198.51.100.1').set({ delayMs: 50 });
  assert.deepEqual(await delay('192.168.1.2', '198.51.100.1'), [50, 50]);
});

test('an address that moves away takes its sockets with it', async () => {
  const network = new SimNetwork({ seed: 1 });
  const host = network.host('10.0.0.1');
  const remote = await simBound(network.host('10.0.0.9'), { port: 9 });
  const fixed = await simBound(host, { port: 1 });
  const all = await simBound(host, { address: '0.0.0.0', port: 2 });
  const connected = await simBound(host, { address: '0.0.0.0', connectTo: at('10.0.0.9', 9) });
  remote.socket.send(one, 0, at('10.0.0.1', 1), 0);
  network.moveHost(host, '10.0.0.2');
  await network.run();
  assert.equal(fixed.received.length, 0);
  for (const { socket } of [fixed, all, connected]) socket.send(one, 0, at('10.0.0.9', 9), 0);
  await network.run();
  for (const { errors } of [fixed, connected]) {
    assert.deepEqual(
      errors.map(({ code, fatal }) => `${code} ${fatal}`),
      ['EADDRNOTAVAIL true'],
    );
  }
  assert.deepEqual(all.errors, []);
  assert.equal(remote.received[0]?.address, '10.0.0.2');
  assert.ok(!host.hasLocalAddress('10.0.0.1'));
  const again = network.host('10.0.0.1');
  assert.notEqual(again.name, host.name);
  network.addAddress(host, '10.0.0.3');
  assert.deepEqual(host.addresses, ['10.0.0.2', '10.0.0.3']);
  network.removeAddress(host, '10.0.0.2');
  assert.deepEqual(host.addresses, ['10.0.0.3']);
  assert.throws(() => network.moveHost(host, '10.0.0.9'), RangeError);
  assert.throws(() => network.moveHost(host, '10.0.0.8', '10.0.0.2'), RangeError);
  assert.throws(() => network.host('nonsense'), TypeError);
});
