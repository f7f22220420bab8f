/** Coordinators that die and come back with their store, in virtual time: who is awaited, who is told what, and what goes on meanwhile. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  initSwarm,
  joinSwarm,
  MemoryStore,
  type InitSwarmOptions,
  type JoinSwarmOptions,
  type Swarm,
  type SwarmAgent,
  type SwarmStore,
} from '../../src/swarm/index.js';
import { makeIdentity } from '../../src/swarm/security/identity.js';
import { keyOf } from '../../src/swarm/security/proof.js';
import { simulate, type SimHost, type SimNetwork } from '../../src/testing/sim/index.js';

const SECRET = 'a secret for simulations';
const WRONG = 'another secret than theirs';
const COORDINATOR = '10.0.0.1';
const LEASE = 3000;

// What takes real time, which a simulation does not see, is done before.
await Promise.all([keyOf(SECRET), keyOf(WRONG)]);
const identities = await Promise.all(Array.from({ length: 6 }, (_, n) => makeIdentity(`member ${n}`)));

/** A store as a killed process leaves it: nothing is written any more, and the next one opens what is there. */
class Disk {
  readonly #store = new MemoryStore();
  #owner = 0;

  open(): SwarmStore {
    const owner = ++this.#owner;
    const store = this.#store;
    return {
      get: (key) => store.get(key),
      list: (prefix) => store.list(prefix),
      write: (batch) => store.write(owner === this.#owner ? batch : []),
      watch: (prefix, options) => store.watch(prefix, options),
      grantLease: (ttl) => store.grantLease(ttl),
      close: async () => undefined,
    };
  }

  /** Whoever has it open writes no more. */
  crash(): void {
    this.#owner++;
  }
}

class Stage {
  readonly network: SimNetwork;
  readonly coordinatorHost: SimHost;
  readonly disk = new Disk();
  readonly hosts: SimHost[] = [];
  readonly agents: SwarmAgent[] = [];
  /** What agents were told of others: `a1: a2 lost`. */
  readonly told: string[] = [];
  swarm: Swarm | undefined;
  readonly #options: Partial<InitSwarmOptions>;

  constructor(network: SimNetwork, options: Partial<InitSwarmOptions>) {
    this.network = network;
    this.#options = options;
    this.coordinatorHost = network.host(COORDINATOR);
  }

  async start(options: Partial<InitSwarmOptions> = {}): Promise<Swarm> {
    for (const host of this.hosts) this.network.link(host, this.coordinatorHost).blackhole(false);
    this.swarm = await this.network.complete(
      initSwarm({
        randomFill: this.network.randomFill,
        secret: SECRET,
        ...identities[0],
        swarmId: 'sim',
        host: COORDINATOR,
        network: this.coordinatorHost,
        clock: this.coordinatorHost.clock,
        lease: LEASE,
        store: this.disk.open(),
        ...this.#options,
        ...options,
      }),
    );
    return this.swarm;
  }

  /** Its process is killed: nobody is told, nothing is written. */
  async kill(): Promise<void> {
    this.disk.crash();
    for (const host of this.hosts) this.network.link(host, this.coordinatorHost).blackhole(true);
    await this.network.complete(this.swarm?.shutdown({ timeout: 0 }) ?? Promise.resolve());
  }

  async join(n: number, options: Partial<JoinSwarmOptions> = {}): Promise<SwarmAgent> {
    const id = options.id ?? `a${n}`;
    const host = this.network.host(`10.0.1.${n}`);
    this.hosts.push(host);
    const agent = await this.network.complete(
      joinSwarm({
        randomFill: this.network.randomFill,
        secret: SECRET,
        ...identities[n],
        coordinator: `${COORDINATOR}:4433`,
        id,
        host: `10.0.1.${n}`,
        network: host,
        clock: host.clock,
        capabilities: ['work'],
        handlers: { echo: (value: unknown) => value, work: (value) => `${String(value)} by ${id}` },
        ...options,
      }),
    );
    agent.on('memberLeft', (member, reason) => this.told.push(`${id}: ${member.id} ${reason}`));
    agent.on('memberJoined', (member) => this.told.push(`${id}: ${member.id} joined`));
    agent.on('linkDown', (other) => {
      if (other !== 'coordinator') this.told.push(`${id}: link to ${other} down`);
    });
    this.agents.push(agent);
    return agent;
  }

  /** Cuts a host off from everybody. */
  cut(n: number): void {
    const host = this.hosts[n] as SimHost;
    for (const other of [this.coordinatorHost, ...this.hosts]) {
      if (other !== host) this.network.link(host, other).blackhole(true);
    }
  }

