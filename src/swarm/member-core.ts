/** What every member is made of, coordinator or agent: a view, links, routes, exchanges. */

import type { EventEmitter } from 'node:events';
import type { Clock } from '../quic/index.js';
import { systemClock } from '../quic/udp/system-clock.js';
import { SwarmError } from './errors.js';
import { answerError } from './link/errors.js';
import type { FrameStream } from './link/frame-stream.js';
import { Deadlines } from './link/deadlines.js';
import { Incoming, type ExchangeServer } from './link/incoming.js';
import { Links, type Link } from './link/links.js';
import { Router } from './link/router.js';
import { MembershipView, type LeaveReason, type MemberInfo, type ViewEvent } from './membership/view.js';
import { Notifications } from './messaging/datagrams.js';
import { DetachedContext, HandlerTable, runDetached, runHandler } from './messaging/handlers.js';
import { Multicast } from './messaging/multicast.js';
import { Subscriptions } from './messaging/subscriptions.js';
import { valueOf } from './messaging/values.js';
import { reportError } from './observe.js';
import { resolveLimits, type MemberLimits, type MemberOptions } from './options.js';
import { mayDo } from './security/permissions.js';
import type { Permission, SwarmConfig } from './wire/control.js';
import type { ExchangeHead, ExchangeType } from './wire/head.js';
import { TopologyRoutes } from './link/topology-routes.js';
import { SharedMapReplica } from './state/shared-map-replica.js';

/** Events of members. */
export interface MemberEvents {
  /** An agent has joined. */
  memberJoined: [member: MemberInfo];
  /** An agent is gone: it left, was lost (silent for a lease), was evicted, or came back as another incarnation. */
  memberLeft: [member: MemberInfo, reason: LeaveReason];
  /** An agent changed its capabilities, topics or load. */
  memberChanged: [member: MemberInfo, before: MemberInfo];
  /** A connection to another member was made, or ended. */
  linkUp: [agent: string];
  linkDown: [agent: string];
  /** Agents: the connection to the coordinator was lost, and is being made again. */
  disconnected: [error: SwarmError];
  /** Agents: it is back; `early`: with early data (0-RTT), in one round trip. */
  reconnected: [how: { readonly early: boolean }];
  /** The membership is over: by `leave` or `shutdown` (without an error), or against this member's will. */
  closed: [error: SwarmError | undefined];
}

export class MemberCore {
  readonly id: string;
  /** The path of exchanges that begin here. */
  readonly ownPath: readonly string[];
  readonly clock: Clock;
  /** Of exchanges that this member has begun. */
  readonly deadlines: Deadlines;
  readonly limits: MemberLimits;
  readonly view = new MembershipView();
  /** This member's copy of the shared map. */
  readonly map = new SharedMapReplica();
  readonly links: Links;
  readonly router: Router;
  readonly incoming: Incoming;
  readonly handlers: HandlerTable;
  readonly subscriptions: Subscriptions;
  readonly multicast: Multicast;
  readonly notifications: Notifications;
  readonly routes: TopologyRoutes;
  readonly emitter: EventEmitter<MemberEvents>;
  /** Exchanges begun by others, answered by handlers here. */
  handled = 0;
  /** Called after each change of the view. */
  onViewChanged: (events: readonly ViewEvent[]) => void = () => undefined;
  /** Coordinators: tells when an awaited member is back, or dead. */
  returnOf: (id: string) => Promise<void> | undefined = () => undefined;
  readonly #onError: MemberOptions['onError'];
  readonly #services = new Map<ExchangeType, ExchangeServer>();
  #coordinatorId: string | undefined;
  #config: SwarmConfig | undefined;
  /** Set once the membership is over. */
  closeError: SwarmError | undefined;
  /** What handlers have to wait for, until whoever made this member has it in hand. */
  inHand: Promise<void> | undefined;
  #release: () => void = () => undefined;

