/** The coordinator's side of the membership: lets agents in, tells everybody, and notices who is gone. */

import type { QuicConnection, QuicStream } from '../../quic/index.js';
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
import { AwaitedMembers } from './awaited.js';
import type { Epochs } from './epochs.js';
import { LeaseWatch } from './leases.js';
import { newRejoinToken, type SavedMember } from './member-book.js';
import { placeOf, Places } from './places.js';
import { Registry, type PresentMember } from './registry.js';
import { Vacancies } from './vacancies.js';

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
  readonly epochs: Epochs;
  /** The store failed when nobody was there to be told. */
  storeFailed(error: unknown): void;
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
  /** Members of an earlier life of this coordinator that have not come back to it yet. */
  readonly awaited: AwaitedMembers;
  readonly #places: Places;
  readonly #parts: CoordinatorParts;
  readonly #vacancies: Vacancies;
  readonly #leases: LeaseWatch;
  /** Admissions under way, by id: one at a time for each. */
  readonly #admitting = new Map<string, Promise<unknown>>();
  /** Called with each member that is gone, after the view has changed. */
  onGone: (id: string, reason: LeaveReason) => void = () => undefined;
  /** Connections of which is not known yet who is there. */
  readonly #greeting = new Set<QuicConnection>();
  #stopped = false;

  constructor(parts: CoordinatorParts) {
    this.#parts = parts;
    const { core, config, book, epochs, maxAgents } = parts;
    const { clock, view } = core;
    this.registry = new Registry(view, clock, epochs, (events) => core.viewChanged(events));
    this.awaited = new AwaitedMembers({
      clock,
      lease: config.lease,
      isAdmitting: () => this.#greeting.size > 0 || this.#admitting.size > 0,
      expired: (id) => this.#left(id, 'lost'),
    });
    this.#places = new Places({
      clock,
      view,
      book,
      isAdmitting: (id) => this.#admitting.has(id),
      storeFailed: (error) => parts.storeFailed(error),
    });
    const { awaited } = this;
    const { present } = this.registry;
    this.#vacancies = new Vacancies({ core, present, awaited, maxAgents, lease: config.lease });
    this.#leases = new LeaseWatch(clock, config.lease, present, {
      expired: (id, member) => this.#gone(id, member, 'lost'),
      look: (id, member) => this.#follow(id, member),
    });
  }

  /** Begins to watch leases, has the members of an earlier life back, and waits for them. To be called when agents can connect. */
  start(): void {
    this.#leases.start();
    const seated = this.#parts.book.seated().filter(({ id }) => id !== this.#parts.core.id);
    for (const { id, incarnation, role, fingerprint, place } of seated) {
      const { capabilities, concurrency, host, port, topics } = place;
      const facts = { role, capabilities, concurrency, host, port, fingerprint, topics };
      this.registry.change({ member: { id, incarnation, ...facts, load: 0, awaited: true } });
    }
    this.awaited.start(seated.map(({ id }) => id));
  }

  /** A connection that an agent has made. */
  accept(connection: QuicConnection): void {
    this.#converse(connection).catch((error: unknown) => this.#parts.core.onError(error, 'a joining agent'));
  }

  async #converse(connection: QuicConnection): Promise<void> {
    const stream = await connection.acceptStream();
    if (!stream) return;
    this.#greeting.add(connection);
    try {
      await this.#greet(connection, stream);
    } finally {
      this.#greeting.delete(connection);
    }
  }

  async #greet(connection: QuicConnection, stream: QuicStream): Promise<void> {
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
    this.#greeting.delete(connection);
    await this.#vacancies.untilDecided(hello.id, admitted.fingerprint, connection);
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
    await this.#vacancies.claim(id, fingerprint);
    const role = registration?.role ?? hello.role;
    const saved = book.get(id);
    const goesOn = saved?.fingerprint === fingerprint && saved.incarnation === hello.incarnation;
    if (goesOn && saved.evicted !== undefined) throw new SwarmError('ERR_SWARM_EVICTED', saved.evicted);
    const { token, hash } = newRejoinToken();
    // Whoever has lived on while this coordinator was away is the member that it was: nobody is told that it left.
    const isBack = goesOn && saved.role === role && this.awaited.has(id);
    const incarnation = isBack ? saved.incarnation : (saved?.incarnation ?? 0) + 1;
    const facts = {
      capabilities: [...(registration?.capabilities ?? hello.capabilities)],
      concurrency: hello.concurrency,
      host: hello.host ?? connection.remoteAddress.address,
      port: hello.port,
      topics: hello.topics,
    };
    const entry: SavedMember = {
      v: 1,
      id,
      incarnation,
      role,
      fingerprint,
      rejoin: hash,
      registered: registration ? registeredAs(registration) : saved?.registered,
      place: placeOf(facts, (isBack ? saved.place?.seat : undefined) ?? book.nextSeat()),
    };
    await book.save(entry);
    this.#assertRunning();
    if (connection.isClosed) {
      this.#places.changed(id);
      throw new SwarmError('ERR_SWARM_AGENT_LOST', `${id} was gone before it had joined`);
    }
    const old = this.registry.present.get(id);
    if (old) this.#gone(id, old, 'replaced');
    this.awaited.settle(id);
    const events = this.registry.enter({ member: { id, incarnation, role, ...facts, fingerprint, load: 0 } });
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
    if (Object.keys(fields).length > 0) this.#amend(id, fields);
  }

  #amend(id: string, fields: Parameters<Registry['amend']>[1]): void {
    this.registry.amend(id, fields);
    this.#places.changed(id);
  }

  /** An agent that moved to another address is looked for there by the others. */
  #follow(id: string, member: PresentMember): void {
    if (!member.hostFollows) return;
    const host = member.link.connection.remoteAddress.address;
    if (this.#parts.core.view.get(id)?.host !== host) this.#amend(id, { host });
  }

  #gone(id: string, member: PresentMember, reason: LeaveReason): void {
    if (this.#stopped || this.registry.present.get(id) !== member) return;
    this.registry.present.delete(id);
    if (reason !== 'replaced') this.#left(id, reason);
    this.#parts.core.links.drop(id, CLOSE_CODE.removed, reason);
    this.onGone(id, reason);
  }

  /** Everybody is told, and the store, that a member is none any more. */
  #left(id: string, reason: LeaveReason): void {
    this.registry.change({ left: id, reason });
    this.#places.changed(id);
  }

  /** Removes an agent, telling it why; one that is awaited is told when it comes. Whether there was one. */
  evict(id: string, message: string): boolean {
    const { book } = this.#parts;
    const wasAwaited = this.awaited.settle(id);
    const saved = book.get(id);
    if (saved) {
      book
        .save({ ...saved, registered: undefined, place: undefined, evicted: message })
        .catch((error: unknown) => this.#parts.storeFailed(error));
    }
    if (wasAwaited) this.#left(id, 'evicted');
    const member = this.registry.present.get(id);
    if (!member) return wasAwaited;
    member.channel.send({ t: 'bye', code: 'ERR_SWARM_EVICTED', message });
    member.channel.finish();
    member.leaving = 'evicted';
    const { connection } = member.link;
    this.registry.present.delete(id);
    this.#left(id, 'evicted');
    void connection.close({ code: CLOSE_CODE.removed, reason: 'evicted', drainTimeout: 1000 });
    this.onGone(id, 'evicted');
    return true;
  }

  /**
   * Lets nobody in any more.
   *
   * @param farewell whether the swarm ends, which everybody is told; else another coordinator will go on, whom agents look for
   */
  async stop(farewell: boolean): Promise<void> {
    this.#stopped = true;
    this.#leases.stop();
    this.registry.stop();
    this.awaited.stop();
    this.#places.stop();
    if (!farewell) return;
    for (const member of this.registry.present.values()) {
      member.channel.send({ t: 'bye', code: 'ERR_SWARM_CLOSED', message: 'The swarm was shut down' });
      member.channel.finish();
    }
    const { book } = this.#parts;
    await book.save(...book.seated().map((member) => ({ ...member, place: undefined })));
  }
}

function registeredAs({ host, port, role, capabilities }: Registration): NonNullable<SavedMember['registered']> {
  return { host, port, role, capabilities: capabilities && [...capabilities] };
}
