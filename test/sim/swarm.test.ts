/** Swarms on a simulated network: partitions, silence, coming back, in virtual time. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initSwarm, joinSwarm, type InitSwarmOptions, type Swarm, type SwarmAgent } from '../../src/swarm/index.js';
import { makeIdentity } from '../../src/swarm/security/identity.js';
import { keyOf } from '../../src/swarm/security/proof.js';
import type { Clock } from '../../src/quic/index.js';
import { simulate, type SimHost, type SimNetwork, type SimNetworkOptions } from '../../src/testing/sim/index.js';

const SECRET = 'a secret for simulations';
const COORDINATOR = '10.0.0.1';
const LEASE = 3000;

// What takes real time, which a simulation does not see, is done before.
await keyOf(SECRET);
const identities = await Promise.all(Array.from({ length: 6 }, (_, n) => makeIdentity(`member ${n}`)));

interface Sim {
  readonly network: SimNetwork;
  readonly swarm: Swarm;
  readonly agents: readonly SwarmAgent[];
  readonly hosts: readonly SimHost[];
  readonly coordinatorHost: SimHost;
  /** Lets time pass until a condition holds. */
  readonly until: (condition: () => boolean) => Promise<void>;
}

async function withSwarm(
  options: SimNetworkOptions & { readonly swarm?: Partial<InitSwarmOptions>; readonly agents: number },
  body: (sim: Sim) => Promise<void>,
): Promise<void> {
  await simulate(options, async (network) => {
    const { randomFill } = network;
    const coordinatorHost = network.host(COORDINATOR);
    const common = { randomFill, secret: SECRET };
    const handlers = { echo: (value: unknown) => value };
    const swarm = await network.complete(
      initSwarm({
        ...common,
        ...identities[0],
        swarmId: 'sim',
        host: COORDINATOR,
        network: coordinatorHost,
        clock: coordinatorHost.clock,
        lease: LEASE,
        handlers,
        ...options.swarm,
      }),
    );
    const agents: SwarmAgent[] = [];
    const hosts: SimHost[] = [];
    for (let n = 1; n <= options.agents; n++) {
      const address = `10.0.1.${n}`;
      const host = network.host(address);
      hosts.push(host);
      agents.push(
        await network.complete(
          joinSwarm({
            ...common,
            ...identities[n],
            coordinator: `${COORDINATOR}:4433`,
            id: `a${n}`,
            host: address,
            network: host,
            clock: host.clock,
            capabilities: ['work'],
            handlers: { ...handlers, work: (value) => `${String(value)} by a${n}` },
          }),
        ),
      );
    }
    const until = (condition: () => boolean): Promise<void> => network.run({ until: condition });
    const members = [swarm, ...agents];
    await until(() => members.every((member) => member.members().length === options.agents + 1));
    try {
      await body({ network, swarm, agents, hosts, coordinatorHost, until });
    } finally {
      await network.complete(
        Promise.all([...agents.map((agent) => agent.leave({ timeout: 100 })), swarm.shutdown({ timeout: 100 })]),
      );
    }
  });
}

test('an agent that vanishes is noticed within the lease, and everyone is told; it comes back with early data', async () => {
  await withSwarm({ seed: 1, agents: 3 }, async ({ network, swarm, agents, hosts, coordinatorHost, until }) => {
    const [lone, other] = agents as [SwarmAgent, SwarmAgent, SwarmAgent];
    const told: string[] = [];
    other.on('memberLeft', ({ id }, reason) => told.push(`${id} ${reason}`));
    const early: boolean[] = [];
    lone.on('reconnected', (how) => early.push(how.early));
    let disconnected = false;
    lone.on('disconnected', () => (disconnected = true));
    await network.run({ forMs: 2000 });
    const began = network.now;
    for (const host of [coordinatorHost, ...hosts.slice(1)]) network.link(hosts[0] as SimHost, host).blackhole(true);
    await until(() => told.length > 0);
    const noticed = network.now - began;
    assert.deepEqual(told, ['a1 lost']);
    assert.ok(noticed <= LEASE + 700, `noticed after ${noticed} ms`);
    assert.equal(swarm.members().length, 3);
    await until(() => disconnected);
    assert.equal(lone.isConnected, false);
    for (const host of [coordinatorHost, ...hosts.slice(1)]) network.link(hosts[0] as SimHost, host).blackhole(false);
    await until(() => early.length > 0 && other.members().length === 4);
    assert.deepEqual(early, [true]);
    assert.equal(swarm.member('a1')?.incarnation, 2);
    assert.equal(await network.complete(lone.request('a2', 'echo', 'back')), 'back');
  });
});

