/**
 * The connections between agents that the topology asks for: dialled, taken, and closed when the view changes. Members recognise
 * each other by their certificates, whose fingerprints the view holds. (Connections to the coordinator are the control code's.)
 */

import type { ClockTimer, QuicConnection } from '../../quic/index.js';
import type { MemberCore } from '../member-core.js';
import type { MemberInfo } from '../membership/view.js';
import { fingerprintOf } from '../security/identity.js';
import { DEFAULT_LEASE } from '../options.js';
import { CLOSE_CODE, FRAME } from '../wire/codes.js';
import { MAX_COORDINATOR_CONTROL_BYTES, protocolError, type Frame } from '../wire/frames.js';
import type { SwarmEndpoint } from './endpoint.js';
import { FrameStream } from './frame-stream.js';
import { Link } from './links.js';

const FIRST_BACKOFF = 50;
const LONGEST_BACKOFF = 5000;

/** A neighbour that is being dialled. */
interface Dialling {
  readonly incarnation: number;
  readonly abort: AbortController;
  attempt: number;
  timer: ClockTimer | undefined;
}

/** A connection of somebody who may be a member that the view does not name yet. */
interface Stranger {
  readonly connection: QuicConnection;
  /** Ends the wait for its first stream. */
  readonly identified: AbortController;
  /** The first exchange, which came before the view did. */
  early: { readonly stream: FrameStream; readonly head: Frame } | undefined;
}

/** Takes connections whose first stream is a control stream: those of a coordinator. */
export type InviteTaker = (connection: QuicConnection, stream: FrameStream, first: Frame) => void;

export class Overlay {
  readonly #core: MemberCore;
  readonly #endpoint: () => SwarmEndpoint;
  readonly #dialling = new Map<string, Dialling>();
  /** Connections of members that the view does not know yet, by fingerprint. */
  readonly #strangers = new Map<string, Stranger>();
  #stopped = false;

