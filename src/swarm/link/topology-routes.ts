/** The topology of the swarm, seen from one member: made anew when somebody asks after the view has changed. */

import type { MembershipView } from '../membership/view.js';
import { RouteTable } from '../topology/route-table.js';
import { defaultHopLimit, dialler, neighboursOf } from '../topology/topology.js';
import type { SwarmConfig } from '../wire/control.js';
import { MAX_HOPS } from '../wire/head.js';

export class TopologyRoutes {
  readonly #selfId: string;
  readonly #view: MembershipView;
  #config: Pick<SwarmConfig, 'topology' | 'fanOut'> = { topology: 'mesh', fanOut: 4 };
  #table: RouteTable | undefined;
  #hopLimit: number | undefined;

  constructor(selfId: string, view: MembershipView) {
    this.#selfId = selfId;
    this.#view = view;
  }

  configure(config: SwarmConfig): void {
    this.#config = config;
    this.changed();
  }

  /** The view has changed. */
  changed(): void {
    this.#table = undefined;
    this.#hopLimit = undefined;
  }

  /** How many members an exchange that begins here may pass. */
  get hopLimit(): number {
    const { topology, fanOut } = this.#config;
    this.#hopLimit ??= Math.min(MAX_HOPS, defaultHopLimit(topology, this.#view.size, fanOut));
    return this.#hopLimit;
  }

  /** The next member on the way to a destination; see {@link RouteTable.forward}. */
  forward(destination: string, trail: readonly string[], isUp: (member: string) => boolean): string | undefined {
    const { topology, fanOut } = this.#config;
    this.#table ??= new RouteTable(topology, this.#view.order, this.#selfId, fanOut);
    return this.#table.forward(destination, trail, isUp);
  }

  /** Members that this one is to hold a connection to. */
  neighbours(): readonly string[] {
    const { topology, fanOut } = this.#config;
    return neighboursOf(topology, this.#view.order, this.#selfId, fanOut);
  }

  /** Whether this member dials that neighbour, and not the other way round. */
  dials(neighbour: string): boolean {
    return dialler(this.#selfId, neighbour) === this.#selfId;
  }
}
