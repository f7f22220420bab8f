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
import { CLOSE_CODE } from '../wire/codes.js';
import type { SwarmConfig } from '../wire/control.js';
import { COORDINATOR_ROLE } from './admission.js';
import { Coordinator } from './coordinator.js';
import type { InitSwarmOptions } from './init-swarm.js';
import { MemberBook } from './member-book.js';
import { Registrations } from './registrations.js';

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

export class Swarm extends SwarmMember {
  readonly swarmId: string;
  /** In development mode: the secret that was made, for agents elsewhere. */
  readonly developmentSecret: string | undefined;
  /** @internal */
  protected readonly core: MemberCore;
  readonly #settings: SwarmSettings;
  readonly #coordinator: Coordinator;
  readonly #registrations: Registrations;
  #endpoint: SwarmEndpoint | undefined;
  #shutDown: Promise<void> | undefined;

  private constructor(settings: SwarmSettings, book: MemberBook) {
    super();
    this.#settings = settings;
    this.swarmId = settings.swarmId;
    this.developmentSecret = settings.developmentSecret;
    this.core = new MemberCore(settings.id, settings.options, this);
    this.core.configure(settings.id, settings.config);
    const endpoint = (): SwarmEndpoint => this.#endpointOrThrow();
    this.#coordinator = new Coordinator({
      core: this.core,
      swarmId: settings.swarmId,
      secrets: settings.secrets,
      certified: settings.ca !== undefined,
      book,
      config: settings.config,
      maxAgents: settings.maxAgents,
      endpoint,
      mapSnapshot: () => ({ type: 'snapshot', revision: 0, entries: [] }),
      linksMeasured: () => undefined,
    });
    this.#registrations = new Registrations({
      core: this.core,
      swarmId: settings.swarmId,
      endpoint,
      coordinator: this.#coordinator,
    });
    this.#coordinator.onGone = (id) => this.#registrations.gone(id);
  }

  /** @internal */
  static async start(settings: SwarmSettings): Promise<Swarm> {
    const book = await MemberBook.open(settings.store);
    const swarm = new Swarm(settings, book);
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
      (connection) => swarm.#coordinator.accept(connection),
    );
    swarm.#enter();
    await swarm.#announceDevelopment();
    for (const { id, registered } of book.list()) {
      if (registered) swarm.#registrations.resume({ id, capabilities: undefined, ...registered });
    }
    return swarm;
  }

  /** The coordinator is the first member. */
  #enter(): void {
    const { id, capabilities, concurrency, identity } = this.#settings;
    const { address, port } = this.address;
    this.#coordinator.registry.change({
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
    return this.#registrations.register({
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
    this.#registrations.forget(id);
    return this.#coordinator.evict(id, reason);
  }

  /** @internal */
  protected async announceTopics(): Promise<void> {
    this.#coordinator.registry.amend(this.id, { topics: this.core.subscriptions.topics });
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
    this.core.closeError ??= new SwarmError('ERR_SWARM_CLOSED', `The swarm ${this.swarmId} is shut down`);
    this.#registrations.stop();
    this.#coordinator.stop();
    const { port } = this.address;
    await this.#endpoint?.close(CLOSE_CODE.left, 'shut down', timeout);
    await this.#settings.store.close();
    if (this.developmentSecret !== undefined) await removeNote(this.swarmId, port);
    this.emit('closed', undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }
}
