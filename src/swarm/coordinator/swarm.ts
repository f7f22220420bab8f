/** A swarm, held by its coordinator. */

import type { SocketAddress } from '../../quic/index.js';
import { SwarmError } from '../errors.js';
import { SwarmEndpoint } from '../link/endpoint.js';
import { MemberCore } from '../member-core.js';
import { SwarmMember } from '../member.js';
import type { MemberInfo } from '../membership/view.js';
import { checkId, checkOption, checkWords } from '../options.js';
import { leaveNote, removeNote } from '../security/development.js';
import { fingerprintOfPem, type SwarmIdentity } from '../security/identity.js';
import type { Secrets } from '../security/secrets.js';
import type { SwarmStore } from '../store/store.js';
import { SharedState } from '../state/shared-state.js';
import { StateService } from '../state/state-service.js';
import { linkStats, messageStats, type CoordinatorReport, type LinkStats, type SwarmStats } from '../stats.js';
import type { SchedulerLimits, TaskFilter, TaskRecord } from '../tasks/index.js';
import { CLOSE_CODE } from '../wire/codes.js';
import type { SwarmConfig } from '../wire/control.js';
import type { TaskHandle } from '../work/handle.js';
import type { SubmitOptions } from '../work/options.js';
import { TaskService } from '../work/service.js';
import { Worker } from '../work/worker.js';
import { Admin } from './admin.js';
import { COORDINATOR_ROLE } from './admission.js';
import { Coordinator } from './coordinator.js';
import { Epochs } from './epochs.js';
import type { InitSwarmOptions } from './options.js';
import { MemberBook } from './member-book.js';
import { Registrations } from './registrations.js';
import { reportOf } from './report.js';

/** Options of a swarm, checked. */
export interface SwarmSettings {
  readonly options: InitSwarmOptions;
  readonly swarmId: string;
  readonly id: string;
  readonly developmentSecret: string | undefined;
  readonly secrets: Secrets;
  readonly ca: string | undefined;
  readonly store: SwarmStore;
  readonly identity: SwarmIdentity;
  readonly statelessReset: Uint8Array;
  readonly host: string;
  readonly port: number;
  readonly maxAgents: number;
  readonly capabilities: readonly string[];
  readonly concurrency: number;
  readonly config: SwarmConfig;
  readonly taskLimits: Partial<SchedulerLimits>;
}

/** An agent that the coordinator is to dial. */
export interface RegisterAgentOptions {
  readonly id: string;
  /** Where it listens. */
  readonly host: string;
  readonly port: number;
  /** Role that it gets. Default `worker`. */
  readonly role?: string | undefined;
  /** What it is taken to be able to do. Default: what it says itself. */
  readonly capabilities?: readonly string[] | undefined;
}

/** Connections beside those of agents: handshakes, lives that replace others, strangers who are about to be refused. */
const SPARE_CONNECTIONS = 200;

/** What a swarm is made of. */
interface SwarmParts {
  readonly core: MemberCore;
  readonly coordinator: Coordinator;
  readonly registrations: Registrations;
  readonly worker: Worker;
  readonly tasks: TaskService;
  readonly stateService: StateService;
}

export class Swarm extends SwarmMember {
  readonly swarmId: string;
  /** In development mode: the secret that was made, for agents elsewhere. */
  readonly developmentSecret: string | undefined;
  readonly state: SharedState;
  readonly #settings: SwarmSettings;
  #parts: SwarmParts | undefined;
  #endpoint: SwarmEndpoint | undefined;
  readonly #links = new Map<string, readonly LinkStats[]>();
  #shutDown: Promise<void> | undefined;
  /** @internal */
  protected readonly core: MemberCore;

  private constructor(settings: SwarmSettings) {
    super();
    this.#settings = settings;
    this.swarmId = settings.swarmId;
    this.developmentSecret = settings.developmentSecret;
    this.core = new MemberCore(settings.id, settings.options, this);
    this.core.configure(settings.id, settings.config);
    this.state = new SharedState(this.core.map, {
      change: (request) => this.#running.stateService.change(request),
      revision: async () => this.core.map.revision,
    });
  }

