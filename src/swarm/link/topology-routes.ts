/** The topology of the swarm, seen from one member. */

import type { MembershipView } from '../membership/view.js';
import type { SwarmConfig } from '../wire/control.js';

export class TopologyRoutes {
  readonly #selfId: string;
  readonly #view: MembershipView;
  #config: SwarmConfig | undefined;

  constructor(selfId: string, view: MembershipView) {
    this.#selfId = selfId;
    this.#view = view;
  }

  configure(config: SwarmConfig): void {
    this.#config = config;
  }

  /** The view has changed. */
  changed(): void {}

  get hopLimit(): number {
    return 8;
  }

  nextHops(_destination: string): readonly string[] {
    return [];
  }

  /** Members that this one is to hold a connection to. */
  neighbours(): readonly string[] {
    if (this.#config?.topology !== 'mesh') return [];
    return this.#view.order.filter((id) => id !== this.#selfId);
  }

  dials(other: string): boolean {
    return this.#selfId < other;
  }
}
