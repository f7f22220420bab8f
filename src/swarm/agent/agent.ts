/** An agent: a member that a coordinator leads. */

import type { z } from 'zod';
import type { ClockTimer, SocketAddress } from '../../quic/index.js';
import { toQuicStats } from '../../quic-config.js';
import type { AdminRequest, ADMIN_REQUESTS } from '../coordinator/admin.js';
import { SwarmError } from '../errors.js';
import { SwarmEndpoint } from '../link/endpoint.js';
import { Overlay } from '../link/overlay.js';
import { MemberCore } from '../member-core.js';
import { SwarmMember } from '../member.js';
import { checkOption, checkWords, DEFAULT_LEASE, sameWords } from '../options.js';
import { findSecret, isLoopback } from '../security/development.js';
import type { SwarmIdentity } from '../security/identity.js';
import { Secrets } from '../security/secrets.js';
import { SharedState } from '../state/shared-state.js';
import { stateReply } from '../state/state-messages.js';
import { linkStats, messageStats, type CoordinatorReport, type SwarmStats } from '../stats.js';
import { CLOSE_CODE } from '../wire/codes.js';
import { decodeControl, type AgentUpdate, type MapUpdate } from '../wire/control.js';
import type { ExchangeType } from '../wire/head.js';
import { TaskClient } from '../work/client.js';
import type { TaskHandle } from '../work/handle.js';
import type { SubmitOptions } from '../work/options.js';
import { Worker } from '../work/worker.js';
import { askCoordinator } from './ask.js';
import { AgentControl } from './control.js';
import type { JoinSwarmOptions } from './options.js';
import type { AgentFacts } from './joining.js';

/** Options of an agent, checked. */
export interface AgentSettings {
  readonly options: JoinSwarmOptions;
  readonly role: string;
  readonly coordinator: { readonly host: string; readonly port: number } | undefined;
  readonly capabilities: readonly string[];
  readonly concurrency: number;
  readonly advertise: { readonly host: string; readonly port: number | undefined } | undefined;
  readonly identity: SwarmIdentity;
  readonly secrets: Secrets;
  readonly ca: string | undefined;
  readonly host: string;
  readonly port: number;
}

/** Milliseconds between reports of links. */
const LINK_REPORTS = 2000;

export class SwarmAgent extends SwarmMember {
  /** @internal */
  protected readonly core: MemberCore;
  /** Resolves when a coordinator has let the agent in for the first time. */
  readonly joined: Promise<void>;
  readonly #settings: AgentSettings;
  readonly #control: AgentControl;
  readonly #overlay: Overlay;
  readonly #worker: Worker;
  readonly #tasks: TaskClient;
  readonly state: SharedState;
  #endpoint: SwarmEndpoint | undefined;
  #capabilities: readonly string[];
  #concurrency: number;
  #resolveJoined: () => void = () => undefined;
  #left: Promise<void> | undefined;

  private constructor(settings: AgentSettings) {
    super();
    this.#settings = settings;
    this.#capabilities = settings.capabilities;
    this.#concurrency = settings.concurrency;
    this.joined = new Promise((resolve) => {
      this.#resolveJoined = resolve;
    });
    this.core = new MemberCore(settings.options.id, settings.options, this);
    const endpoint = (): SwarmEndpoint => this.#endpointOrThrow();
    this.#overlay = new Overlay(this.core, endpoint);
    this.core.onViewChanged = () => this.#overlay.update();
    this.#worker = new Worker(this.core, () => this.#concurrency);
    this.core.serve('task', (head, stream) => this.#worker.serve(head, stream));
    this.#tasks = new TaskClient({
      core: this.core,
      connected: () => this.#connected(),
      cancelTask: async (id, reason) => (await this.#ask('admin', 'cancel-task', { id, reason })) === true,
    });
    this.state = new SharedState(this.core.map, {
      change: async (request) => stateReply.parse(await this.#ask('state', 'change', request)),
      revision: async () => stateReply.parse(await this.#ask('state', 'revision', undefined))[1],
    });
    this.#control = new AgentControl({
      core: this.core,
      swarmId: settings.options.swarmId,
      secrets: settings.secrets,
      endpoint,
      coordinator: settings.coordinator,
      verify: settings.ca !== undefined,
      facts: () => this.#facts(),
      mapUpdate: (update) => this.#mapUpdate(update),
      onJoined: (early, isSame) => this.#onJoined(early, isSame),
      onLost: (error) => void this.emit('disconnected', error),
      onEnded: (error) => this.#onEnded(error),
    });
  }

