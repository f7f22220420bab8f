import { canonicalAddress, isLoopbackAddress } from './addresses.js';
import { changeConditions, DEFAULT_CONDITIONS } from './conditions.js';
import type { LinkConditions } from './conditions.js';
import { LinkDirection } from './direction.js';
import type { SimHost } from './host.js';
import { SimLink } from './link.js';
import type { SimNat } from './nat.js';
import type { SimRandom } from './random.js';
import type { SocketAddress } from '../../quic/types/udp.js';

/** Where a datagram goes. */
export interface Route {
  readonly host: SimHost;
  /** The NAT that it has to pass on its way in. */
  readonly nat: SimNat | undefined;
}

/** Who has which address, and by which link one reaches another. */
export class Topology {
  readonly #hosts = new Map<string, SimHost>();
  readonly #natsOutside = new Map<string, SimNat>();
  readonly #natsInside = new Map<SimHost, SimNat>();
  readonly #directions = new Map<string, LinkDirection>();
  readonly #links = new Map<string, SimLink>();
  /** Directions by sender and receiver; forgotten at each change of addresses or links. */
  readonly #found = new Map<string, LinkDirection>();
  readonly #random: SimRandom;
  #defaults: LinkConditions;

  constructor(conditions: Partial<LinkConditions>, random: SimRandom) {
    this.#defaults = changeConditions(DEFAULT_CONDITIONS, conditions);
    this.#random = random;
  }

  /** Gives an address to a host. */
  claim(address: string, host: SimHost): void {
    this.#checkFree(address);
    this.#hosts.set(address, host);
    this.#found.clear();
  }

  release(address: string): void {
    this.#hosts.delete(address);
    this.#found.clear();
  }

  claimNat(address: string, nat: SimNat): void {
    this.#checkFree(address);
    this.#natsOutside.set(address, nat);
    this.#natsInside.set(nat.inside, nat);
    this.#found.clear();
  }

  releaseNat(address: string): void {
    this.#natsOutside.delete(address);
    this.#found.clear();
  }

  natOf(host: SimHost): SimNat | undefined {
    return this.#natsInside.get(host);
  }

  /** The host that has an address; undefined when nobody has. */
  hostAt(address: string): SimHost | undefined {
    return this.#hosts.get(address);
  }

  /** The host that `address` leads to, for a datagram from `sender`. */
  route(sender: SimHost, address: string): Route | undefined {
    if (isLoopbackAddress(address)) return { host: sender, nat: undefined };
    const host = this.#hosts.get(address);
    if (host !== undefined) return { host, nat: undefined };
    const nat = this.#natsOutside.get(address);
    return nat && { host: nat.inside, nat };
  }

  /** The link between two ends, made when there is none. */
  link(a: SimHost | string, b: SimHost | string): SimLink {
    const [from, to] = [endOf(a), endOf(b)];
    let link = this.#links.get(`${from} > ${to}`);
    if (link !== undefined) return link;
    const there = this.#direction(from, to);
    const back = this.#direction(to, from);
    link = new SimLink(there, back);
    this.#links.set(`${from} > ${to}`, link);
    this.#links.set(`${to} > ${from}`, new SimLink(back, there));
    this.#found.clear();
    return link;
  }

  /** The direction that datagrams between two addresses take: that of the most particular link there is. */
  directionOf(
    sender: SimHost,
    local: SocketAddress,
    from: SocketAddress,
    to: SocketAddress,
    route: Route,
  ): LinkDirection {
    const key = `${sender.name} ${local.address} ${from.address} ${to.address}`;
    let direction = this.#found.get(key);
    if (direction === undefined) {
      direction = this.#search([local.address, from.address], sender, to.address, route);
      this.#found.set(key, direction);
    }
    return direction;
  }

  /** Changes the conditions of all links that exist and of those to come. */
  setAll(changes: Partial<LinkConditions>): void {
    this.#defaults = changeConditions(this.#defaults, changes);
    for (const direction of this.#directions.values()) direction.set(changes);
  }

  #search(froms: readonly string[], sender: SimHost, to: string, { host, nat }: Route): LinkDirection {
    const tos = nat === undefined ? [to] : [to, ...host.addresses];
    const pairs = [
      ...froms.flatMap((from) => tos.map((end) => [from, end])),
      ...froms.map((from) => [from, endOf(host)]),
      ...tos.map((end) => [endOf(sender), end]),
    ];
    for (const [from, end] of pairs) {
      const found = this.#directions.get(`${from} > ${end}`);
      if (found !== undefined) return found;
    }
    return this.link(sender, host).there;
  }

  #direction(from: string, to: string): LinkDirection {
    const name = `${from} > ${to}`;
    let direction = this.#directions.get(name);
    if (direction === undefined) {
      direction = new LinkDirection(this.#defaults, this.#random.fork(name));
      this.#directions.set(name, direction);
    }
    return direction;
  }

  #checkFree(address: string): void {
    const holder = this.#hosts.get(address) ?? this.#natsOutside.get(address)?.inside;
    if (holder !== undefined) throw new RangeError(`The host ${holder.name} has the address ${address} already`);
  }
}

/** How an end of a link is written down: a host by its name, which no address can be. */
function endOf(end: SimHost | string): string {
  return typeof end === 'string' ? canonicalAddress(end) : `host ${end.name}`;
}
