import { DEFAULT_FAN_OUT, parentOf, type Topology } from './topology.js';

/** Targets of a message, by the neighbour that each is sent to. */
export interface Fork {
  /** Next hop to the targets behind it. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  /** Targets to which no hop is known at the moment. */
  readonly unreachable: readonly string[];
}

/**
 * Where messages go next, from one member's place in one view of the swarm. Shortest ways follow from the topology alone,
 * so nothing is computed ahead but the place of each member, and that at the first question.
 */
export class RouteTable {
  readonly #topology: Topology;
  readonly #order: readonly string[];
  readonly #self: string;
  readonly #fanOut: number;
  #places: Map<string, number> | undefined;

  /** @param order the members, the coordinator first; must not change any more */
  constructor(topology: Topology, order: readonly string[], self: string, fanOut = DEFAULT_FAN_OUT) {
    this.#topology = topology;
    this.#order = order;
    this.#self = self;
    this.#fanOut = fanOut;
  }

  /**
   * Neighbours over which a destination can be reached, the shortest way first; among equal ones the earlier member. In a
   * star and in a hierarchy there is one: all others lead away and back. None when either end is no member, or both are
   * the same.
   */
  nextHops(destination: string): string[] {
    return Array.from(this.#hopIndexes(destination), (index) => this.#order[index] as string);
  }

  /**
   * Where a message goes next: to the destination where there is a link to it, else to the first of `nextHops` whose link
   * is up and where the message has not been. When there is none, back to where it first came from, so that somebody on
   * its way finds another: in a swarm whose remaining links connect all members, it arrives (or reaches its hop limit).
   * Without the way back a quarter of all messages would end in front of a broken link of a large ring, and one in eight
   * in a mesh of 50 that has lost nine links in ten.
   *
   * @param trail members in the order in which the message came to them, origin first, each visit once more, without this
   * one; empty at the origin
   * @returns `undefined`: no way leads there from anywhere it has been
   */
  forward(destination: string, trail: readonly string[], isUp: (member: string) => boolean): string | undefined {
    if (destination !== this.#self && isUp(destination)) return destination;
    for (const index of this.#hopIndexes(destination)) {
      const hop = this.#order[index] as string;
      if (isUp(hop) && !trail.includes(hop)) return hop;
    }
    const before = trail.indexOf(this.#self);
    const back = before < 0 ? trail.at(-1) : trail[before - 1];
    return back !== undefined && isUp(back) ? back : undefined;
  }

  /** Hops between two members on the shortest way; `undefined` when one of them is none. */
  distance(from: string, to: string): number | undefined {
    const [a, b] = [this.#placeOf(from), this.#placeOf(to)];
    if (a === undefined || b === undefined) return undefined;
    if (a === b) return 0;
    switch (this.#topology) {
      case 'mesh':
        return 1;
      case 'star':
        return a === 0 || b === 0 ? 1 : 2;
      case 'ring':
        return Math.min(Math.abs(a - b), this.#order.length - Math.abs(a - b));
      case 'hierarchical': {
        let [left, right, hops] = [a, b, 0];
        // The parent of the later one comes before it, so both end at the common ancestor.
        for (; left !== right; hops += 1) {
          if (left > right) left = parentOf(left, this.#fanOut);
          else right = parentOf(right, this.#fanOut);
        }
        return hops;
      }
    }
  }

  #placeOf(member: string): number | undefined {
    this.#places ??= new Map(this.#order.map((id, index) => [id, index]));
    return this.#places.get(member);
  }

  *#hopIndexes(destination: string): Generator<number, void> {
    const [at, to] = [this.#placeOf(this.#self), this.#placeOf(destination)];
    if (at === undefined || to === undefined || at === to) return;
    const size = this.#order.length;
    switch (this.#topology) {
      case 'mesh':
        yield to;
        for (let index = 0; index < size; index += 1) if (index !== at && index !== to) yield index;
        return;
      case 'star':
        yield at === 0 ? to : 0;
        return;
      case 'ring': {
        const [before, after] = [(at + size - 1) % size, (at + 1) % size];
        const forwards = (to - at + size) % size;
        const forwardsFirst = forwards * 2 === size ? after < before : forwards * 2 < size;
        yield forwardsFirst ? after : before;
        if (before !== after) yield forwardsFirst ? before : after;
        return;
      }
      case 'hierarchical': {
        // Up from the destination: if that leads through this member, the step before is the child to go to.
        let child = to;
        while (child > at && parentOf(child, this.#fanOut) !== at) child = parentOf(child, this.#fanOut);
        yield child > at ? child : parentOf(at, this.#fanOut);
      }
    }
  }
}

/**
 * Divides the targets of a message among next hops, so that it crosses each link once.
 *
 * @param pick the next hop to one target, as {@link RouteTable.forward} finds it
 */
export function groupByNextHop(targets: Iterable<string>, pick: (target: string) => string | undefined): Fork {
  const groups = new Map<string, string[]>();
  const unreachable: string[] = [];
  for (const target of targets) {
    const hop = pick(target);
    const group = hop === undefined ? unreachable : groups.get(hop);
    if (group) group.push(target);
    else groups.set(hop as string, [target]);
  }
  return { groups, unreachable };
}
