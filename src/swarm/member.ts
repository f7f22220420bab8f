/** What a person holds of a member of a swarm: messages, topics, tasks, the shared map, statistics. */

import { EventEmitter } from 'node:events';
import { SwarmError } from './errors.js';
import type { Outgoing } from './link/frame-stream.js';
import type { MemberCore, MemberEvents } from './member-core.js';
import type { MemberInfo } from './membership/view.js';
import { SwarmExchange, readReply, type ExchangeLimits } from './messaging/exchange.js';
import type { Handler } from './messaging/handlers.js';
import type { DeliveryReport } from './messaging/multicast.js';
import type { TopicListener } from './messaging/subscriptions.js';
import { outgoing } from './messaging/values.js';
import { checkId, checkOption } from './options.js';
import type { SharedState, StateEntry } from './state/shared-state.js';
import type { SwarmStats } from './stats.js';
import type { TaskHandle } from './work/handle.js';
import type { SubmitOptions } from './work/options.js';
import { checkName, type ExchangeHead, type ExchangeType } from './wire/head.js';

const NO_TARGETS: readonly string[] = [];

/** Options of one exchange. */
export interface ExchangeOptions {
  /** Milliseconds for the whole exchange. Default: `requestTimeout` of the member; 0: no deadline. */
  readonly timeout?: number | undefined;
  /** Cancels it: the other side sees its stream reset. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link SwarmMember.broadcast}. */
export interface BroadcastOptions extends ExchangeOptions {
  /** Only to members of this role. Default: to all. */
  readonly role?: string | undefined;
}

/** A member of a swarm: the coordinator that `initSwarm` makes, or an agent that `joinSwarm` makes. */
export abstract class SwarmMember extends EventEmitter<MemberEvents> implements AsyncDisposable {
  /** @internal */
  protected abstract readonly core: MemberCore;

  /** The shared map. */
  abstract readonly state: SharedState;

  /** Id of this member. */
  get id(): string {
    return this.core.id;
  }

  /** Id of the member that coordinates; `undefined` for an agent that nobody has registered yet. */
  get coordinatorId(): string | undefined {
    return this.core.coordinatorId;
  }

  /** Grows with every change of the membership. */
  get epoch(): number {
    return this.core.view.epoch;
  }

  /** Members of the swarm, the coordinator first, then in the order of joining. */
  members(): MemberInfo[] {
    return this.core.view.list();
  }

  /** A member by its id. */
  member(id: string): MemberInfo | undefined {
    return this.core.view.get(id);
  }

  // Exchanges.

  /** Answers exchanges of this name; replaces an earlier handler of the name. */
  handle(name: string, handler: Handler): this {
    this.core.handlers.set(name, handler);
    return this;
  }

  /** Takes a handler away; whether there was one. */
  unhandle(name: string): boolean {
    return this.core.handlers.delete(name);
  }

  /**
   * Asks an agent and resolves to its answer. Cancelling, and the deadline, reach the other side as a reset of the stream.
   *
   * @throws SwarmError `ERR_SWARM_NO_SUCH_AGENT`, `ERR_SWARM_NO_HANDLER`, `ERR_SWARM_HANDLER`, `ERR_SWARM_TIMEOUT`,
   *   `ERR_SWARM_AGENT_LOST`, `ERR_SWARM_NO_ROUTE`, `ERR_SWARM_FORBIDDEN`, `ERR_SWARM_TOO_LARGE`; AbortSignal's reason
   */
  request(to: string, name: string, value?: unknown, options: ExchangeOptions = {}): Promise<unknown> {
    return this.#ask('request', to, name, value, options);
  }

  /**
   * Sends a message; resolves when the agent has it and its handler was called, whatever comes of that.
   *
   * @throws SwarmError as {@link request}, without `ERR_SWARM_HANDLER`
   */
  async send(to: string, name: string, value?: unknown, options: ExchangeOptions = {}): Promise<void> {
    await this.#ask('message', to, name, value, options);
  }

