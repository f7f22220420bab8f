/** The coordinator's book of members: who is here, what everybody is told of it, and what outlives a restart. */

import type { Clock, ClockTimer } from '../../quic/index.js';
import type { ControlChannel } from '../link/control-channel.js';
import type { Link } from '../link/links.js';
import type { LeaveReason, MembershipView, ViewEvent } from '../membership/view.js';
import type { RateMeter } from '../stats.js';
import { encodeControl, type MemberChange, type MemberRecord } from '../wire/control.js';
import type { Epochs } from './epochs.js';

/** A member that is connected to the coordinator. */
export interface PresentMember {
  readonly link: Link;
  readonly channel: ControlChannel;
  readonly incarnation: number;
  /** Epoch that it knows. */
  epoch: number;
  /** When something last came from it, and how much had come until then. */
  lastHeard: number;
  bytesReceived: number;
  /** Whether its host is where the coordinator sees it, and so follows it when it moves. */
  readonly hostFollows: boolean;
  readonly rates: RateMeter;
  /** Why it goes, once that is known. */
  leaving: LeaveReason | undefined;
}

/** Changes of this long are told together, in milliseconds. */
const BATCH = 20;
/** Loads change all the time, and are told less often. */
const LOAD_BATCH = 1000;

export class Registry {
  readonly present = new Map<string, PresentMember>();
  readonly #view: MembershipView;
  readonly #clock: Clock;
  readonly #changed: (events: readonly ViewEvent[]) => void;
  readonly #epochs: Epochs;
  #pending: { readonly epoch: number; readonly change: MemberChange }[] = [];
  #timer: ClockTimer | undefined;
  #due = 0;
  /** Loads that are to be told with the next batch. */
  readonly #loads = new Map<string, number>();

  constructor(view: MembershipView, clock: Clock, epochs: Epochs, changed: (events: readonly ViewEvent[]) => void) {
    this.#view = view;
    this.#clock = clock;
    this.#epochs = epochs;
    this.#changed = changed;
    view.replace({ epoch: epochs.first, members: [] });
  }

  /** Notes a change: this side is told at once, the agents with the next batch. */
  change(change: MemberChange): void {
    this.#changed(this.enter(change));
  }

  /** The same, but this side is told by the caller, when all is ready for those who hear of it. */
  enter(change: MemberChange): readonly ViewEvent[] {
    const events = this.#note(change);
    this.#schedule(BATCH);
    return events;
  }

  #note(change: MemberChange): readonly ViewEvent[] {
    const after = this.#view.epoch;
    this.#pending.push({ epoch: after + 1, change });
    this.#epochs.reached(after + 1);
    return this.#view.apply({ after, epoch: after + 1, changes: [change] }) ?? [];
  }

  /** Changes some fields of a member. */
  amend(id: string, fields: Partial<MemberRecord>): void {
    const member = this.#view.get(id);
    if (!member) return;
    this.change({ member: { ...toRecord(member), ...fields } });
  }

  /** Notes how many tasks a member has; told with other changes, or by itself within a second. */
  setLoad(id: string, load: number): void {
    if (this.#view.get(id)?.load === load) this.#loads.delete(id);
    else this.#loads.set(id, load);
    if (this.#loads.size > 0) this.#schedule(LOAD_BATCH);
  }

  #schedule(delay: number): void {
    const due = this.#clock.now() + delay;
    if (this.#timer && this.#due <= due) return;
    this.#timer?.cancel();
    this.#due = due;
    this.#timer = this.#clock.setTimer(delay, () => this.flush());
    this.#timer.unref();
  }

  /** Tells all agents what they do not know yet. */
  flush(): void {
    this.stop();
    for (const [id, load] of this.#loads) {
      const member = this.#view.get(id);
      if (member && member.load !== load) {
        this.#changed(this.#note({ member: { ...toRecord(member), load } }));
      }
    }
    this.#loads.clear();
    const changes = this.#pending;
    this.#pending = [];
    if (changes.length === 0) return;
    const epoch = this.#view.epoch;
    const encoded = new Map<number, Uint8Array>();
    for (const member of this.present.values()) {
      const after = member.epoch;
      if (after >= epoch) continue;
      let bytes = encoded.get(after);
      if (!bytes) {
        const unknown = changes.filter((entry) => entry.epoch > after).map(({ change }) => change);
        bytes = encodeControl({ t: 'view', delta: { after, epoch, changes: unknown } });
        encoded.set(after, bytes);
      }
      member.epoch = epoch;
      member.channel.sendEncoded(bytes);
    }
  }

  /** Everybody, for a member that knows nothing yet. */
  snapshot(): { epoch: number; members: MemberRecord[] } {
    return { epoch: this.#view.epoch, members: this.#view.list().map(toRecord) };
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

/** A member as it is told: arrays of its own. */
export function toRecord(
  member: Omit<MemberRecord, 'capabilities' | 'topics'> & {
    readonly capabilities: readonly string[];
    readonly topics: readonly string[];
  },
): MemberRecord {
  const { id, incarnation, role, capabilities, concurrency, host, port, fingerprint, topics, load, awaited } = member;
  return {
    id,
    incarnation,
    role,
    capabilities: [...capabilities],
    concurrency,
    host,
    port,
    fingerprint,
    topics: [...topics],
    load,
    ...(awaited && { awaited }),
  };
}
