/** The coordinator's side of the membership: lets agents in, tells everybody, and notices who is gone. */

import type { QuicConnection } from '../../quic/index.js';
import { SwarmError } from '../errors.js';
import { ControlChannel, readWithin } from '../link/control-channel.js';
import type { SwarmEndpoint } from '../link/endpoint.js';
import { wordsOf } from '../link/errors.js';
import { Link } from '../link/links.js';
import type { MemberCore } from '../member-core.js';
import type { LeaveReason, MemberInfo } from '../membership/view.js';
import { RateMeter } from '../stats.js';
import { CLOSE_CODE } from '../wire/codes.js';
import type { AgentUpdate, Hello, MapUpdate, SwarmConfig } from '../wire/control.js';
import { judge, type AdmissionHost, type Admitted } from './admission.js';
import { LeaseWatch } from './leases.js';
import { newRejoinToken, type SavedMember } from './member-book.js';
import { Registry, type PresentMember } from './registry.js';

/** What the coordinator is made of. */
export interface CoordinatorParts extends AdmissionHost {
  readonly core: MemberCore;
  readonly config: SwarmConfig;
  readonly maxAgents: number;
  readonly endpoint: () => SwarmEndpoint;
  /** The shared map, for who has just joined. */
  mapSnapshot(): MapUpdate;
  /** An agent measures its links. */
  linksMeasured(id: string, links: NonNullable<AgentUpdate['links']>): void;
}

/** What the coordinator was told about an agent that it dials. */
export interface Registration {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly role: string;
  readonly capabilities: readonly string[] | undefined;
}

/** Longest time between a connection and its hello, in milliseconds. */
const HELLO_TIMEOUT = 10_000;

export class Coordinator {
  readonly registry: Registry;
  readonly #parts: CoordinatorParts;
  readonly #leases: LeaseWatch;
  /** Admissions under way, by id: one at a time for each. */
  readonly #admitting = new Map<string, Promise<unknown>>();
  /** Called with each member that is gone, after the view has changed. */
  onGone: (id: string, reason: LeaveReason) => void = () => undefined;
  #stopped = false;

