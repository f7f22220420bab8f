/** Which way exchanges go: straight where there is a link, else along the topology, else by way of the coordinator. */

import { SwarmError } from '../errors.js';
import type { MembershipView } from '../membership/view.js';
import type { ExchangeHead } from '../wire/head.js';
import type { FrameStream, Outgoing } from './frame-stream.js';
import type { Deadlines } from './deadlines.js';
import type { Link, Links } from './links.js';
import { Patience } from './patience.js';
import type { TopologyRoutes } from './topology-routes.js';
import { pipeBoth } from './pipe.js';
import { answerError } from './errors.js';

/** What a router looks at. */
export interface RouterHost {
  readonly selfId: string;
  readonly coordinatorId: string | undefined;
  readonly view: MembershipView;
  readonly links: Links;
  readonly routes: TopologyRoutes;
  readonly deadlines: Deadlines;
  /** Resolves when an awaited member is back, or dead; `undefined`: nobody waits for it here. */
  returnOf(id: string): Promise<void> | undefined;
}

/** Where an exchange begins. */
const NO_TRAIL: readonly string[] = [];

export class Router {
  readonly #host: RouterHost;
  /** Exchanges passed on for others, since the start and at the moment. */
  forwarded = 0;
  forwarding = 0;

  constructor(host: RouterHost) {
    this.#host = host;
  }

  get hopLimit(): number {
    return this.#host.routes.hopLimit;
  }

  /**
   * The link that leads towards a member.
   *
   * @param trail members that it has come by, without this one; empty where it begins
   */
  linkTowards(to: string, trail: readonly string[]): Link | undefined {
    const { links } = this.#host;
    const straight = links.get(to);
    if (straight && !trail.includes(to)) return straight;
    const { coordinatorId, routes, view } = this.#host;
    const toCoordinator =
      coordinatorId === undefined || trail.includes(coordinatorId) ? undefined : links.get(coordinatorId);
    // The coordinator is the first to know who has just joined; where an exchange begins, the view decides.
    if (!view.has(to)) return links.get(to) ?? (trail.length > 0 ? toCoordinator : undefined);
    const hop = routes.forward(to, trail, (id) => links.get(id) !== undefined);
    if (hop !== undefined && !trail.includes(hop)) return links.get(hop);
    // Rather than back to where it came from: to the coordinator, which holds a connection to everybody.
    return toCoordinator ?? (hop === undefined ? undefined : links.get(hop));
  }

  /** @throws SwarmError `ERR_SWARM_NO_SUCH_AGENT`, `ERR_SWARM_NO_ROUTE` */
  requireLink(to: string, trail: readonly string[]): Link {
    const link = this.linkTowards(to, trail);
    if (link) return link;
    if (!this.#host.view.has(to)) {
      throw new SwarmError('ERR_SWARM_NO_SUCH_AGENT', `There is no agent ${to} in the swarm; members() lists who is`);
    }
    throw new SwarmError(
      'ERR_SWARM_NO_ROUTE',
      `No connection leads to ${to} at the moment: neither straight, nor by other members; try again when the swarm has repaired itself`,
    );
  }

  /**
   * Begins an exchange of this member with its only value (none: it has no value) and FIN, if that is possible without waiting;
   * `undefined` when it is not. @throws SwarmError
   */
  tryBegin(head: ExchangeHead, value: Outgoing | undefined, signal: AbortSignal | undefined): FrameStream | undefined {
    signal?.throwIfAborted();
    if (this.#returnOf(head.to, NO_TRAIL)) return undefined;
    const link = this.requireLink(head.to, NO_TRAIL);
    const stream = link.tryOpen();
    if (!stream) return undefined;
    const bytes = link.heads.encode(head);
    try {
      if (value !== undefined) stream.writeLastFrame(value, bytes)?.catch(() => undefined);
      else {
        const full = stream.writeBytes(bytes);
        if (full) full.then(() => stream.finish()).catch(() => undefined);
        else stream.finish();
      }
    } catch {
      // Whatever keeps the question from arriving shows in the answer.
    }
    return stream;
  }

  /** What an exchange with a member waits for that is awaited, and that no connection leads on to meanwhile. */
  #returnOf(to: string, trail: readonly string[]): Promise<void> | undefined {
    const isBack = this.#host.returnOf(to);
    if (!isBack) return undefined;
    const link = this.linkTowards(to, trail);
    return link && !trail.includes(link.id) ? undefined : isBack;
  }

  /**
   * Opens a stream towards the member that the head names, and begins it with the head. Where it has to wait, for the remote or for a
   * member that is awaited, it waits no longer than the timeout of the head. @throws SwarmError
   */
  async open(head: ExchangeHead, signal?: AbortSignal): Promise<FrameStream> {
    signal?.throwIfAborted();
    const tried = new Set<Link>();
    const trail = head.path.slice(0, -1);
    const patience = new Patience(this.#host.deadlines, head, signal);
    try {
      const isBack = this.#returnOf(head.to, trail);
      if (isBack) await patience.waitFor(isBack);
      for (;;) {
        const link = this.requireLink(head.to, trail);
        try {
          const stream = link.tryOpen() ?? (await link.open(patience.signal));
          const full = stream.writeBytes(link.heads.encode(head));
          if (full) await full;
          return stream;
        } catch (error) {
          // A link that has just gone down: another may be up.
          if (patience.isOver || link.isUp || tried.has(link)) throw error;
          tried.add(link);
        }
      }
    } finally {
      patience.stop();
    }
  }

  /** Passes an exchange on that came from another member and is for a third. Never rejects. */
  async forward(near: FrameStream, head: ExchangeHead): Promise<void> {
    const { selfId } = this.#host;
    let far: FrameStream;
    try {
      if (head.hops === 0) {
        throw new SwarmError(
          'ERR_SWARM_NO_ROUTE',
          `An exchange from ${head.from} to ${head.to} has come by ${head.path.join(', ')}, as far as it may; ${selfId} passes it on no further`,
        );
      }
      far = await this.open({ ...head, hops: head.hops - 1, path: [...head.path, selfId] });
    } catch (error) {
      answerError(near, error);
      return;
    }
    this.forwarded++;
    this.forwarding++;
    await pipeBoth(near, far);
    this.forwarding--;
  }
}
