/** Keeps the store up to date with what the view says of members: changes are written a moment later, many in one batch. */

import type { Clock, ClockTimer } from '../../quic/index.js';
import type { MemberInfo, MembershipView } from '../membership/view.js';
import type { MemberBook, SavedMember, SavedPlace } from './member-book.js';

/** Changes of this long are written together, in milliseconds. What is lost with the process, members say again when they come back. */
const BATCH = 50;

/** What the places are taken from. */
export interface PlacesHost {
  readonly clock: Clock;
  readonly view: MembershipView;
  readonly book: MemberBook;
  /** Whether a member is just being let in: what is written of it then is admission's business. */
  isAdmitting(id: string): boolean;
  storeFailed(error: unknown): void;
}

export class Places {
  readonly #host: PlacesHost;
  readonly #changed = new Set<string>();
  #timer: ClockTimer | undefined;

  constructor(host: PlacesHost) {
    this.#host = host;
  }

  /** Something about a member has changed, or it is gone. */
  changed(id: string): void {
    this.#changed.add(id);
    this.#arm();
  }

  #arm(): void {
    this.#timer ??= this.#host.clock.setTimer(BATCH, () => {
      this.#timer = undefined;
      this.#write().catch((error: unknown) => this.#host.storeFailed(error));
    });
    this.#timer.unref();
  }

  async #write(): Promise<void> {
    const { book, view } = this.#host;
    const records: SavedMember[] = [];
    for (const id of [...this.#changed]) {
      if (this.#host.isAdmitting(id)) continue;
      this.#changed.delete(id);
      const saved = book.get(id);
      if (saved) records.push({ ...saved, place: placeIn(view.get(id), saved) });
    }
    if (this.#changed.size > 0) this.#arm();
    if (records.length > 0) await book.save(...records);
  }

  /** Writes no more by itself. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#changed.clear();
  }
}

function placeIn(member: MemberInfo | undefined, saved: SavedMember): SavedPlace | undefined {
  return member && placeOf(member, saved.place?.seat ?? 0);
}

/** What is kept of a member while it is in the swarm. */
export function placeOf(
  member: Pick<MemberInfo, 'capabilities' | 'concurrency' | 'host' | 'port' | 'topics'>,
  seat: number,
): SavedPlace {
  const { capabilities, concurrency, host, port, topics } = member;
  return { seat, capabilities: [...capabilities], concurrency, host, port, topics: [...topics] };
}
