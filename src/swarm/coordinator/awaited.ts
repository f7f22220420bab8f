/** Members that a restarted coordinator has back from its store, until they come back to it or their time is over. */

import type { Clock, ClockTimer } from '../../quic/index.js';

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

/** What those wait for who want an id that is awaited. */
interface Decision {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

export class AwaitedMembers {
  readonly #host: AwaitedHost;
  readonly #ids = new Set<string>();
  readonly #decisions = new Map<string, Decision>();
  readonly #wait: number;
  #timer: ClockTimer | undefined;
  #deadline = 0;
  #latest = 0;
  #lastLook = 0;

  constructor(host: AwaitedHost) {
    this.#host = host;
    this.#wait = Math.max(host.lease, SHORTEST_WAIT);
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
    this.#lastLook = now;
    this.#deadline = now + this.#wait;
    this.#latest = now + LONGEST_WAITS * this.#wait;
    this.#arm();
  }

  /** Waits for one no more: it is back, or it is gone. Whether it was awaited. */
  settle(id: string): boolean {
    const wasAwaited = this.#ids.delete(id);
    this.#decisions.get(id)?.resolve();
    this.#decisions.delete(id);
    if (this.#ids.size === 0) this.#cancel();
    return wasAwaited;
  }

  /** Resolves when a member is not awaited any more. */
  decided(id: string): Promise<void> {
    if (!this.#ids.has(id)) return Promise.resolve();
    let decision = this.#decisions.get(id);
    if (!decision) {
      let resolve = (): void => undefined;
      const promise = new Promise<void>((resolved) => (resolve = resolved));
      decision = { promise, resolve };
      this.#decisions.set(id, decision);
    }
    return decision.promise;
  }

  /** Waits for nobody any more, and tells nobody of them. */
  stop(): void {
    for (const id of this.ids()) this.settle(id);
  }

  #cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  get #interval(): number {
    return this.#wait / LOOKS_PER_WAIT;
  }

  #arm(): void {
    const { clock } = this.#host;
    this.#timer = clock.setTimer(this.#interval, () => {
      // What has arrived meanwhile is taken first: whoever knocks already is not given up.
      clock.soon(() => this.#look());
    });
    this.#timer.unref();
  }

  #look(): void {
    if (!this.#timer) return;
    const now = this.#host.clock.now();
    const heldUp = now - this.#lastLook - this.#interval;
    this.#lastLook = now;
    // Time in which this process did nothing is nobody's fault.
    if (heldUp > 2 * this.#interval) this.#deadline += heldUp;
    if (now < this.#deadline || (this.#host.isAdmitting() && now < this.#latest)) {
      this.#arm();
      return;
    }
    for (const id of this.ids()) if (this.settle(id)) this.#host.expired(id);
  }
}