  constructor(id: string, options: MemberOptions, emitter: EventEmitter<MemberEvents>) {
    this.id = id;
    this.inHand = new Promise((resolve) => {
      this.#release = resolve;
    });
    this.ownPath = [id];
    this.clock = options.clock ?? systemClock;
    this.deadlines = new Deadlines(this.clock);
    this.limits = resolveLimits(options);
    this.emitter = emitter;
    this.#onError = options.onError;
    this.handlers = new HandlerTable(options.handlers ?? {});
    this.subscriptions = new Subscriptions((error, context) => this.onError(error, context));
    this.routes = new TopologyRoutes(id, this.view);
    this.links = new Links({
      linkUp: (link) => void emitter.emit('linkUp', link.id),
      linkDown: (link) => void emitter.emit('linkDown', link.id),
    });
    this.router = new Router(this.#routerHost());
    this.incoming = new Incoming(id, this.clock, this.router, (head, stream, link) => this.#serve(head, stream, link));
    this.multicast = new Multicast({
      selfId: id,
      deadlines: this.deadlines,
      router: this.router,
      deliver: (head, value) => this.#deliver(head, value),
    });
    this.notifications = new Notifications({
      selfId: id,
      router: this.router,
      handlers: this.handlers,
      allows: (agent, permission) => this.allows(agent, permission),
      onError: (error, context) => this.onError(error, context),
      inHand: () => this.inHand,
    });
  }

  #routerHost(): ConstructorParameters<typeof Router>[0] {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- the getters below look at the member as it is then
    const core = this;
    return {
      selfId: this.id,
      view: this.view,
      links: this.links,
      get coordinatorId() {
        return core.#coordinatorId;
      },
      routes: this.routes,
      deadlines: this.deadlines,
      returnOf: (id) => this.returnOf(id),
    };
  }

  get coordinatorId(): string | undefined {
    return this.#coordinatorId;
  }

  get config(): SwarmConfig | undefined {
    return this.#config;
  }

  /** What the coordinator has settled. */
  configure(coordinatorId: string, config: SwarmConfig): void {
    this.#coordinatorId = coordinatorId;
    this.#config = config;
    this.routes.configure(config);
  }

  /**
   * Lets handlers be called as soon as the promise that gives the member away has been followed: `const agent = await joinSwarm(...)` has
   * set `agent` before a handler can want it.
   */
  giveAway(): void {
    this.clock.soon(() => {
      this.inHand = undefined;
      this.#release();
    });
  }

  /** Answers exchanges of one type; `coordinator` and tasks use it. */
  serve(type: ExchangeType, server: ExchangeServer): void {
    this.#services.set(type, server);
  }

  /** Takes a connection to another member into use. */
  addLink(link: Link): void {
    this.links.add(link);
    this.incoming.attach(link);
    this.notifications.attach(link);
  }

  /** Tells of changes of the view. */
  viewChanged(events: readonly ViewEvent[]): void {
    this.routes.changed();
    this.onViewChanged(events);
    for (const event of events) {
      switch (event.type) {
        case 'joined':
          this.emitter.emit('memberJoined', event.member);
          break;
        case 'changed':
          this.emitter.emit('memberChanged', event.member, event.before);
          break;
        case 'left':
          this.emitter.emit('memberLeft', event.member, event.reason);
          break;
      }
    }
  }

  /** Whether a member's role lets it do something. */
  allows(agent: string, permission: Permission): boolean {
    const role = this.view.get(agent)?.role;
    return role !== undefined && mayDo(this.#config?.permissions, role, permission);
  }

  /** @throws SwarmError `ERR_SWARM_FORBIDDEN` */
  assertAllowed(agent: string, permission: Permission, what: string): void {
    if (this.allows(agent, permission)) return;
    const role = this.view.get(agent)?.role;
    const who = role === undefined ? 'which is no member' : `of role ${role}`;
    throw new SwarmError(
      'ERR_SWARM_FORBIDDEN',
      `${agent}, ${who}, may not ${what} in this swarm (permission ${permission})`,
    );
  }

  /** @throws SwarmError why the membership is over */
  assertOpen(): void {
    if (this.closeError) throw this.closeError;
  }

  onError(error: unknown, context: string): void {
    reportError(error, context, this.#onError);
  }

  #serve(head: ExchangeHead, stream: FrameStream, link: Link): void {
    if (this.inHand) {
      void this.inHand.then(() => this.#serve(head, stream, link));
      return;
    }
    try {
      switch (head.type) {
        case 'request':
          this.#serveRequest(head, stream);
          return;
        case 'message':
          void this.#serveMessage(head, stream);
          return;
        case 'broadcast':
        case 'publish':
          void this.multicast.serve(head, stream);
          return;
        default: {
          const service = this.#services.get(head.type);
          if (!service) {
            throw new SwarmError('ERR_SWARM_NO_HANDLER', `${this.id} does not answer exchanges of type ${head.type}`);
          }
          service(head, stream, link);
        }
      }
    } catch (error) {
      answerError(stream, error);
    }
  }

  #serveRequest(head: ExchangeHead, stream: FrameStream): void {
    this.assertAllowed(head.from, 'message', `send ${this.id} requests`);
    const handler = this.handlers.get(head.name, this.id);
    this.handled++;
    runHandler(handler, head, stream, this);
  }

  /** The sender is told that the message is here, not what became of it. */
  async #serveMessage(head: ExchangeHead, stream: FrameStream): Promise<void> {
    try {
      const frame = await stream.read();
      this.#deliver(head, frame && valueOf(frame, head.from));
      stream.finish();
    } catch (error) {
      answerError(stream, error);
    }
  }

  /** Gives a message to its handler, or a publication to its subscriptions. @throws SwarmError */
  #deliver(head: ExchangeHead, value: unknown): void {
    this.handled++;
    if (head.type === 'publish') {
      this.assertAllowed(head.from, 'publish', 'publish');
      this.subscriptions.deliver(head.name, value, head.from);
      return;
    }
    this.assertAllowed(head.from, head.type === 'broadcast' ? 'publish' : 'message', `send ${this.id} messages`);
    const handler = this.handlers.get(head.name, this.id);
    const context = new DetachedContext(head, false);
    // Behind the receipt: a handler that works for long, or fails at once, is no matter of the sender's.
    queueMicrotask(() => runDetached(handler, value, context, (error, where) => this.onError(error, where)));
  }
}
