/** The membership of a swarm as one member sees it: a snapshot, then changes in the order of their epochs. */

import type { MemberChange, MemberRecord, ViewDelta, ViewSnapshot } from '../wire/control.js';

/** A member of the swarm. */
export interface MemberInfo {
  readonly id: string;
  /** Grows each time the member joins again. One that a restarted coordinator has back in time keeps it. */
  readonly incarnation: number;
  /** `coordinator`, `worker`, `aggregator`, `validator`, or any other word. */
  readonly role: string;
  readonly capabilities: readonly string[];
  /** Tasks that it takes at a time. */
  readonly concurrency: number;
  /** Where other members reach it; port 0: they cannot, and go by way of others. */
  readonly host: string;
  readonly port: number;
  /** SHA-256 of its certificate, in hex. */
  readonly fingerprint: string;
  /** Topics that it listens to. */
  readonly topics: readonly string[];
  /** Tasks that it has at the moment, as the coordinator last told. */
  readonly load: number;
  /**
   * True while the coordinator has been restarted and waits for the member to come back: it is a member as before, reached by the others over
   * the connections that they have, but is given no tasks. Absent else.
   */
  readonly awaited?: true | undefined;
}

/** Why a member is no longer one. */
export type LeaveReason = 'left' | 'lost' | 'evicted' | 'replaced';

/** What a change of the view did. */
export type ViewEvent =
  | { readonly type: 'joined'; readonly member: MemberInfo }
  | { readonly type: 'changed'; readonly member: MemberInfo; readonly before: MemberInfo }
  | { readonly type: 'left'; readonly member: MemberInfo; readonly reason: LeaveReason };

export class MembershipView {
  #epoch = 0;
  #members = new Map<string, MemberInfo>();
  readonly #byFingerprint = new Map<string, string>();
  #order: readonly string[] | undefined;

  /** Grows with every change. */
  get epoch(): number {
    return this.#epoch;
  }

  get size(): number {
    return this.#members.size;
  }

  /** Ids in the order of joining, the same at all members; the coordinator is first. */
  get order(): readonly string[] {
    this.#order ??= [...this.#members.keys()];
    return this.#order;
  }

  get(id: string): MemberInfo | undefined {
    return this.#members.get(id);
  }

  has(id: string): boolean {
    return this.#members.has(id);
  }

  byFingerprint(fingerprint: string): MemberInfo | undefined {
    const id = this.#byFingerprint.get(fingerprint);
    return id === undefined ? undefined : this.#members.get(id);
  }

  list(): MemberInfo[] {
    return [...this.#members.values()];
  }

  /** Takes a snapshot in place of everything known; what differs is told as events. */
  replace(snapshot: ViewSnapshot): ViewEvent[] {
    const before = this.#members;
    this.#members = new Map();
    this.#byFingerprint.clear();
    this.#order = undefined;
    this.#epoch = snapshot.epoch;
    const events: ViewEvent[] = [];
    for (const record of snapshot.members) {
      const old = before.get(record.id);
      before.delete(record.id);
      events.push(...this.#put(record, old));
    }
    const gone = [...before.values()].map((member): ViewEvent => ({ type: 'left', member, reason: 'left' }));
    return [...gone, ...events];
  }

  /** Applies a change. `undefined`: something before it is missing, and a snapshot is needed. */
  apply(delta: ViewDelta): ViewEvent[] | undefined {
    if (delta.after !== this.#epoch) return undefined;
    this.#epoch = delta.epoch;
    return delta.changes.flatMap((change) => this.#change(change));
  }

  #change(change: MemberChange): ViewEvent[] {
    if ('member' in change) return this.#put(change.member, this.#members.get(change.member.id));
    const member = this.#members.get(change.left);
    if (!member) return [];
    this.#forget(member);
    return [{ type: 'left', member, reason: change.reason }];
  }

  #put(record: MemberRecord, old: MemberInfo | undefined): ViewEvent[] {
    const member: MemberInfo = record;
    const events: ViewEvent[] = [];
    let before = old;
    if (before && before.incarnation !== member.incarnation) {
      // Another life of the same id: it stands where it joined now, not where it stood.
      if (this.#members.get(before.id) === before) this.#forget(before);
      events.push({ type: 'left', member: before, reason: 'replaced' });
      before = undefined;
    }
    if (!this.#members.has(member.id)) this.#order = undefined;
    this.#members.set(member.id, member);
    this.#byFingerprint.set(member.fingerprint, member.id);
    events.push(before ? { type: 'changed', member, before } : { type: 'joined', member });
    return events;
  }

  #forget(member: MemberInfo): void {
    this.#members.delete(member.id);
    if (this.#byFingerprint.get(member.fingerprint) === member.id) this.#byFingerprint.delete(member.fingerprint);
    this.#order = undefined;
  }
}