test('what an agent changes while it is being let in again, the coordinator learns', async () => {
  await withSwarm({ seed: 12, agents: 1 }, async ({ network, swarm, agents, hosts, coordinatorHost, until }) => {
    const [agent] = agents as [SwarmAgent];
    const link = network.link(hosts[0] as SimHost, coordinatorHost);
    link.blackhole(true);
    await until(() => swarm.member('a1') === undefined && !agent.isConnected);
    link.blackhole(false);
    await until(() => swarm.member('a1') !== undefined);
    assert.equal(agent.isConnected, false, 'its welcome is under way');
    await agent.update({ capabilities: ['work', 'rest'], concurrency: 9 });
    await agent.subscribe('news', () => undefined);
    await until(() => swarm.member('a1')?.topics.length === 1);
    const { capabilities, concurrency, topics } = swarm.member('a1') ?? {};
    assert.deepEqual(
      { capabilities, concurrency, topics },
      { capabilities: ['work', 'rest'], concurrency: 9, topics: ['news'] },
    );
  });
});

test('where two agents cannot reach each other, their messages go by way of others', async () => {
  await withSwarm({ seed: 2, agents: 3 }, async ({ network, agents, hosts, until }) => {
    const [a1, , a3] = agents as [SwarmAgent, SwarmAgent, SwarmAgent];
    const links = async (): Promise<string[]> =>
      (await network.complete(a1.getStats())).links.map(({ id }) => id).sort();
    await until(() => a1.members().length === 4);
    await network.run({ forMs: 500 });
    assert.deepEqual(await links(), ['a2', 'a3', 'coordinator']);
    network.link(hosts[0] as SimHost, hosts[2] as SimHost).blackhole(true);
    let down = '';
    a1.on('linkDown', (id) => (down = id));
    await until(() => down === 'a3');
    assert.equal(await network.complete(a1.request('a3', 'echo', 'around')), 'around');
    assert.equal(await network.complete(a3.request('a1', 'echo', 'and back')), 'and back');
    assert.equal(a1.members().length, 4);
    network.link(hosts[0] as SimHost, hosts[2] as SimHost).blackhole(false);
    let up = '';
    a1.on('linkUp', (id) => (up = id));
    await until(() => up === 'a3');
  });
});

test('tasks of an agent that vanishes are done by others, once in the eyes of who submitted them', async () => {
  await withSwarm({ seed: 3, agents: 3 }, async ({ network, swarm, agents, hosts, coordinatorHost }) => {
    const [a1] = agents as [SwarmAgent];
    let begun = false;
    a1.handle('work', () => {
      begun = true;
      return new Promise(() => undefined);
    });
    const tasks = await network.complete(
      Promise.all(Array.from({ length: 9 }, (_, n) => swarm.submit({ capability: 'work', payload: n }))),
    );
    await network.run({ until: () => begun });
    network.link(hosts[0] as SimHost, coordinatorHost).blackhole(true);
    const results = await network.complete(Promise.all(tasks.map(({ result }) => result)));
    assert.equal(results.length, 9);
    for (const [n, result] of results.entries()) assert.match(String(result), new RegExp(`^${n} by a[23]$`));
  });
});

