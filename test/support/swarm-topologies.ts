/** What holds for swarms of all topologies and sizes. */

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { SwarmMember, Topology } from '../../src/swarm/index.js';
import { neighboursOf } from '../../src/swarm/topology/topology.js';
import { MuteNetwork } from './mute-network.js';
import { startAgent, startSwarm } from './swarm.js';
import { until } from './until.js';

const FAN_OUT = 3;
/** Pairs that talk in large swarms; in small ones all do. */
const SAMPLE = 200;

/** The same numbers in every run. */
function sequence(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function pairs(members: readonly SwarmMember[]): [SwarmMember, SwarmMember][] {
  const all = members.flatMap((from) =>
    members.filter((to) => to !== from).map((to): [typeof from, typeof to] => [from, to]),
  );
  if (all.length <= SAMPLE) return all;
  const random = sequence(members.length);
  return Array.from({ length: SAMPLE }, () => all[random(all.length)] as [SwarmMember, SwarmMember]);
}

async function linksOf(member: SwarmMember): Promise<string[]> {
  const { links } = await member.getStats();
  return links.map(({ id }) => id).sort();
}

/** What the topology says, and the coordinator, to whom everybody holds a connection. */
function expectedLinks(topology: Topology, member: SwarmMember): string[] {
  const order = member.members().map(({ id }) => id);
  const coordinator = order[0] as string;
  if (member.id === coordinator) return order.slice(1).sort();
  return [...new Set([coordinator, ...neighboursOf(topology, order, member.id, FAN_OUT)])].sort();
}

async function linksStand(topology: Topology, members: readonly SwarmMember[]): Promise<void> {
  for (const member of members) {
    for (;;) {
      const [actual, expected] = [await linksOf(member), expectedLinks(topology, member)];
      if (actual.join() === expected.join()) break;
      await new Promise((resolve) => void setTimeout(resolve, 20));
    }
  }
}

async function talk(members: readonly SwarmMember[]): Promise<void> {
  const all = pairs(members);
  // A few at a time: the machine that runs this may be small.
  for (let at = 0; at < all.length; at += 20) {
    await Promise.all(
      all.slice(at, at + 20).map(async ([from, to]) => {
        assert.equal(await from.request(to.id, 'whoami', from.id, { timeout: 60_000 }), `${to.id} to ${from.id}`);
      }),
    );
  }
}

/**
 * Who is connected to whom is what the topology says; everybody reaches everybody; one that dies is noticed, everybody is told, and the
 * overlay repairs itself while its members talk.
 */
export async function topologyHolds(t: TestContext, topology: Topology, size: number, lease: number): Promise<void> {
  const handlersOf = (id: string) => ({ whoami: (from: unknown) => `${id} to ${String(from)}` });
  const swarm = await startSwarm({ topology, lease, fanOut: FAN_OUT, handlers: handlersOf('coordinator') });
  const networks = new Map<string, MuteNetwork>();
  const agents = [];
  for (let n = 0; n < size; n++) {
    const id = `agent-${n}`;
    const network = new MuteNetwork();
    networks.set(id, network);
    agents.push(await startAgent(swarm, id, { network, handlers: handlersOf(id) }));
  }
  const members: SwarmMember[] = [swarm, ...agents];
  await until(() => members.every((member) => member.members().length === size + 1));
  const order = swarm.members().map(({ id }) => id);
  for (const member of members)
    assert.deepEqual(
      member.members().map(({ id }) => id),
      order,
    );
  await linksStand(topology, members);
  await talk(members);

  // One in the middle dies without a word: it is noticed, everybody is told, and those who are left go on talking meanwhile.
  const victim = agents[Math.floor(size / 2)] as (typeof agents)[0];
  const left = members.filter((member) => member !== victim);
  const told = new Set<string>();
  const losses = new Set<string>();
  for (const member of left) {
    member.on('memberLeft', ({ id }, reason) => {
      losses.add(`${id} ${reason}`);
      if (id === victim.id) told.add(member.id);
    });
  }
  const died = performance.now();
  (networks.get(victim.id) as MuteNetwork).isMute = true;
  let noticed = 0;
  swarm.once('memberLeft', () => {
    noticed = performance.now() - died;
  });
  let rounds = 0;
  const first = left[1];
  const last = left.at(-1) as SwarmMember;
  while (told.size < left.length) {
    // By the ring and by the tree, some of these went by way of the dead one.
    if (first && first !== last) {
      await first.request(last.id, 'whoami', first.id, { timeout: 60_000 }).catch((error: unknown) => {
        assert.equal((error as { code: string }).code, 'ERR_SWARM_AGENT_LOST', 'lost on the way, and said so');
      });
      rounds++;
    }
    await new Promise((resolve) => void setTimeout(resolve, 10));
  }
  t.diagnostic(`death noticed after ${Math.round(noticed)} ms (lease ${lease} ms); ${rounds} requests meanwhile`);
  await until(() => left.every((member) => member.members().length === size));
  await linksStand(topology, left);
  await talk(left);
  assert.deepEqual([...losses], [`${victim.id} lost`]);
}
