/** Leases: a member from which nothing has come for a lease is given up. Any traffic renews; the PINGs of its connection see to some. */

import type { Clock } from '../../quic/index.js';
import { Looks } from '../link/looks.js';
import type { PresentMember } from './registry.js';

/** Looks at each lease this often. */
const LOOKS_PER_LEASE = 10;

export class LeaseWatch {
  readonly #interval: number;
  readonly #lease: number;
  readonly #present: ReadonlyMap<string, PresentMember>;
  readonly #expired: (id: string, member: PresentMember) => void;
  readonly #look: (id: string, member: PresentMember) => void;
  readonly #looks: Looks;

  constructor(
    clock: Clock,
    lease: number,
    present: ReadonlyMap<string, PresentMember>,
    on: { expired(id: string, member: PresentMember): void; look(id: string, member: PresentMember): void },
  ) {
    this.#lease = lease;
    this.#interval = lease / LOOKS_PER_LEASE;
    this.#present = present;
    this.#expired = (id, member) => on.expired(id, member);
    this.#look = (id, member) => on.look(id, member);
    this.#looks = new Looks(clock, this.#interval, (now, since) => this.#sweep(now, since));
  }

  /** Begins to look. */
  start(): void {
    this.#looks.start();
  }

  #sweep(now: number, since: number): void {
    // This process was held up itself: what came in the meantime is not all looked at yet.
    const heldUp = since > this.#interval * 3;
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
  }

  stop(): void {
    this.#looks.stop();
  }
}
