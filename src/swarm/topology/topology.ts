/**
 * Who holds a QUIC connection to whom. Everything follows from the members in the order in which they joined, on which
 * all agree: the coordinator comes first. Each id comes once.
 */

/** What a swarm can look like. */
export const TOPOLOGIES = ['mesh', 'star', 'ring', 'hierarchical'] as const;

/**
 * - `mesh`: everybody with everybody
 * - `star`: everybody with the coordinator
 * - `ring`: everybody with the one before and the one after, the last with the first
 * - `hierarchical`: a tree, filled level by level, whose root is the coordinator
 */
export type Topology = (typeof TOPOLOGIES)[number];

/** Children of each member of a `hierarchical` swarm: four keep 1,000 members within ten hops of each other. */
export const DEFAULT_FAN_OUT = 4;
export const MIN_FAN_OUT = 1;
export const MAX_FAN_OUT = 64;

/**
 * The members that `self` holds connections to, in their order; none when it is no member. Symmetric: if a is a neighbour
 * of b, b is one of a. Each member reaches each other one over neighbours.
 *
 * @param order the members, the coordinator first
 * @param fanOut for `hierarchical`, {@link MIN_FAN_OUT} to {@link MAX_FAN_OUT}
 */
export function neighboursOf(
  topology: Topology,
  order: readonly string[],
  self: string,
  fanOut = DEFAULT_FAN_OUT,
): string[] {
  const at = order.indexOf(self);
  if (at < 0) return [];
  return neighbourIndexes(topology, order.length, at, fanOut).map((index) => order[index] as string);
}

function neighbourIndexes(topology: Topology, size: number, at: number, fanOut: number): number[] {
  switch (topology) {
    case 'mesh':
      return others(size, at);
    case 'star':
      return at === 0 ? others(size, at) : [0];
    case 'ring': {
      const both = new Set([(at + size - 1) % size, (at + 1) % size]);
      both.delete(at);
      return [...both].sort((a, b) => a - b);
    }
    case 'hierarchical': {
      const first = at * fanOut + 1;
      const children = Array.from({ length: Math.max(0, Math.min(fanOut, size - first)) }, (_, n) => first + n);
      return at === 0 ? children : [parentOf(at, fanOut), ...children];
    }
  }
}

function others(size: number, at: number): number[] {
  return Array.from({ length: size - 1 }, (_, index) => (index < at ? index : index + 1));
}

/** Index of the parent in a `hierarchical` swarm; not for the root. */
export function parentOf(index: number, fanOut: number): number {
  return Math.floor((index - 1) / fanOut);
}

/** Which of two neighbours dials the other: the one whose id comes first by UTF-16 code units. */
export function dialler(a: string, b: string): string {
  return a < b ? a : b;
}

/**
 * Most hops that a message may make before it counts as lost: enough for every pair of members, and for the way back from
 * a link that has just broken ({@link RouteTable.forward}) and around it. 8 in a mesh, 6 in a star, twice the number of
 * members in a ring, four times the depth and 2 in a hierarchy.
 *
 * @param size number of members
 */
export function defaultHopLimit(topology: Topology, size: number, fanOut = DEFAULT_FAN_OUT): number {
  switch (topology) {
    case 'mesh':
      return 8;
    case 'star':
      return 6;
    case 'ring':
      return Math.max(4, 2 * size);
    case 'hierarchical': {
      let depth = 0;
      for (let index = size - 1; index > 0; index = parentOf(index, fanOut)) depth += 1;
      return 4 * depth + 2;
    }
  }
}