  /** @internal Binds; does not connect yet. */
  static async start(settings: AgentSettings): Promise<SwarmAgent> {
    const agent = new SwarmAgent(settings);
    const { options, identity, ca, host, port, coordinator } = settings;
    const { network, clock, randomFill, keyLog, qlogDir } = options;
    agent.#endpoint = await SwarmEndpoint.create(
      { network, clock, randomFill, keyLog, qlogDir, identity, ca, host, port, lease: DEFAULT_LEASE },
      (connection) => {
        if (coordinator) agent.#overlay.accept(connection);
        else agent.#overlay.accept(connection, (...invitation) => void agent.#invited(...invitation));
      },
    );
    return agent;
  }

  async #invited(...[connection, stream, first]: Parameters<AgentControl['invited']>): Promise<void> {
    try {
      const secrets =
        this.#settings.secrets.areSet || this.#settings.ca !== undefined
          ? undefined
          : await this.#developmentSecret(connection.remoteAddress, first.payload);
      await this.#control.invited(connection, stream, first, secrets);
    } catch (error) {
      this.core.onError(error, 'an invitation');
      connection.destroy(undefined, CLOSE_CODE.refused);
    }
  }

  /** Without a secret of its own, an agent joins swarms in development mode on this machine only. */
  async #developmentSecret(remote: SocketAddress, invitation: Uint8Array): Promise<Secrets> {
    const message = decodeControl(invitation);
    const swarmId = message.t === 'invite' ? message.swarm : undefined;
    const secret = isLoopback(remote.address) ? await findSecret({ swarmId }) : undefined;
    if (secret !== undefined) return new Secrets(secret);
    throw new SwarmError(
      'ERR_SWARM_AUTHENTICATION',
      `${remote.address} invites this agent to a swarm, and there is no secret to join it with; give secret, or ca with a certificate`,
    );
  }

  #endpointOrThrow(): SwarmEndpoint {
    if (this.#endpoint) return this.#endpoint;
    throw new SwarmError('ERR_SWARM_CLOSED', 'The agent has not been started');
  }

  #facts(): Omit<AgentFacts, 'incarnation'> {
    const { role, advertise } = this.#settings;
    return {
      role,
      capabilities: this.#capabilities,
      concurrency: this.#concurrency,
      host: advertise?.host,
      port: advertise?.port ?? this.address.port,
      topics: this.core.subscriptions.topics,
    };
  }

  #ask(type: ExchangeType, name: string, value: unknown): Promise<unknown> {
    return askCoordinator(this.core, type, name, value);
  }

  /** Resolves when there is a connection to the coordinator. @throws SwarmError when there will be none */
  async #connected(): Promise<void> {
    while (!this.isConnected) {
      this.core.assertOpen();
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
    this.core.assertOpen();
  }

  #mapUpdate(update: MapUpdate): void {
    try {
      const known = update.kind === 'snapshot' ? update : { ...update, changes: update.changes.map(toChange) };
      if (this.core.map.apply(known) === 'gap') this.#control.resync();
    } catch (error) {
      if (SwarmError.isSwarmError(error) && error.code === 'ERR_SWARM_PROTOCOL') throw error;
      this.core.onError(error, 'a listener to the shared map');
    }
  }

  /** Those who wait for a connection, or for the end. */
  readonly #waiters: (() => void)[] = [];

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }

  #wasJoined = false;

  #onJoined(early: boolean, isSame: boolean): void {
    if (this.#wasJoined && !isSame) this.#overlay.reset();
    this.#overlay.update();
    this.#measureLinks();
    if (this.#wasJoined) this.emit('reconnected', { early });
    this.#wasJoined = true;
    this.#resolveJoined();
    this.#wake();
  }

  #linkTimer: ClockTimer | undefined;

  /** Tells the coordinator now and then how its connections to other agents do. */
  #measureLinks(): void {
    this.#linkTimer?.cancel();
    this.#linkTimer = this.core.clock.setTimer(LINK_REPORTS, () => {
      const links = this.core.links.list().filter(({ id }) => id !== this.core.coordinatorId);
      if (links.length > 0) this.#control.send({ t: 'update', links: links.map(linkStats) });
      if (this.isConnected) this.#measureLinks();
    });
    this.#linkTimer.unref();
  }

  #onEnded(error: SwarmError): void {
    if (this.core.closeError) return;
    this.core.closeError = error;
    void this.leave({ timeout: 0 });
    this.emit('closed', error);
  }

  /** Address that it listens on. */
  get address(): SocketAddress {
    return this.#endpointOrThrow().address;
  }

  /** Role in the swarm. */
  get role(): string {
    return this.core.view.get(this.id)?.role ?? this.#settings.role;
  }

  /** Whether there is a connection to the coordinator at the moment. */
  get isConnected(): boolean {
    return this.#control.isConnected;
  }

  /** @internal */
  connect(): Promise<void> {
    return this.#control.connect();
  }

  /** @internal Called when nothing stands between the member and whoever has asked for it. */
  giveAway(): this {
    this.core.giveAway();
    return this;
  }

  /** Changes what this agent can do, or how much at a time. Resolves when the coordinator has told the others. */
  async update(changes: { readonly capabilities?: readonly string[]; readonly concurrency?: number }): Promise<void> {
    this.core.assertOpen();
    if (changes.capabilities) this.#capabilities = checkWords('capabilities', changes.capabilities);
    if (changes.concurrency !== undefined) {
      this.#concurrency = checkOption('concurrency', changes.concurrency, 0, 10_000);
    }
    const wanted = { capabilities: [...this.#capabilities], concurrency: this.#concurrency };
    await this.#announce(
      wanted,
      (self) => sameWords(self.capabilities, wanted.capabilities) && self.concurrency === wanted.concurrency,
    );
  }

  /** @internal */
  protected announceTopics(): Promise<void> {
    const { topics } = this.core.subscriptions;
    return this.#announce({ topics }, (self) => sameWords(self.topics, topics));
  }

  /** Tells the coordinator, and waits until the view says so; without a connection, the next hello will tell. */
  async #announce(
    update: Omit<AgentUpdate, 't'>,
    isTold: (self: { capabilities: readonly string[]; concurrency: number; topics: readonly string[] }) => boolean,
  ): Promise<void> {
    if (!this.#control.send({ t: 'update', ...update })) return;
    await new Promise<void>((resolve) => {
      const look = (): void => {
        const self = this.core.view.get(this.id);
        if (self && !isTold(self) && this.isConnected && !this.core.closeError) return;
        this.off('memberChanged', look).off('disconnected', look).off('closed', look);
        resolve();
      };
      this.on('memberChanged', look).on('disconnected', look).on('closed', look);
      look();
    });
  }

  /**
   * Moves the connection to the coordinator to another local address or port (QUIC migration): streams go on. An agent whose network changes
   * needs no call; this is for doing it on purpose.
   */
  async migrate(options: { readonly address?: string; readonly port?: number } = {}): Promise<void> {
    this.core.assertOpen();
    const { connection } = this.#control;
    if (!connection)
      throw new SwarmError('ERR_SWARM_NOT_CONNECTED', 'There is no connection to the coordinator to be moved');
    await connection.migrate(options);
  }

  submit(options: SubmitOptions): Promise<TaskHandle> {
    return this.#tasks.submit(options);
  }

  async getStats(): Promise<SwarmStats> {
    const report = (await this.#ask('admin', 'stats', {})) as CoordinatorReport;
    const quicStats = toQuicStats(this.#endpointOrThrow().stats());
    const links = this.core.links.list().map(linkStats);
    return { ...report, transport: 'quic', id: this.id, links, messages: messageStats(this.core), quicStats };
  }

  /**
   * Asks the coordinator something that needs the permission `administer`: `evict`, `tasks`, `dead-letters`, `retry-task`, `cancel-task`.
   *
   * @throws SwarmError `ERR_SWARM_FORBIDDEN`, `ERR_SWARM_NOT_CONNECTED`
   */
  administer<Name extends AdminRequest>(name: Name, request: z.input<(typeof ADMIN_REQUESTS)[Name]>): Promise<unknown> {
    return this.#ask('admin', name, request);
  }

  /** Lets the process exit although the agent is in the swarm. */
  unref(): this {
    this.#endpoint?.unref();
    return this;
  }

  /** Leaves the swarm: tells the coordinator, and closes within `timeout` milliseconds (default 2000). Leaving twice is no error. */
  leave({ timeout = 2000 }: { readonly timeout?: number } = {}): Promise<void> {
    this.#left ??= this.#leave(timeout);
    return this.#left;
  }

  async #leave(timeout: number): Promise<void> {
    const first = this.core.closeError === undefined;
    this.core.closeError ??= new SwarmError('ERR_SWARM_CLOSED', `${this.id} has left the swarm`);
    this.#control.leave();
    this.#overlay.stop();
    this.#linkTimer?.cancel();
    this.#worker.abort(this.core.closeError);
    this.#tasks.abandon(this.core.closeError);
    this.state.abandon(this.core.closeError);
    this.#wake();
    await this.#endpoint?.close(CLOSE_CODE.left, 'left', timeout);
    if (first) this.emit('closed', undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
  }
}

/** A deletion is an absent value on the wire, and an undefined one here. */
function toChange<T extends { readonly value?: Uint8Array | undefined }>(
  change: T,
): T & { value: Uint8Array | undefined } {
  return { ...change, value: change.value };
}
