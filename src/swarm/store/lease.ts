import type { Clock, ClockTimer } from '../../quic/types/udp.js';
import { SwarmError } from '../errors.js';
import type { StoreLease } from './store.js';

/** How a store ends a lease: deletes its entries, and resolves when that is durable. */
export type EndLease = (lease: Lease) => Promise<void>;

/** A lease with its timer, which is not moved at each renewal: one that fires early looks once and re-arms itself. */
export class Lease implements StoreLease {
  readonly id: number;
  readonly ttl: number;
  /** Keys of the entries that live by it. */
  readonly keys = new Set<string>();
  readonly #clock: Clock;
  readonly #end: EndLease;
  #deadline: number;
  #timer: ClockTimer | undefined;
  #why: SwarmError | undefined;

  constructor(id: number, ttl: number, clock: Clock, end: EndLease) {
    this.id = id;
    this.ttl = ttl;
    this.#clock = clock;
    this.#end = end;
    this.#deadline = clock.now() + ttl;
    this.#arm(ttl);
  }

  /** Why it has ended; `undefined` while it lives. */
  get ended(): SwarmError | undefined {
    return this.#why;
  }

  async renew(): Promise<void> {
    if (this.#why) throw this.#why;
    this.#deadline = this.#clock.now() + this.ttl;
  }

  async revoke(): Promise<void> {
    if (this.#why) return;
    this.stop(`Lease ${this.id} was revoked.`);
    await this.#end(this);
  }

  /** Ends it without touching its entries. */
  stop(why: string): void {
    this.#why ??= new SwarmError('ERR_SWARM_STORE', why);
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(delay: number): void {
    this.#timer = this.#clock.setTimer(delay, () => this.#due());
    this.#timer.unref();
  }

  #due(): void {
    const wait = this.#deadline - this.#clock.now();
    if (wait > 0) {
      this.#arm(wait);
      return;
    }
    this.#clock.soon(() => {
      if (this.#why) return;
      const left = this.#deadline - this.#clock.now();
      if (left > 0) {
        this.#arm(left);
        return;
      }
      this.stop(`Lease ${this.id} ended: it was not renewed for ${this.ttl} ms.`);
      // The store goes on trying; its own calls tell what is wrong with it.
      this.#end(this).catch(() => undefined);
    });
  }
}