test('a submitter that loses the coordinator for a while learns how its task ended', async () => {
  await withSwarm({ seed: 4, agents: 2 }, async ({ network, agents, hosts, coordinatorHost }) => {
    const [a1, a2] = agents as [SwarmAgent, SwarmAgent];
    await network.complete(a1.update({ concurrency: 0 }));
    let finish: (value: string) => void = () => undefined;
    a2.handle('work', () => new Promise<string>((resolve) => (finish = resolve)));
    const task = await network.complete(a1.submit({ capability: 'work' }));
    await network.run({ forMs: 1000 });
    network.link(hosts[0] as SimHost, coordinatorHost).blackhole(true);
    network.link(hosts[0] as SimHost, hosts[1] as SimHost).blackhole(true);
    await network.run({ until: () => !a1.isConnected });
    finish('done meanwhile');
    await network.run({ forMs: 1000 });
    assert.equal(task.isSettled, false);
    network.link(hosts[0] as SimHost, coordinatorHost).blackhole(false);
    assert.equal(await network.complete(task.result), 'done meanwhile');
  });
});

test('everything works over a network that loses, repeats and reorders', async () => {
  const conditions = { delayMs: 20, jitterMs: 5, lossPercent: 10, duplicatePercent: 5, reorderPercent: 5 };
  await withSwarm(
    { seed: 5, agents: 3, conditions, swarm: { topology: 'ring' } },
    async ({ network, swarm, agents }) => {
      const members = [swarm, ...agents];
      for (const from of members) {
        for (const to of members) {
          if (from === to) continue;
          const value = { bytes: new Uint8Array(5000).fill(3), from: from.id };
          assert.deepEqual(await network.complete(from.request(to.id, 'echo', value)), value);
        }
      }
      const tasks = await network.complete(
        Promise.all(Array.from({ length: 20 }, (_, n) => swarm.submit({ capability: 'work', payload: n }))),
      );
      const results = await network.complete(Promise.all(tasks.map(({ result }) => result)));
      assert.equal(results.length, 20);
      const report = await network.complete(agents[0]!.broadcast('echo', 'all'));
      assert.equal(report.delivered.length, 3);
    },
  );
});

/** The clock of a host whose calendar is wrong. */
function skewed(clock: Clock, by: number): Clock {
  return {
    now: () => clock.now(),
    wallTime: () => clock.wallTime() + by,
    setTimer: (delay, callback) => clock.setTimer(delay, callback),
    soon: (callback) => clock.soon(callback),
  };
}

test('members whose calendars are hours apart agree on deadlines, which are durations', async () => {
  await simulate({ seed: 6 }, async (network) => {
    const HOUR = 3_600_000;
    const host = (address: string, by: number): { network: SimHost; clock: Clock; host: string } => {
      const made = network.host(address);
      return { network: made, clock: skewed(made.clock, by), host: address };
    };
    const common = { randomFill: network.randomFill, secret: SECRET };
    const swarm = await network.complete(
      initSwarm({ ...common, ...identities[0], ...host(COORDINATOR, 5 * HOUR), swarmId: 'skewed', lease: LEASE }),
    );
    const join = (id: string, n: number, by: number, handlers = {}): Promise<SwarmAgent> =>
      network.complete(
        joinSwarm({
          ...common,
          ...identities[n],
          ...host(`10.0.1.${n}`, by),
          coordinator: `${COORDINATOR}:4433`,
          id,
          capabilities: Object.keys(handlers),
          handlers,
        }),
      );
    const timeouts: number[] = [];
    await join('late', 1, -7 * HOUR, {
      quick: (_value: unknown, { timeout }: { timeout: number }) => timeouts.push(timeout),
      never: () => new Promise(() => undefined),
    });
    const submitter = await join('early', 2, 9 * HOUR);
    const task = await network.complete(submitter.submit({ capability: 'quick', deadline: 5000 }));
    assert.equal(await network.complete(task.result), 1);
    assert.ok((timeouts[0] ?? 0) > 4000 && (timeouts[0] ?? 0) <= 5000, `${timeouts[0]} ms were left`);
    const hopeless = await network.complete(submitter.submit({ capability: 'never', deadline: 5000 }));
    const began = network.now;
    await assert.rejects(network.complete(hopeless.result), { code: 'ERR_SWARM_TASK_DEADLINE' });
    assert.ok(network.now - began > 4000 && network.now - began < 7000, `ended after ${network.now - began} ms`);
    await network.complete(swarm.shutdown({ timeout: 100 }));
  });
});
