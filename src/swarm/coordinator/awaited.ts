/** Members that a restarted coordinator has back from its store, until they come back to it or their time is over. */

import type { Clock } from '../../quic/index.js';
import { Waiter } from '../../quic/waiter.js';
import { Looks } from '../link/looks.js';

/** Agents look for their coordinator about once a second, so shorter leases than this do not count, in milliseconds. */
const SHORTEST_WAIT = 3000;
/** Looks at the time this often while it waits. */
const LOOKS_PER_WAIT = 10;
/** A coordinator that is busy letting members in waits this many times as long at most. */
const LONGEST_WAITS = 10;

/** What the wait looks at, and whom it tells. */
export interface AwaitedHost {
  readonly clock: Clock;
  /** Milliseconds. */
  readonly lease: number;
  /** Whether somebody is just being let in. */
  isAdmitting(): boolean;
  /** A member did not come back in time. It is not awaited any more. */
  expired(id: string): void;
}

export class AwaitedMembers {
  readonly #host: AwaitedHost;
  readonly #ids = new Set<string>();
  /** What those wait for who want an id that is awaited. */
  readonly #decisions = new Map<string, Waiter<void>>();
  readonly #wait: number;
  readonly #interval: number;
  readonly #looks: Looks;
  #deadline = 0;
  #latest = 0;

  constructor(host: AwaitedHost) {
    this.#host = host;
    this.#wait = Math.max(host.lease, SHORTEST_WAIT);
    this.#interval = this.#wait / LOOKS_PER_WAIT;
    this.#looks = new Looks(host.clock, this.#interval, (now, since) => this.#look(now, since));
  }

  get size(): number {
    return this.#ids.size;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  ids(): readonly string[] {
    return [...this.#ids];
  }

  /** Milliseconds until those who have not come back are dead. */
  get timeLeft(): number {
    return Math.max(0, this.#deadline - this.#host.clock.now());
  }

  /** Waits for these from now on. */
  start(ids: readonly string[]): void {
    if (ids.length === 0) return;
    for (const id of ids) this.#ids.add(id);
    const now = this.#host.clock.now();
    this.#deadline = now + this.#wait;
    this.#latest = now + LONGEST_WAITS * this.#wait;
    this.#looks.start();
  }

  /** Waits for one no more: it is back, or it is gone. Whether it was awaited. */
  settle(id: string): boolean {
    const wasAwaited = this.#ids.delete(id);
    this.#decisions.get(id)?.resolve();
    this.#decisions.delete(id);
    if (this.#ids.size === 0) this.#looks.stop();
    return wasAwaited;
  }

  /** Resolves when a member is not awaited any more. */
  decided(id: string): Promise<void> {
    if (!this.#ids.has(id)) return Promise.resolve();
    let decision = this.#decisions.get(id);
    if (!decision) {
      decision = new Waiter<void>();
      this.#decisions.set(id, decision);
    }
    return decision.promise;
  }

  /** Waits for nobody any more, and tells nobody of them. */
  stop(): void {
    for (const id of this.ids()) this.settle(id);
  }

  #look(now: number, since: number): void {
    const heldUp = since - this.#interval;
    // Time in which this process did nothing is nobody's fault.
    if (heldUp > 2 * this.#interval) this.#deadline += heldUp;
    if (now < this.#deadline || (this.#host.isAdmitting() && now < this.#latest)) return;
    for (const id of this.ids()) if (this.settle(id)) this.#host.expired(id);
  }
}