  /**
   * Begins a conversation: values in both directions, each with backpressure, on a QUIC stream of its own.
   *
   * @param value the first value for the handler; more follow by `write`
   * @throws SwarmError as {@link request}
   */
  async stream(to: string, name: string, value?: unknown, options: ExchangeOptions = {}): Promise<SwarmExchange> {
    const { core } = this;
    const timeout = this.#timeout(options, 0);
    const frame = value === undefined ? undefined : outgoing(value);
    const stream = await core.router.open(this.#head('request', to, name, timeout), options.signal);
    const exchange = new SwarmExchange(to, stream, core.deadlines, { timeout, signal: options.signal });
    if (frame !== undefined) await stream.writeFrame(frame);
    return exchange;
  }

  /**
   * Sends a notification in one QUIC datagram: fast, unordered, maybe lost, never repeated. Resolves when it has left.
   *
   * @throws SwarmError `ERR_SWARM_TOO_LARGE` when it does not fit; `ERR_SWARM_NO_SUCH_AGENT`, `ERR_SWARM_NO_ROUTE`
   */
  async notify(to: string, name: string, value?: unknown): Promise<void> {
    this.core.assertOpen();
    checkId('The agent', to);
    checkName('The name', name);
    await this.core.notifications.send(to, name, value);
  }

  /** Sends a message to all other members; resolves to who got it. @throws SwarmError `ERR_SWARM_FORBIDDEN`, `ERR_SWARM_VALUE` */
  async broadcast(name: string, value?: unknown, options: BroadcastOptions = {}): Promise<DeliveryReport> {
    const { core } = this;
    core.assertOpen();
    checkName('The name', name);
    core.assertAllowed(this.id, 'publish', 'broadcast');
    const targets = core.view
      .list()
      .filter(({ id, role }) => id !== this.id && (options.role === undefined || role === options.role))
      .map(({ id }) => id);
    return core.multicast.send('broadcast', name, value, targets, this.#timeout(options), options.signal);
  }

  // Topics.

  /** Gives a value to everybody who has subscribed to the topic; resolves to who got it. @throws SwarmError as {@link broadcast} */
  async publish(topic: string, value?: unknown, options: ExchangeOptions = {}): Promise<DeliveryReport> {
    const { core } = this;
    core.assertOpen();
    checkName('The topic', topic);
    core.assertAllowed(this.id, 'publish', 'publish');
    const targets = core.view
      .list()
      .filter(({ id, topics }) => (id === this.id ? core.subscriptions.topics : topics).includes(topic))
      .map(({ id }) => id);
    return core.multicast.send('publish', topic, value, targets, this.#timeout(options), options.signal);
  }

  /**
   * Hears of values published on a topic, from when the others know of it. Resolves when the coordinator has told them.
   *
   * @returns a function that ends the subscription
   */
  async subscribe(topic: string, listener: TopicListener): Promise<() => void> {
    const { core } = this;
    core.assertOpen();
    checkName('The topic', topic);
    if (core.subscriptions.add(topic, listener)) await this.announceTopics();
    return () => {
      if (core.subscriptions.remove(topic, listener)) this.announceTopics().catch(() => undefined);
    };
  }

  /** @internal Tells the coordinator which topics there are; resolves when the view says so. */
  protected abstract announceTopics(): Promise<void>;

  // Tasks, state and figures.

  /**
   * Brings this member's copy of the shared map up to what the coordinator has, and resolves to its revision: `state.sync()`.
   *
   * @throws SwarmError `ERR_SWARM_NOT_CONNECTED`, `ERR_SWARM_TIMEOUT`
   */
  syncState(): Promise<number> {
    return this.state.sync();
  }

  /** One entry of this member's copy of the shared map; without a key, all entries, sorted by key. */
  getState(key: string): StateEntry | undefined;
  getState(): StateEntry[];
  getState(key?: string): StateEntry | undefined | StateEntry[] {
    if (key !== undefined) return this.state.get(key);
    return this.state.keys().flatMap((each) => this.state.get(each) ?? []);
  }

  /**
   * Submits a task. Resolves when the coordinator has accepted it: from then on it is done, or it ends with an error, whatever happens
   * to agents and to the coordinator. When the queue is full, waits for room.
   *
   * @throws SwarmError `ERR_SWARM_FORBIDDEN`, `ERR_SWARM_QUEUE_FULL`, `ERR_SWARM_TOO_LARGE`, `ERR_SWARM_INVALID_OPTION`,
   *   `ERR_SWARM_VALUE`, `ERR_SWARM_CLOSED`; AbortSignal's reason
   */
  abstract submit(options: SubmitOptions): Promise<TaskHandle>;

  /** What is counted and measured, here and at the coordinator. @throws SwarmError `ERR_SWARM_NOT_CONNECTED`, `ERR_SWARM_TIMEOUT` */
  abstract getStats(): Promise<SwarmStats>;

  #ask(
    type: 'request' | 'message',
    to: string,
    name: string,
    value: unknown,
    options: ExchangeOptions,
  ): Promise<unknown> {
    try {
      const { router, deadlines } = this.core;
      const timeout = this.#timeout(options);
      const { signal } = options;
      const frame = value === undefined ? undefined : outgoing(value);
      const head = this.#head(type, to, name, timeout);
      const stream = router.tryBegin(head, frame, signal);
      return stream
        ? readReply(to, stream, deadlines, { timeout, signal })
        : this.#askLater(head, frame, { timeout, signal });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Waits until a stream can be opened. */
  async #askLater(head: ExchangeHead, frame: Outgoing | undefined, limits: ExchangeLimits): Promise<unknown> {
    const { router, deadlines } = this.core;
    const began = this.core.clock.now();
    const stream = await router.open(head, limits.signal);
    // What the opening has taken is not there for the answer.
    const timeout = limits.timeout > 0 ? Math.max(1, limits.timeout - (this.core.clock.now() - began)) : 0;
    const reply = readReply(head.to, stream, deadlines, { ...limits, timeout });
    try {
      const full = frame === undefined ? undefined : stream.writeFrame(frame);
      if (full) await Promise.race([full, reply]);
      stream.finish();
    } catch {
      // Whatever keeps the question from arriving shows in the answer.
    }
    return reply;
  }

  #head(type: ExchangeType, to: string, name: string, timeout: number): ExchangeHead {
    const { core } = this;
    core.assertOpen();
    if (!core.view.has(to)) checkId('The agent', to);
    checkName('The name', name);
    if (to === core.id) {
      throw new SwarmError('ERR_SWARM_INVALID_OPTION', `${to} is this member itself; call the handler directly`);
    }
    const { id, router, ownPath } = core;
    return { type, name, from: id, to, hops: router.hopLimit, path: ownPath, timeout, targets: NO_TARGETS };
  }

  #timeout(options: ExchangeOptions, otherwise = this.core.limits.requestTimeout): number {
    return options.timeout === undefined ? otherwise : checkOption('timeout', options.timeout, 0, 0x7fffffff);
  }

  /** Leaves the swarm, or shuts it down. */
  abstract [Symbol.asyncDispose](): Promise<void>;
}