  constructor(core: MemberCore, endpoint: () => SwarmEndpoint) {
    this.#core = core;
    this.#endpoint = endpoint;
    core.emitter.on('linkDown', (id) => this.#lookAt(id));
  }

  /** This member has joined again: to the others it is another incarnation, whose connections they make and take anew. */
  reset(): void {
    for (const { id } of this.#core.links.list()) {
      if (id !== this.#core.coordinatorId) this.#core.links.drop(id, CLOSE_CODE.replaced, 'another incarnation');
    }
  }

  /** The view, or the topology, has changed. */
  update(): void {
    if (this.#stopped) return;
    const wanted = this.#wanted();
    for (const [fingerprint, stranger] of this.#strangers) this.#identify(fingerprint, stranger);
    for (const { id } of this.#core.links.list()) {
      if (wanted.has(id) || id === this.#core.coordinatorId) continue;
      this.#core.links.drop(id, CLOSE_CODE.unneeded, 'not needed any more');
    }
    for (const [id, dialling] of this.#dialling) {
      if (wanted.get(id)?.incarnation !== dialling.incarnation) this.#giveUp(id, dialling);
    }
    for (const member of wanted.values()) this.#dialIfMissing(member);
  }

  #wanted(): Map<string, MemberInfo> {
    const wanted = new Map<string, MemberInfo>();
    for (const id of this.#core.routes.neighbours()) {
      const member = this.#core.view.get(id);
      if (member && id !== this.#core.coordinatorId) wanted.set(id, member);
    }
    return wanted;
  }

  #lookAt(id: string): void {
    if (this.#stopped) return;
    const member = this.#wanted().get(id);
    if (member) this.#dialIfMissing(member);
  }

  #dialIfMissing(member: MemberInfo): void {
    const { id, port, incarnation, fingerprint } = member;
    const { links, routes } = this.#core;
    const link = links.get(id);
    if (link && !isOf(link.connection, fingerprint)) links.drop(id, CLOSE_CODE.replaced, 'another incarnation');
    else if (link) return;
    if (port === 0 || !routes.dials(id) || this.#dialling.has(id)) return;
    const dialling: Dialling = { incarnation, abort: new AbortController(), attempt: 0, timer: undefined };
    this.#dialling.set(id, dialling);
    void this.#dial(member, dialling);
  }

  async #dial(member: MemberInfo, dialling: Dialling): Promise<void> {
    const { id, host, port, fingerprint } = member;
    const { signal } = dialling.abort;
    try {
      const connection = await this.#endpoint().dial(host, port, { fingerprint, signal });
      if (this.#dialling.get(id) === dialling) this.#dialling.delete(id);
      if (signal.aborted) void connection.close({ code: CLOSE_CODE.unneeded, drainTimeout: 0 });
      else this.#add(id, connection);
    } catch {
      // The member may be gone, which the coordinator will tell; or not reachable from here, and others lead to it.
      if (signal.aborted || this.#stopped) return;
      const delay = Math.min(FIRST_BACKOFF * 2 ** dialling.attempt++, LONGEST_BACKOFF) * (0.5 + Math.random() / 2);
      dialling.timer = this.#core.clock.setTimer(delay, () => {
        const now = this.#core.view.get(id);
        if (now?.incarnation === dialling.incarnation) void this.#dial(now, dialling);
        else this.#giveUp(id, dialling);
      });
      dialling.timer.unref();
    }
  }

  #giveUp(id: string, dialling: Dialling): void {
    dialling.timer?.cancel();
    dialling.abort.abort();
    if (this.#dialling.get(id) === dialling) this.#dialling.delete(id);
  }

  #add(id: string, connection: QuicConnection): Link {
    const link = new Link(id, connection, this.#core.limits.maxMessageBytes);
    this.#core.addLink(link);
    return link;
  }

  /**
   * A connection that somebody else made. Who is not in the view may be about to be; it is kept for two leases.
   *
   * @param invited gets connections of coordinators; without it they are strangers as well
   */
  accept(connection: QuicConnection, invited?: InviteTaker): void {
    const [certificate] = connection.peerCertificates;
    if (this.#stopped || !certificate) {
      void connection.close({ code: CLOSE_CODE.unknownMember, reason: 'no certificate', drainTimeout: 0 });
      return;
    }
    const fingerprint = fingerprintOf(certificate);
    const stranger: Stranger = { connection, identified: new AbortController(), early: undefined };
    if (this.#identify(fingerprint, stranger)) return;
    this.#strangers.get(fingerprint)?.connection.destroy(undefined, CLOSE_CODE.replaced);
    this.#strangers.set(fingerprint, stranger);
    const timer = this.#core.clock.setTimer(2 * (this.#core.config?.lease ?? DEFAULT_LEASE), () => {
      if (this.#strangers.get(fingerprint) !== stranger) return;
      this.#strangers.delete(fingerprint);
      void connection.close({ code: CLOSE_CODE.unknownMember, reason: 'not a member', drainTimeout: 0 });
    });
    timer.unref();
    void connection.closed.then(() => {
      timer.cancel();
      if (this.#strangers.get(fingerprint) === stranger) this.#strangers.delete(fingerprint);
    });
    if (invited)
      this.#readFirst(fingerprint, stranger, invited).catch(() => connection.destroy(undefined, CLOSE_CODE.protocol));
  }

  /** What a stranger begins with tells a coordinator from a member. */
  async #readFirst(fingerprint: string, stranger: Stranger, invited: InviteTaker): Promise<void> {
    const { connection, identified } = stranger;
    const quicStream = await connection.acceptStream({ signal: identified.signal }).catch(() => undefined);
    if (!quicStream) return;
    const stream = new FrameStream(
      quicStream,
      'a stranger',
      this.#core.limits.maxMessageBytes,
      MAX_COORDINATOR_CONTROL_BYTES,
    );
    const first = await stream.read();
    if (!first) throw protocolError('a stream without a frame');
    if (first.kind !== FRAME.control) {
      stranger.early = { stream, head: first };
      this.#identify(fingerprint, stranger);
      return;
    }
    if (this.#strangers.get(fingerprint) === stranger) this.#strangers.delete(fingerprint);
    invited(connection, stream, first);
  }

  #identify(fingerprint: string, stranger: Stranger): boolean {
    const member = this.#core.view.byFingerprint(fingerprint);
    if (!member || member.id === this.#core.coordinatorId) return false;
    this.#strangers.delete(fingerprint);
    stranger.identified.abort();
    const link = this.#add(member.id, stranger.connection);
    if (stranger.early) this.#core.incoming.begin(stranger.early.head, stranger.early.stream, link);
    return true;
  }

  stop(): void {
    this.#stopped = true;
    for (const [id, dialling] of this.#dialling) this.#giveUp(id, dialling);
    for (const { connection } of this.#strangers.values()) connection.destroy(undefined, CLOSE_CODE.left);
    this.#strangers.clear();
  }
}

function isOf(connection: QuicConnection, fingerprint: string): boolean {
  const [certificate] = connection.peerCertificates;
  return certificate !== undefined && fingerprintOf(certificate) === fingerprint;
}