  /** Everybody sees everybody, and nothing is being told any more. */
  async settle(): Promise<void> {
    const members = (): readonly { members(): readonly unknown[] }[] => [
      ...this.agents,
      ...(this.swarm ? [this.swarm] : []),
    ];
    await this.until(() => members().every((member) => member.members().length === this.agents.length + 1));
    await this.network.run({ forMs: 1000 });
    this.told.length = 0;
  }

  until(condition: () => boolean): Promise<void> {
    return this.network.run({ until: condition });
  }

  ask(from: SwarmAgent | Swarm, to: string, value: unknown): Promise<unknown> {
    return this.network.complete(from.request(to, 'echo', value, { timeout: 2000 }));
  }
}

async function onStage(
  options: { readonly seed: number; readonly agents: number; readonly swarm?: Partial<InitSwarmOptions> },
  body: (stage: Stage) => Promise<void>,
): Promise<void> {
  await simulate({ seed: options.seed }, async (network) => {
    const stage = new Stage(network, options.swarm ?? {});
    await stage.start();
    for (let n = 1; n <= options.agents; n++) await stage.join(n);
    await stage.settle();
    try {
      await body(stage);
    } finally {
      const ends = stage.agents.map((agent) => agent.leave({ timeout: 0 }));
      await network.complete(Promise.all([...ends, stage.swarm?.shutdown({ timeout: 0 })]));
    }
  });
}

const awaitedBy = (swarm: Swarm): string[] => swarm.members().flatMap(({ id, awaited }) => (awaited ? [id] : []));

for (const topology of ['mesh', 'ring', 'hierarchical', 'star'] as const) {
  test(`a restarted coordinator has its members back at once, and nobody is told that one left: ${topology}`, async () => {
    await onStage({ seed: 1, agents: 4, swarm: { topology, fanOut: 2 } }, async (stage) => {
      const { agents, network, told } = stage;
      const before = stage.swarm?.members();
      const epoch = stage.swarm?.epoch ?? 0;
      await stage.kill();
      await network.run({ forMs: 8000 });
      assert.ok(agents.every(({ isConnected }) => !isConnected));
      for (const agent of agents) {
        assert.deepEqual(
          agent.members().map(({ id }) => id),
          ['coordinator', 'a1', 'a2', 'a3', 'a4'],
        );
      }
      const swarm = await stage.start();
      assert.deepEqual(awaitedBy(swarm), ['a1', 'a2', 'a3', 'a4']);
      assert.ok(swarm.epoch > epoch, `epoch ${swarm.epoch} after ${epoch}`);
      const stats = await network.complete(swarm.getStats());
      assert.equal(stats.coordinatorStats.agents, 0);
      assert.equal(stats.coordinatorStats.awaited, 4);
      assert.deepEqual(stats.awaited.map(({ id, reachedAt }) => [id, reachedAt]).at(0), [
        'a1',
        `10.0.1.1:${agents[0]?.address.port}`,
      ]);
      assert.ok(stats.awaited.every(({ timeLeft }) => timeLeft > 0 && timeLeft <= LEASE));
      const began = network.now;
      await stage.until(() => agents.every(({ isConnected }) => isConnected) && awaitedBy(swarm).length === 0);
      assert.ok(network.now - began < LEASE, `they were back after ${network.now - began} ms`);
      await network.run({ forMs: 2 * LEASE });
      assert.deepEqual(told, [], 'nobody left, nobody joined, and no connection between agents was closed');
      assert.deepEqual(swarm.members(), before, 'the same members, incarnations, and order');
      for (const agent of agents) assert.deepEqual(agent.members(), before);
      for (const to of ['a1', 'a4']) assert.equal(await stage.ask(swarm, to, 'hello'), 'hello');
      const task = await network.complete(swarm.submit({ capability: 'work', payload: 'done' }));
      assert.match(String(await network.complete(task.result)), /^done by a\d$/);
    });
  });
}

test('agents talk to each other while the coordinator is away, and when it is back', async () => {
  await onStage({ seed: 2, agents: 3 }, async (stage) => {
    const { agents, network } = stage;
    const [a1, a2, a3] = agents as [SwarmAgent, SwarmAgent, SwarmAgent];
    let release: (value: string) => void = () => undefined;
    a2.handle('long', () => new Promise<string>((resolve) => (release = resolve)));
    const messages: unknown[] = [];
    a3.handle('note', (value) => void messages.push(value));
    const long = a1.request('a2', 'long', undefined, { timeout: 60_000 });
    await network.run({ forMs: 100 });
    await stage.kill();
    for (let round = 0; round < 10; round++) {
      assert.equal(await stage.ask(a1, 'a2', round), round);
      assert.equal(await stage.ask(a2, 'a3', round), round);
      await network.complete(a1.send('a3', 'note', round));
      await network.run({ forMs: 1000 });
    }
    const swarm = await stage.start();
    while (awaitedBy(swarm).length > 0) {
      assert.equal(await stage.ask(a3, 'a1', 'meanwhile'), 'meanwhile');
      await network.run({ forMs: 20 });
    }
    for (let round = 10; round < 20; round++) {
      assert.equal(await stage.ask(a1, 'a2', round), round);
      await network.complete(a1.send('a3', 'note', round));
      await network.run({ forMs: 500 });
    }
    assert.deepEqual(
      messages,
      Array.from({ length: 20 }, (_, round) => round),
    );
    release('one exchange over it all');
    assert.equal(await network.complete(long), 'one exchange over it all');
  });
});

test('what goes by the coordinator waits for members that are awaited, until they are back or dead', async () => {
  await onStage({ seed: 10, agents: 3, swarm: { topology: 'star' } }, async (stage) => {
    const { agents, network } = stage;
    const [a1] = agents as [SwarmAgent];
    await stage.kill();
    await network.run({ forMs: 4000 });
    const swarm = await stage.start();
    stage.cut(1);
    stage.cut(2);
    await stage.until(() => a1.isConnected);
    assert.deepEqual(awaitedBy(swarm), ['a2', 'a3']);
    const [asked, told] = [a1.request('a2', 'echo', 'wait for me'), swarm.request('a2', 'echo', 'and me')];
    const hopeless = a1.request('a3', 'echo', 'nobody');
    const impatient = swarm.request('a3', 'echo', 'soon', { timeout: 300 });
    await assert.rejects(network.complete(impatient), { code: 'ERR_SWARM_TIMEOUT' });
    network.link(stage.hosts[1] as SimHost, stage.coordinatorHost).blackhole(false);
    assert.deepEqual(await network.complete(Promise.all([asked, told])), ['wait for me', 'and me']);
    await assert.rejects(network.complete(hopeless), { code: 'ERR_SWARM_NO_SUCH_AGENT' });
    assert.deepEqual(
      swarm.members().map(({ id }) => id),
      ['coordinator', 'a1', 'a2'],
    );
  });
});

test('who does not come back within the lease is dead, and its tasks are done by others', async () => {
  await onStage({ seed: 3, agents: 3 }, async (stage) => {
    const { agents, network, told } = stage;
    const [a1] = agents as [SwarmAgent];
    let begun = false;
    a1.handle('special', () => {
      begun = true;
      return new Promise(() => undefined);
    });
    await network.complete(a1.update({ capabilities: ['special'] }));
    const task = await network.complete(agents[1]!.submit({ capability: 'special', payload: 'x' }));
    await stage.until(() => begun);
    await stage.kill();
    stage.cut(0);
    const swarm = await stage.start();
    // Starting made all links whole.
    stage.cut(0);
    const began = network.now;
    agents[2]!.handle('special', (value) => `${String(value)} by a3`);
    await stage.until(() => awaitedBy(swarm).length === 1 && agents[2]!.isConnected);
    await network.complete(agents[2]!.update({ capabilities: ['special'] }));
    assert.deepEqual(awaitedBy(swarm), ['a1']);
    assert.equal(await network.complete(task.result), 'x by a3');
    await stage.until(() => swarm.member('a1') === undefined);
    const dead = network.now - began;
    assert.ok(dead >= LEASE && dead <= LEASE + 700, `dead after ${dead} ms`);
    await network.run({ forMs: 1000 });
    const losses = told.filter((words) => !words.includes('link')).sort();
    assert.deepEqual(losses, ['a2: a1 lost', 'a3: a1 lost']);
    assert.deepEqual((await network.complete(swarm.getStats())).awaited, []);
    // A later restart does not wait for the dead.
    await stage.kill();
    const third = await stage.start();
    stage.cut(0);
    assert.deepEqual(awaitedBy(third), ['a2', 'a3']);
    assert.ok(third.epoch > swarm.epoch);
    // It was dead for the others: when it comes, it is another incarnation.
    for (const host of [stage.coordinatorHost, ...stage.hosts.slice(1)]) {
      network.link(stage.hosts[0] as SimHost, host).blackhole(false);
    }
    await stage.until(() => third.member('a1') !== undefined);
    assert.equal(third.member('a1')?.incarnation, 2);
  });
});

test('an id that is awaited goes to nobody else; when its holder is dead, to whoever waits for it', async () => {
  await onStage({ seed: 4, agents: 2, swarm: { maxAgents: 2 } }, async (stage) => {
    const { network } = stage;
    await stage.kill();
    stage.cut(0);
    const swarm = await stage.start();
    stage.cut(0);
    await assert.rejects(stage.join(3), {
      code: 'ERR_SWARM_FULL',
      message: /holds 2 agents.* awaited after a restart/,
    });
    await assert.rejects(stage.join(4, { secret: WRONG, id: 'a1' }), {
      code: 'ERR_SWARM_AUTHENTICATION',
    });
    const began = network.now;
    // It knows the secret, and is not who a1 was: it gets the id when a1 is dead.
    const stranger = await stage.join(5, { id: 'a1' });
    assert.ok(network.now - began > LEASE - 500, `after ${network.now - began} ms`);
    assert.equal(swarm.member('a1')?.incarnation, 2);
    assert.equal(await stage.ask(swarm, 'a1', 'who'), 'who');
    assert.equal(stranger.isConnected, true);
  });
});

test('who wants the id of a member that comes back is refused, and does not keep it out', async () => {
  await onStage({ seed: 5, agents: 2 }, async (stage) => {
    await stage.kill();
    await stage.network.run({ forMs: 4000 });
    const swarm = await stage.start();
    await assert.rejects(stage.join(3, { id: 'a1' }), { code: 'ERR_SWARM_DUPLICATE_ID' });
    assert.deepEqual([swarm.member('a1')?.incarnation, swarm.member('a1')?.awaited], [1, undefined]);
    await stage.until(() => awaitedBy(swarm).length === 0);
    assert.deepEqual(stage.told, []);
  });
});

test('another life of an awaited member, with its certificate, takes its place at once', async () => {
  await onStage({ seed: 6, agents: 2 }, async (stage) => {
    const { network } = stage;
    await stage.kill();
    await network.complete(stage.agents[0]!.leave({ timeout: 0 }));
    const swarm = await stage.start();
    const began = network.now;
    const host = stage.hosts[0] as SimHost;
    const again = await network.complete(
      joinSwarm({
        randomFill: network.randomFill,
        secret: SECRET,
        ...identities[1],
        coordinator: `${COORDINATOR}:4433`,
        id: 'a1',
        host: '10.0.1.1',
        network: host,
        clock: host.clock,
      }),
    );
    stage.agents.push(again);
    assert.ok(network.now - began < 500);
    assert.equal(swarm.member('a1')?.incarnation, 2);
    await stage.until(() => stage.told.includes('a2: a1 replaced'));
  });
});

test('an awaited member that is evicted is told so when it comes', async () => {
  await onStage({ seed: 7, agents: 2 }, async (stage) => {
    const [a1] = stage.agents as [SwarmAgent];
    let end: unknown;
    a1.on('closed', (error) => (end = error));
    await stage.kill();
    const swarm = await stage.start();
    assert.equal(swarm.evictAgent('a1', 'not any more'), true);
    assert.equal(swarm.member('a1'), undefined);
    await stage.until(() => end !== undefined);
    assert.equal((end as { code: string }).code, 'ERR_SWARM_EVICTED');
    assert.match(String(end), /not any more/);
  });
});

test('after a shutdown, which everybody was told of, nobody is awaited; epochs go on', async () => {
  await onStage({ seed: 8, agents: 2 }, async (stage) => {
    const epoch = stage.swarm?.epoch ?? 0;
    await stage.network.complete(stage.swarm?.shutdown({ timeout: 100 }) ?? Promise.resolve());
    const swarm = await stage.start();
    assert.deepEqual(
      swarm.members().map(({ id }) => id),
      ['coordinator'],
    );
    assert.ok(swarm.epoch > epoch);
  });
});

test('what members changed before the coordinator died is what it has back', async () => {
  await onStage({ seed: 9, agents: 2 }, async (stage) => {
    const [a1] = stage.agents as [SwarmAgent];
    await stage.network.complete(a1.update({ capabilities: ['work', 'rest'], concurrency: 9 }));
    await stage.network.complete(a1.subscribe('news', () => undefined));
    await stage.network.run({ forMs: 200 });
    const before = stage.swarm?.member('a1');
    await stage.kill();
    const swarm = await stage.start();
    assert.deepEqual(swarm.member('a1'), { ...before, awaited: true });
  });
});
