import type { SocketAddress } from '../../quic/types/udp.js';

import { familyOf } from './addresses.js';
import type { SimHost } from './host.js';

const FIRST_PORT = 20_000;

/**
 * Network address translation in front of a host: what the host sends comes from the outside address, with a port for
 * each of its sockets, and comes back to it by that port, whoever sends it. Addresses of the other IP version pass as
 * they are.
 */
export class SimNat {
  readonly inside: SimHost;
  #outside: string;
  readonly #outward = new Map<string, number>();
  readonly #inward = new Map<number, SocketAddress>();
  #nextPort = FIRST_PORT;
  readonly #onMove: (nat: SimNat, from: string, to: string) => void;

  /** @internal Use {@link SimNetwork.nat}. */
  constructor(inside: SimHost, outside: string, onMove: (nat: SimNat, from: string, to: string) => void) {
    this.inside = inside;
    this.#outside = outside;
    this.#onMove = onMove;
  }

  /** The address that others see. */
  get outside(): string {
    return this.#outside;
  }

  /** Forgets all mappings: what the host sends next comes from new ports, and what goes to the old ones vanishes. */
  rebindPort(): void {
    this.#outward.clear();
    this.#inward.clear();
  }

  /** As {@link rebindPort}, and the outside address becomes another one. */
  rebindAddress(outside: string): void {
    this.rebindPort();
    const before = this.#outside;
    this.#outside = outside;
    this.#onMove(this, before, outside);
  }

  /** @internal The sender as others see it; makes a mapping when there is none. */
  outward(from: SocketAddress): SocketAddress {
    const family = familyOf(this.#outside);
    if (family !== from.family) return from;
    const key = `${from.address} ${from.port}`;
    let port = this.#outward.get(key);
    if (port === undefined) {
      port = this.#nextPort++;
      this.#outward.set(key, port);
      this.#inward.set(port, from);
    }
    return { address: this.#outside, port, family };
  }

  /** @internal The host's own address behind a port; undefined when there is no such mapping. */
  inward(port: number): SocketAddress | undefined {
    return this.#inward.get(port);
  }
}
