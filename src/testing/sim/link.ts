import type { LinkConditions } from './conditions.js';
import type { LinkDirection } from './direction.js';

/** The way between two hosts, or two addresses of theirs: a direction each way. */
export class SimLink {
  /** From the first that was named to the second. */
  readonly there: LinkDirection;
  /** From the second to the first. */
  readonly back: LinkDirection;

  constructor(there: LinkDirection, back: LinkDirection) {
    this.there = there;
    this.back = back;
  }

  /** Changes some conditions of both directions, from now on. */
  set(changes: Partial<LinkConditions>): void {
    this.there.set(changes);
    this.back.set(changes);
  }

  /** Lets everything vanish, or nothing any more, in one direction or both. */
  blackhole(on: boolean, direction: 'there' | 'back' | 'both' = 'both'): void {
    if (direction !== 'back') this.there.set({ blackhole: on });
    if (direction !== 'there') this.back.set({ blackhole: on });
  }
}
