import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TOPOLOGIES, type Topology } from '../../../src/swarm/index.js';
import { groupByNextHop, RouteTable } from '../../../src/swarm/topology/route-table.js';
import { defaultHopLimit, dialler, neighboursOf } from '../../../src/swarm/topology/topology.js';

const order = ['c', 'x', 'b', 'y', 'a', 'z', 'd'];
const up = (): boolean => true;

/** Neighbours of all of the first `count` members, each as one word. */
function graph(topology: Topology, count: number, fanOut?: number): string[] {
  const members = order.slice(0, count);
  return members.map((self) => neighboursOf(topology, members, self, fanOut).join(''));
}

describe('neighbours', () => {
  test('mesh', () => {
    assert.deepEqual(graph('mesh', 1), ['']);
    assert.deepEqual(graph('mesh', 2), ['x', 'c']);
    assert.deepEqual(graph('mesh', 4), ['xby', 'cby', 'cxy', 'cxb']);
  });

  test('star', () => {
    assert.deepEqual(graph('star', 1), ['']);
    assert.deepEqual(graph('star', 2), ['x', 'c']);
    assert.deepEqual(graph('star', 4), ['xby', 'c', 'c', 'c']);
  });

  test('ring', () => {
    assert.deepEqual(graph('ring', 1), ['']);
    assert.deepEqual(graph('ring', 2), ['x', 'c']);
    assert.deepEqual(graph('ring', 3), ['xb', 'cb', 'cx']);
    assert.deepEqual(graph('ring', 5), ['xa', 'cb', 'xy', 'ba', 'cy']);
  });

  test('hierarchical', () => {
    assert.deepEqual(graph('hierarchical', 1), ['']);
    assert.deepEqual(graph('hierarchical', 2), ['x', 'c']);
    assert.deepEqual(graph('hierarchical', 7, 2), ['xb', 'cya', 'czd', 'x', 'x', 'b', 'b']);
    assert.deepEqual(graph('hierarchical', 7), ['xbya', 'czd', 'c', 'c', 'c', 'x', 'x']);
    assert.deepEqual(graph('hierarchical', 4, 1), ['x', 'cb', 'xy', 'b']);
  });

  test('one who is no member has none, nor has anybody in an empty swarm', () => {
    for (const topology of TOPOLOGIES) {
      assert.deepEqual(neighboursOf(topology, order, 'stranger'), []);
      assert.deepEqual(neighboursOf(topology, [], 'c'), []);
    }
  });

  test('one of two dials, whoever asks', () => {
    assert.equal(dialler('a', 'b'), 'a');
    assert.equal(dialler('b', 'a'), 'a');
    assert.equal(dialler('agent-10', 'agent-9'), 'agent-10');
  });
});

describe('routes', () => {
  test('the shortest way comes first', () => {
    const hops = (topology: Topology, self: string, destination: string): string =>
      new RouteTable(topology, order, self, 2).nextHops(destination).join('');
    assert.equal(hops('mesh', 'b', 'a'), 'acxyzd');
    assert.equal(hops('star', 'b', 'a'), 'c');
    assert.equal(hops('star', 'c', 'a'), 'a');
    assert.equal(hops('ring', 'b', 'a'), 'yx');
    assert.equal(hops('ring', 'x', 'd'), 'cb');
    assert.equal(hops('hierarchical', 'c', 'd'), 'b');
    assert.equal(hops('hierarchical', 'y', 'd'), 'x');
    assert.equal(hops('hierarchical', 'x', 'a'), 'a');
    for (const topology of TOPOLOGIES) {
      assert.equal(hops(topology, 'a', 'a'), '');
      assert.equal(hops(topology, 'a', 'stranger'), '');
      assert.equal(hops(topology, 'stranger', 'a'), '');
      assert.deepEqual(new RouteTable(topology, ['c', 'x'], 'x').nextHops('c'), ['c']);
    }
  });

  test('a link to the destination is used, whatever the topology says', () => {
    const table = new RouteTable('ring', order, 'c');
    assert.equal(
      table.forward('y', [], (member) => member === 'y'),
      'y',
    );
    assert.equal(
      table.forward('stranger', [], () => false),
      undefined,
    );
    assert.equal(table.forward('c', [], up), undefined);
  });

  test('in front of a broken link a message turns back, and goes the other way around', () => {
    const broken = (self: string) => (member: string) =>
      neighboursOf('ring', order, self).includes(member) && !['bx', 'xb'].includes(self + member);
    const walk = ['c'];
    while (walk.at(-1) !== 'b') {
      const at = walk.at(-1) as string;
      const next = new RouteTable('ring', order, at).forward('b', walk.slice(0, -1), broken(at));
      assert.ok(next !== undefined, walk.join(' '));
      walk.push(next);
    }
    assert.equal(walk.join(''), 'cxcdzayb');
    assert.ok(walk.length - 1 <= defaultHopLimit('ring', order.length));
  });

  test('a message that cannot arrive ends where it began', () => {
    const alone = (self: string) => (member: string) => ['xb', 'bx'].includes(self + member);
    const next = (self: string, trail: string[]): string | undefined =>
      new RouteTable('ring', order, self).forward('a', trail, alone(self));
    assert.equal(next('x', []), 'b');
    assert.equal(next('b', ['x']), 'x');
    assert.equal(next('x', ['x', 'b']), undefined);
  });

  test('targets are divided among next hops', () => {
    const table = new RouteTable('hierarchical', order, 'c', 2);
    const fork = groupByNextHop(['y', 'z', 'stranger', 'd', 'x'], (target) => table.nextHops(target)[0]);
    assert.deepEqual(
      [...fork.groups],
      [
        ['x', ['y', 'x']],
        ['b', ['z', 'd']],
      ],
    );
    assert.deepEqual(fork.unreachable, ['stranger']);
  });
});