  /** @internal */
  static async start(settings: SwarmSettings): Promise<Swarm> {
    const swarm = new Swarm(settings);
    const book = await MemberBook.open(settings.store);
    const epochs = await Epochs.open(settings.store, (error) => swarm.#storeFailed(error));
    const parts = await swarm.#assemble(book, epochs);
    swarm.#parts = parts;
    const { options, identity, ca, host, port, config, maxAgents, statelessReset } = settings;
    const { network, clock, randomFill, keyLog, qlogDir } = options;
    swarm.#endpoint = await SwarmEndpoint.create(
      {
        network,
        clock,
        randomFill,
        keyLog,
        qlogDir,
        identity,
        ca,
        host,
        port,
        lease: config.lease,
        maxConnections: maxAgents + SPARE_CONNECTIONS,
        statelessResetKey: statelessReset,
      },
      (connection) => parts.coordinator.accept(connection),
    );
    swarm.#enter();
    await swarm.#announceDevelopment();
    for (const { id, registered } of book.list()) {
      if (registered) parts.registrations.resume({ id, capabilities: undefined, ...registered });
    }
    swarm.core.giveAway();
    return swarm;
  }

  async #assemble(book: MemberBook, epochs: Epochs): Promise<SwarmParts> {
    const { core } = this;
    const { swarmId, secrets, ca, config, maxAgents, store, concurrency, taskLimits } = this.#settings;
    const worker = new Worker(core, () => concurrency);
    const tasks = await TaskService.open(core, store, worker, taskLimits);
    const endpoint = (): SwarmEndpoint => this.#endpointOrThrow();
    const coordinator: Coordinator = new Coordinator({
      core,
      swarmId,
      secrets,
      certified: ca !== undefined,
      book,
      config,
      maxAgents,
      endpoint,
      mapSnapshot: () => stateService.snapshot(),
      linksMeasured: (id, links) => void this.#links.set(id, links),
      epochs,
      storeFailed: (error) => this.#storeFailed(error),
    });
    const stateService: StateService = await StateService.open(core, store, (message) => {
      for (const { channel } of coordinator.registry.present.values()) channel.sendEncoded(message);
    });
    const registrations = new Registrations({ core, swarmId, endpoint, coordinator });
    coordinator.onGone = (id) => {
      this.#links.delete(id);
      registrations.gone(id);
    };
    const { awaited } = coordinator;
    core.returnOf = (id) => (awaited.has(id) ? awaited.decided(id) : undefined);
    core.onViewChanged = (events) => tasks.membersChanged(events);
    tasks.onLoad = (loads) => {
      for (const { id, load } of loads) coordinator.registry.setLoad(id, load);
    };
    tasks.onStoreFailure = (error) => this.#storeFailed(error);
    new Admin({
      core,
      tasks,
      report: () => this.#report(),
      evict: (id, reason) => this.evictAgent(id, reason),
    }).start();
    return { core, coordinator, registrations, worker, tasks, stateService };
  }

  get #running(): SwarmParts {
    if (this.#parts) return this.#parts;
    throw new SwarmError('ERR_SWARM_CLOSED', 'The swarm has not been started');
  }

  /** Nothing more can be promised: the swarm ends, and what the store has goes on with the next one. */
  #storeFailed(error: unknown): void {
    if (this.core.closeError) return;
    const words = error instanceof Error ? error.message : String(error);
    this.core.closeError = new SwarmError('ERR_SWARM_STORE', `The swarm ended because its store failed: ${words}`, {
      cause: error,
    });
    this.emit('closed', this.core.closeError);
    void this.shutdown({ timeout: 0 });
  }

  /** The coordinator is the first member, before those that an earlier life of it had. */
  #enter(): void {
    const { id, capabilities, concurrency, identity } = this.#settings;
    const { address, port } = this.address;
    this.#running.coordinator.registry.change({
      member: {
        id,
        incarnation: 1,
        role: COORDINATOR_ROLE,
        capabilities: [...capabilities],
        concurrency,
        host: address,
        port,
        fingerprint: fingerprintOfPem(identity.cert),
        topics: [],
        load: 0,
      },
    });
    this.#running.coordinator.start();
  }

  async #announceDevelopment(): Promise<void> {
    const { developmentSecret, swarmId } = this.#settings;
    if (developmentSecret === undefined) return;
    const { address, port } = this.address;
    const path = await leaveNote(swarmId, port, developmentSecret);
    process.emitWarning(
      `Swarm ${swarmId} on ${address}:${port} is in development mode: it has made its own secret, which agents of this user on this machine find in ${path}. Give secret or ca for anything else.`,
      { code: 'SKEIN_SWARM_DEVELOPMENT' },
    );
  }

  #endpointOrThrow(): SwarmEndpoint {
    if (this.#endpoint) return this.#endpoint;
    throw new SwarmError('ERR_SWARM_CLOSED', 'The swarm has not been started');
  }

  /** Address that the coordinator listens on. */
  get address(): SocketAddress {
    return this.#endpointOrThrow().address;
  }

  /**
   * Dials an agent that waits to be registered (`joinSwarm` without `coordinator`, or `skein agent --listen`) and lets it in. Whenever it is
   * lost, it is dialled again, until it is evicted.
   *
   * @throws SwarmError `ERR_SWARM_UNREACHABLE`, `ERR_SWARM_AUTHENTICATION`, `ERR_SWARM_FULL`, `ERR_SWARM_DUPLICATE_ID`,
   *   `ERR_SWARM_UNKNOWN_SWARM` when it belongs to another one
   */
  async registerAgent(options: RegisterAgentOptions): Promise<MemberInfo> {
    this.core.assertOpen();
    const { id, host, port, role = 'worker', capabilities } = options;
    checkId('id', id);
    checkOption('port', port, 1, 65_535);
    if (role === COORDINATOR_ROLE) {
      throw new SwarmError('ERR_SWARM_FORBIDDEN', `The role ${COORDINATOR_ROLE} is taken; take another one`);
    }
    checkWords('role', [role]);
    return this.#running.registrations.register({
      id,
      host,
      port,
      role,
      capabilities: capabilities && checkWords('capabilities', capabilities),
    });
  }

  /** Removes an agent, telling it why; it does not come back by itself. Whether it was there. */
  evictAgent(id: string, reason = 'The coordinator has removed this agent'): boolean {
    this.core.assertOpen();
    this.#running.registrations.forget(id);
    return this.#running.coordinator.evict(id, reason);
  }

  submit(options: SubmitOptions): Promise<TaskHandle> {
    return this.#running.tasks.submit(options);
  }

  /** A task that is remembered. */
  task(id: string): TaskRecord | undefined {
    return this.#running.tasks.scheduler.get(id);
  }

  /** Tasks that are remembered, in the order of their submission; 100 unless told otherwise. */
  tasks(filter: TaskFilter = {}): TaskRecord[] {
    return this.#running.tasks.scheduler.tasks(filter);
  }

  /** Tasks that failed as often as they may, the oldest first. */
  deadLetters(): TaskRecord[] {
    return this.#running.tasks.scheduler.deadLetters();
  }

  /** Puts a dead letter back in the queue, its failures forgotten. Whether it was one. */
  retryTask(id: string): Promise<boolean> {
    return this.#running.tasks.retryDead(id);
  }

  /** Cancels a task. Whether it came in time. */
  cancelTask(id: string, reason = 'cancelled by the coordinator'): Promise<boolean> {
    return this.#running.tasks.cancel(id, reason);
  }

  async getStats(): Promise<SwarmStats> {
    const report = this.#report();
    return {
      ...report,
      transport: 'quic',
      id: this.id,
      links: this.core.links.list().map(linkStats),
      messages: messageStats(this.core),
      quicStats: report.coordinatorStats.quicStats,
    };
  }

  #report(): CoordinatorReport {
    const { coordinator, tasks, stateService } = this.#running;
    const { config, maxAgents } = this.#settings;
    return reportOf({
      core: this.core,
      swarmId: this.swarmId,
      topology: config.topology,
      maxAgents,
      present: coordinator.registry.present,
      awaited: coordinator.awaited,
      scheduler: tasks.scheduler,
      endpoint: this.#endpointOrThrow(),
      links: this.#links,
      stateEntries: stateService.size,
    });
  }

  /** @internal */
  protected async announceTopics(): Promise<void> {
    this.#running.coordinator.registry.amend(this.id, { topics: this.core.subscriptions.topics });
  }

  /** Lets the process exit although the swarm is up. */
  unref(): this {
    this.#endpoint?.unref();
    return this;
  }

  /** Ends the swarm: every agent is told, connections and the store close, within `timeout` milliseconds or so (default 2000). */
  shutdown({ timeout = 2000 }: { readonly timeout?: number } = {}): Promise<void> {
    this.#shutDown ??= this.#end(timeout);
    return this.#shutDown;
  }

  async #end(timeout: number): Promise<void> {
    const first = this.core.closeError === undefined;
    this.core.closeError ??= new SwarmError('ERR_SWARM_CLOSED', `The swarm ${this.swarmId} is shut down`);
    const { registrations, coordinator, worker, tasks, stateService } = this.#running;
    registrations.stop();
    await tasks.stop(this.core.closeError, timeout);
    await coordinator.stop(first).catch((error: unknown) => this.core.onError(error, 'the store of members'));
    stateService.stop();
    worker.abort(this.core.closeError);
    this.state.abandon(this.core.closeError);
    const { port } = this.address;
    await this.#endpoint?.close(CLOSE_CODE.left, 'shut down', timeout);
    await this.#settings.store.close();
    if (this.developmentSecret !== undefined) await removeNote(this.swarmId, port);
    if (first) this.emit('closed', undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }
}