  constructor(parts: CoordinatorParts) {
    this.#parts = parts;
    const { core, config } = parts;
    this.registry = new Registry(core.view, core.clock, (events) => core.viewChanged(events));
    this.#leases = new LeaseWatch(core.clock, config.lease, this.registry.present, {
      expired: (id, member) => this.#gone(id, member, 'lost'),
      look: (id, member) => this.#follow(id, member),
    });
  }

  /** A connection that an agent has made. */
  accept(connection: QuicConnection): void {
    this.#converse(connection).catch((error: unknown) => this.#parts.core.onError(error, 'a joining agent'));
  }

  async #converse(connection: QuicConnection): Promise<void> {
    const stream = await connection.acceptStream();
    if (!stream) return;
    const link = new Link('an agent that joins', connection, this.#parts.core.limits.maxMessageBytes);
    const channel = new ControlChannel(link.wrap(stream));
    try {
      const message = await readWithin(channel, this.#parts.core.clock, HELLO_TIMEOUT, 'An agent');
      if (message?.t !== 'hello')
        throw new SwarmError('ERR_SWARM_PROTOCOL', 'An agent begins with something else than hello');
      await this.admit(message, connection, channel, undefined);
    } catch (error) {
      await this.refuse(connection, channel, error);
    }
  }

  /** Says why, and closes. */
  async refuse(connection: QuicConnection, channel: ControlChannel, error: unknown): Promise<void> {
    const { code, message } = wordsOf(error);
    channel.send({ t: 'refused', code, message });
    channel.finish();
    await connection.close({ code: CLOSE_CODE.refused, reason: code, drainTimeout: 1000 });
  }

  /**
   * Lets an agent in, or does not.
   *
   * @throws SwarmError why not
   */
  async admit(
    hello: Hello,
    connection: QuicConnection,
    channel: ControlChannel,
    registration: Registration | undefined,
  ): Promise<MemberInfo> {
    const admitted = await judge(this.#parts, hello, connection, channel);
    const before = this.#admitting.get(hello.id) ?? Promise.resolve();
    const admission = before
      .catch(() => undefined)
      .then(() => this.#admitNow(hello, admitted, connection, channel, registration));
    this.#admitting.set(hello.id, admission);
    try {
      return await admission;
    } finally {
      if (this.#admitting.get(hello.id) === admission) this.#admitting.delete(hello.id);
    }
  }

  async #admitNow(
    hello: Hello,
    { version, fingerprint, proof }: Admitted,
    connection: QuicConnection,
    channel: ControlChannel,
    registration: Registration | undefined,
  ): Promise<MemberInfo> {
    const { core, book, config, swarmId } = this.#parts;
    const { id } = hello;
    this.#assertRunning();
    await this.#makeRoomFor(id, fingerprint);
    const role = registration?.role ?? hello.role;
    const saved = book.get(id);
    const { token, hash } = newRejoinToken();
    const incarnation = (saved?.incarnation ?? 0) + 1;
    const entry: SavedMember = {
      v: 1,
      id,
      incarnation,
      role,
      fingerprint,
      rejoin: hash,
      registered: saved?.registered,
    };
    await book.save(registration ? { ...entry, registered: registeredAs(registration) } : entry);
    this.#assertRunning();
    if (connection.isClosed) throw new SwarmError('ERR_SWARM_AGENT_LOST', `${id} was gone before it had joined`);
    const old = this.registry.present.get(id);
    if (old) this.#gone(id, old, 'replaced');
    const events = this.registry.enter({
      member: {
        id,
        incarnation,
        role,
        capabilities: [...(registration?.capabilities ?? hello.capabilities)],
        concurrency: hello.concurrency,
        host: hello.host ?? connection.remoteAddress.address,
        port: hello.port,
        fingerprint,
        topics: hello.topics,
        load: 0,
      },
    });
    const link = new Link(id, connection, core.limits.maxMessageBytes);
    const { bytesSent, bytesReceived } = connection.stats();
    const member: PresentMember = {
      link,
      channel,
      incarnation,
      epoch: core.view.epoch,
      lastHeard: core.clock.now(),
      bytesReceived,
      rates: new RateMeter(core.clock.now(), bytesSent, bytesReceived),
      hostFollows: hello.host === undefined,
      leaving: undefined,
    };
    channel.send({
      t: 'welcome',
      version,
      swarm: swarmId,
      coordinator: core.id,
      incarnation,
      proof,
      rejoin: token,
      config,
      view: this.registry.snapshot(),
      map: this.#parts.mapSnapshot(),
    });
    this.registry.present.set(id, member);
    core.addLink(link);
    // Whoever hears of the agent can send it something at once.
    core.viewChanged(events);
    void connection.closed.then(() => this.#gone(id, member, member.leaving ?? 'lost'));
    this.#listen(id, member).catch((error: unknown) => this.#broken(id, member, error));
    const info = core.view.get(id);
    if (!info) throw new SwarmError('ERR_SWARM_AGENT_LOST', `${id} was gone before it had joined`);
    return info;
  }

  #assertRunning(): void {
    if (this.#stopped) throw new SwarmError('ERR_SWARM_CLOSED', 'The swarm is shutting down');
  }

  /** Another life of the same agent takes the place of the old one; a stranger with its name gets it only if the agent is dead. */
  async #makeRoomFor(id: string, fingerprint: string): Promise<void> {
    const { core, maxAgents, config } = this.#parts;
    if (id === core.id)
      throw new SwarmError('ERR_SWARM_DUPLICATE_ID', `${id} is the coordinator's id; take another one`);
    const old = this.registry.present.get(id);
    if (!old) {
      if (this.registry.agents < maxAgents) return;
      throw new SwarmError(
        'ERR_SWARM_FULL',
        `The swarm holds ${this.registry.agents} agents, its maxAgents; raise the limit, or let others leave`,
      );
    }
    if (core.view.get(id)?.fingerprint === fingerprint) return;
    if (await this.#isAlive(old, config.lease)) {
      throw new SwarmError(
        'ERR_SWARM_DUPLICATE_ID',
        `An agent ${id} is in the swarm already and alive; take another id, or give both lives of the agent the same certificate`,
      );
    }
  }

  /** Asks for a sign of life, and waits for it for as long as a lease. */
  async #isAlive(member: PresentMember, lease: number): Promise<boolean> {
    const { connection } = member.link;
    const { clock } = this.#parts.core;
    if (connection.isClosed) return false;
    const before = connection.stats().bytesReceived;
    connection.ping();
    const end = clock.now() + lease;
    while (!connection.isClosed && clock.now() < end) {
      if (connection.stats().bytesReceived !== before) return true;
      await new Promise<void>((resolve) => {
        clock.setTimer(Math.max(1, lease / 30), resolve);
      });
    }
    return false;
  }

  async #listen(id: string, member: PresentMember): Promise<void> {
    for (let message = await member.channel.read(); message; message = await member.channel.read()) {
      switch (message.t) {
        case 'update':
          this.#update(id, message);
          break;
        case 'leave':
          member.leaving = 'left';
          this.#gone(id, member, 'left');
          return;
        case 'resync':
          this.registry.flush();
          member.epoch = this.#parts.core.view.epoch;
          member.channel.send({ t: 'view-all', view: this.registry.snapshot() });
          member.channel.send({ t: 'map', update: this.#parts.mapSnapshot() });
          break;
        default:
          throw new SwarmError(
            'ERR_SWARM_PROTOCOL',
            `${id} sent a message of type ${message.t}, which only coordinators send`,
          );
      }
    }
  }

  /** The control stream ended. With its connection: that tells. By a fault of the agent's: the connection ends as well. */
  #broken(id: string, member: PresentMember, error: unknown): void {
    if (SwarmError.isSwarmError(error) && error.code === 'ERR_SWARM_AGENT_LOST') return;
    this.#parts.core.onError(error, `control stream of ${id}`);
    const reason = error instanceof Error ? error.message.slice(0, 200) : '';
    void member.link.connection.close({ code: CLOSE_CODE.protocol, reason, drainTimeout: 0 });
  }

  #update(id: string, { capabilities, concurrency, topics, links }: AgentUpdate): void {
    if (links) this.#parts.linksMeasured(id, links);
    const fields = {
      ...(capabilities && { capabilities }),
      ...(concurrency !== undefined && { concurrency }),
      ...(topics && { topics }),
    };
    if (Object.keys(fields).length > 0) this.registry.amend(id, fields);
  }

  /** An agent that moved to another address is looked for there by the others. */
  #follow(id: string, member: PresentMember): void {
    if (!member.hostFollows) return;
    const host = member.link.connection.remoteAddress.address;
    if (this.#parts.core.view.get(id)?.host !== host) this.registry.amend(id, { host });
  }

  #gone(id: string, member: PresentMember, reason: LeaveReason): void {
    if (this.#stopped || this.registry.present.get(id) !== member) return;
    this.registry.present.delete(id);
    if (reason !== 'replaced') this.registry.change({ left: id, reason });
    this.#parts.core.links.drop(id, CLOSE_CODE.removed, reason);
    this.onGone(id, reason);
  }

  /** Removes an agent, telling it why. Whether there was one. */
  evict(id: string, message: string): boolean {
    const member = this.registry.present.get(id);
    if (!member) return false;
    member.channel.send({ t: 'bye', code: 'ERR_SWARM_EVICTED', message });
    member.channel.finish();
    member.leaving = 'evicted';
    const { connection } = member.link;
    this.registry.present.delete(id);
    this.registry.change({ left: id, reason: 'evicted' });
    void connection.close({ code: CLOSE_CODE.removed, reason: 'evicted', drainTimeout: 1000 });
    this.onGone(id, 'evicted');
    return true;
  }

  /**
   * Lets nobody in any more.
   *
   * @param farewell whether the swarm ends, which everybody is told; else another coordinator will go on, whom agents look for
   */
  stop(farewell: boolean): void {
    this.#stopped = true;
    this.#leases.stop();
    this.registry.stop();
    if (!farewell) return;
    for (const member of this.registry.present.values()) {
      member.channel.send({ t: 'bye', code: 'ERR_SWARM_CLOSED', message: 'The swarm was shut down' });
      member.channel.finish();
    }
  }
}

function registeredAs({ host, port, role, capabilities }: Registration): NonNullable<SavedMember['registered']> {
  return { host, port, role, capabilities: capabilities && [...capabilities] };
}
