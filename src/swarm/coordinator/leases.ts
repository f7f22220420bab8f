/** Leases: a member from which nothing has come for a lease is given up. Any traffic renews; the PINGs of its connection see to some. */

import type { Clock, ClockTimer } from '../../quic/index.js';
import type { PresentMember } from './registry.js';

/** Looks at each lease this often. */
const LOOKS_PER_LEASE = 10;

export class LeaseWatch {
  readonly #clock: Clock;
  readonly #interval: number;
  readonly #lease: number;
  readonly #present: ReadonlyMap<string, PresentMember>;
  readonly #expired: (id: string, member: PresentMember) => void;
  readonly #look: (id: string, member: PresentMember) => void;
  #timer: ClockTimer | undefined;
  #lastLook: number;

  constructor(
    clock: Clock,
    lease: number,
    present: ReadonlyMap<string, PresentMember>,
    on: { expired(id: string, member: PresentMember): void; look(id: string, member: PresentMember): void },
  ) {
    this.#clock = clock;
    this.#lease = lease;
    this.#interval = lease / LOOKS_PER_LEASE;
    this.#present = present;
    this.#expired = (id, member) => on.expired(id, member);
    this.#look = (id, member) => on.look(id, member);
    this.#lastLook = clock.now();
  }

  /** Begins to look. */
  start(): void {
    this.#lastLook = this.#clock.now();
    this.#arm();
  }

  #arm(): void {
    this.#timer = this.#clock.setTimer(this.#interval, () => {
      // What has arrived meanwhile is taken first, so that nobody is given up whose packets lie in the socket.
      this.#clock.soon(() => this.#sweep());
    });
    this.#timer.unref();
  }

  #sweep(): void {
    if (!this.#timer) return;
    const now = this.#clock.now();
    // This process was held up itself: what came in the meantime is not all looked at yet.
    const heldUp = now - this.#lastLook > this.#interval * 3;
    this.#lastLook = now;
    for (const [id, member] of this.#present) {
      const { bytesSent, bytesReceived } = member.link.connection.stats();
      member.rates.sample(now, bytesSent, bytesReceived);
      if (heldUp || bytesReceived !== member.bytesReceived) {
        member.bytesReceived = bytesReceived;
        member.lastHeard = now;
      } else if (now - member.lastHeard > this.#lease) {
        this.#expired(id, member);
        continue;
      }
      this.#look(id, member);
    }
    this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
