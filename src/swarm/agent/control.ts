/** The agent's connection to the coordinator: joined, followed, and made again whenever it is lost. */

import type { QuicConnection } from '../../quic/index.js';
import { SwarmError } from '../errors.js';
import { ControlChannel } from '../link/control-channel.js';
import { dialError, type SwarmEndpoint } from '../link/endpoint.js';
import { streamError, type FrameStream } from '../link/frame-stream.js';
import { Link } from '../link/links.js';
import { Looks } from '../link/looks.js';
import type { Secrets } from '../security/secrets.js';
import { DEFAULT_LEASE, sameWords } from '../options.js';
import { CLOSE_CODE } from '../wire/codes.js';
import { decodeControl, type ControlMessage, type MapUpdate, type Welcome } from '../wire/control.js';
import { codeOf } from '../wire/error-codes.js';
import { MAX_COORDINATOR_CONTROL_BYTES, type Frame } from '../wire/frames.js';
import { join, type AgentFacts, type JoinParts } from './joining.js';

/** What the connection to the coordinator needs. */
export interface ControlParts extends JoinParts {
  readonly endpoint: () => SwarmEndpoint;
  /** Where the coordinator is; `undefined`: it comes here (`registerAgent`). */
  readonly coordinator: { readonly host: string; readonly port: number } | undefined;
  /** Whether the coordinator's certificate is verified by TLS (CA and name). */
  readonly verify: boolean;
  facts(): Omit<AgentFacts, 'incarnation'>;
  /** The coordinator tells of the shared map. */
  mapUpdate(update: MapUpdate): void;
  /**
   * @param early whether it came back by early data, without a full handshake
   * @param isSame whether this is the incarnation that it was before, with its connections to others
   */
  onJoined(early: boolean, isSame: boolean): void;
  onLost(error: SwarmError): void;
  /** The membership is over for good. */
  onEnded(error: SwarmError): void;
}

/** How long a lease is, the coordinator says; until then none is too long. */
const LONGEST_LEASE = 3_600_000;
const FIRST_BACKOFF = 100;
const LONGEST_BACKOFF = 5000;
const SHORTEST_ATTEMPT = 1500;
/** What trying again would not change. */
const FINAL = new Set<SwarmError['code']>([
  'ERR_SWARM_EVICTED',
  'ERR_SWARM_FORBIDDEN',
  'ERR_SWARM_UNKNOWN_SWARM',
  'ERR_SWARM_VERSION',
  'ERR_SWARM_AUTHENTICATION',
]);

export class AgentControl {
  readonly #parts: ControlParts;
  #channel: ControlChannel | undefined;
  #connection: QuicConnection | undefined;
  /** Token and certificate of the last welcome. */
  #rejoin: Uint8Array | undefined;
  #incarnation: number | undefined;
  /** Of attempts to come back; `undefined` before the first welcome. */
  #pace: Pace | undefined;
  #stopped = false;
  #attempt = 0;

  constructor(parts: ControlParts) {
    this.#parts = parts;
  }

  get isConnected(): boolean {
    return this.#channel !== undefined;
  }

  /** The connection itself, while there is one. */
  get connection(): QuicConnection | undefined {
    return this.#channel && this.#connection;
  }

  /** Dials the coordinator and joins. @throws SwarmError */
  async connect(): Promise<void> {
    const { coordinator, endpoint, verify } = this.#parts;
    if (!coordinator) throw new SwarmError('ERR_SWARM_NOT_CONNECTED', 'This agent waits to be registered');
    const rejoin = this.#rejoin;
    this.#rejoin = undefined;
    const connection = await endpoint().dial(coordinator.host, coordinator.port, {
      verify,
      earlyData: true,
      idleTimeout: 2 * LONGEST_LEASE,
      connectionTimeout: this.#pace?.attempt,
    });
    try {
      await this.#joinOver(connection, connection.earlyData === 'pending' ? rejoin : undefined);
    } catch (error) {
      void connection.close({ code: CLOSE_CODE.left, drainTimeout: 0 });
      const told = joinError(error, `the coordinator at ${coordinator.host}:${coordinator.port}`);
      // The token may be out of date, where another life of this agent has come in between. The secret, or the certificate, is not.
      if (rejoin && SwarmError.isSwarmError(told) && told.code === 'ERR_SWARM_AUTHENTICATION') return this.connect();
      throw told;
    }
  }

  async #joinOver(connection: QuicConnection, rejoin: Uint8Array | undefined): Promise<void> {
    if (!rejoin) await connection.ready;
    const link = this.#linkOf(connection);
    const channel = new ControlChannel(await link.open(undefined, MAX_COORDINATOR_CONTROL_BYTES));
    const facts = this.#facts();
    const welcome = await join(this.#parts, facts, connection, channel, rejoin);
    this.#joined(welcome, connection, channel, rejoin !== undefined);
    this.#tellChanges(facts);
  }

  #facts(): AgentFacts {
    return { ...this.#parts.facts(), incarnation: this.#incarnation };
  }

  #linkOf(connection: QuicConnection, id = 'the coordinator'): Link {
    return new Link(id, connection, this.#parts.core.limits.maxMessageBytes);
  }

  /** A connection whose first stream is a control stream: a coordinator may invite this agent. @throws SwarmError */
  async invited(connection: QuicConnection, stream: FrameStream, first: Frame, secrets?: Secrets): Promise<void> {
    const channel = new ControlChannel(stream);
    const message = decodeControl(first.payload);
    if (message.t !== 'invite') {
      throw new SwarmError('ERR_SWARM_PROTOCOL', `A stranger begins with a message of type ${message.t}`, {
        remote: true,
      });
    }
    const { swarmId, core } = this.#parts;
    if (message.id !== core.id || (swarmId !== undefined && message.swarm !== swarmId)) {
      await this.#decline(
        connection,
        channel,
        `This is agent ${core.id}${swarmId === undefined ? '' : ` of swarm ${swarmId}`}, not ${message.id} of ${message.swarm}`,
      );
      return;
    }
    if (this.isConnected && core.coordinatorId !== message.coordinator) {
      await this.#decline(
        connection,
        channel,
        `${core.id} belongs to a swarm already, which ${core.coordinatorId ?? 'another one'} coordinates`,
      );
      return;
    }
    const parts = { ...this.#parts, swarmId: message.swarm, secrets: secrets ?? this.#parts.secrets };
    const facts = this.#facts();
    const role = message.role ?? facts.role;
    const capabilities = message.capabilities ?? facts.capabilities;
    try {
      const welcome = await join(parts, { ...facts, role, capabilities }, connection, channel, undefined);
      this.#joined(welcome, connection, channel, false);
      this.#tellChanges(facts);
    } catch (error) {
      void connection.close({ code: CLOSE_CODE.refused, reason: 'not joined', drainTimeout: 0 });
      throw error;
    }
  }

  async #decline(connection: QuicConnection, channel: ControlChannel, message: string): Promise<void> {
    channel.send({ t: 'refused', code: 'ERR_SWARM_UNKNOWN_SWARM', message });
    channel.finish();
    await connection.close({ code: CLOSE_CODE.refused, reason: 'declined', drainTimeout: 1000 });
  }

  #joined(welcome: Welcome, connection: QuicConnection, channel: ControlChannel, early: boolean): void {
    const { core } = this.#parts;
    if (this.#stopped) throw new SwarmError('ERR_SWARM_CLOSED', 'This agent has left the swarm');
    if (this.#channel) this.#lost(this.#channel, undefined);
    this.#attempt = 0;
    this.#channel = channel;
    this.#connection = connection;
    this.#rejoin = welcome.rejoin;
    const isSame = this.#incarnation === welcome.incarnation;
    this.#incarnation = welcome.incarnation;
    core.configure(welcome.coordinator, welcome.config);
    const link = this.#linkOf(connection, welcome.coordinator);
    core.addLink(link);
    core.viewChanged(core.view.replace(welcome.view));
    this.#parts.mapUpdate(welcome.map);
    this.#parts.onJoined(early, isSame);
    this.#watchLease(connection, welcome.config.lease);
    this.#listen(channel).then(
      () => this.#lost(channel, undefined),
      (error: unknown) => this.#lost(channel, error),
    );
    void connection.closed.then(({ error }) => this.#lost(channel, error));
  }

  /** What has changed between hello and welcome, the coordinator has not heard of. */
  #tellChanges(told: AgentFacts): void {
    const { capabilities, concurrency, topics } = this.#facts();
    if (capabilities !== told.capabilities || concurrency !== told.concurrency) {
      this.send({ t: 'update', capabilities: [...capabilities], concurrency });
    }
    if (!sameWords(topics, told.topics)) this.send({ t: 'update', topics: [...topics] });
  }

  /** The coordinator is given up when nothing has come from it for a lease, as it gives up agents. */
  #watchLease(connection: QuicConnection, lease: number): void {
    const { clock } = this.#parts.core;
    let bytes = connection.stats().bytesReceived;
    let heard = clock.now();
    let pinged = heard;
    const looks = new Looks(clock, lease / 10, (now, since) => {
      if (connection.isClosed) {
        looks.stop();
        return;
      }
      const { bytesReceived } = connection.stats();
      // Held up itself, it has not looked at all that came.
      if (since > lease / 2 || bytesReceived !== bytes) {
        bytes = bytesReceived;
        heard = now;
      } else if (now - heard > lease) {
        connection.destroy(undefined, CLOSE_CODE.removed);
        looks.stop();
        return;
      }
      // The endpoint's own PINGs are for the usual lease: a shorter one needs more.
      if (lease < DEFAULT_LEASE && now - pinged > lease / 4) {
        pinged = now;
        connection.ping();
      }
    });
    looks.start();
  }

  async #listen(channel: ControlChannel): Promise<void> {
    for (let message = await channel.read(); message; message = await channel.read()) this.#take(message, channel);
  }

  #take(message: ControlMessage, channel: ControlChannel): void {
    const { core } = this.#parts;
    switch (message.t) {
      case 'view': {
        const events = core.view.apply(message.delta);
        if (events) core.viewChanged(events);
        else channel.send({ t: 'resync' });
        break;
      }
      case 'view-all':
        core.viewChanged(core.view.replace(message.view));
        break;
      case 'map':
        this.#parts.mapUpdate(message.update);
        break;
      case 'bye':
        this.#end(new SwarmError(codeOf(message.code, 'ERR_SWARM_PROTOCOL'), message.message, { remote: true }));
        break;
      default:
        throw new SwarmError('ERR_SWARM_PROTOCOL', `The coordinator sent a message of type ${message.t}`, {
          remote: true,
        });
    }
  }

  #lost(channel: ControlChannel, cause: unknown): void {
    if (this.#channel !== channel) return;
    const connection = this.#connection;
    this.#pace = paceOf(this.#parts.core.config?.lease ?? DEFAULT_LEASE, connection?.stats().rttMs ?? 0);
    this.#channel = undefined;
    this.#connection = undefined;
    void connection?.close({ code: CLOSE_CODE.left, drainTimeout: 0 });
    if (this.#stopped) return;
    const words = cause instanceof Error ? `: ${cause.message}` : '';
    this.#parts.onLost(
      new SwarmError('ERR_SWARM_NOT_CONNECTED', `The connection to the coordinator was lost${words}`, { cause }),
    );
    if (this.#parts.coordinator) this.#retryLater();
  }

  #retryLater(): void {
    const { clock } = this.#parts.core;
    const longest = Math.min(FIRST_BACKOFF * 2 ** this.#attempt++, this.#pace?.pause ?? LONGEST_BACKOFF);
    clock.setTimer(longest * (0.5 + Math.random() / 2), () => {
      if (this.#stopped || this.#channel) return;
      this.connect().catch((error: unknown) => this.#failed(error));
    });
  }

  #failed(error: unknown): void {
    if (this.#stopped) return;
    if (SwarmError.isSwarmError(error) && error.remote && FINAL.has(error.code)) this.#end(error);
    else this.#retryLater();
  }

  #end(error: SwarmError): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#parts.onEnded(error);
  }

  /** Sends the coordinator a message; whether there is a connection to do so. */
  send(message: ControlMessage): boolean {
    this.#channel?.send(message);
    return this.#channel !== undefined;
  }

  /** Asks for snapshots, because something is missing. */
  resync(): void {
    this.send({ t: 'resync' });
  }

  /** Leaves: says so, and connects no more. */
  leave(): void {
    this.#stopped = true;
    this.#channel?.send({ t: 'leave' });
    this.#channel?.finish();
  }
}

/** How an agent looks for the coordinator that it has lost, in milliseconds. */
interface Pace {
  /** Longest handshake. */
  readonly attempt: number;
  /** Longest pause between attempts. */
  readonly pause: number;
}

/** Often enough for a coordinator that comes back to hear of the agent within a lease, however long it was away. */
function paceOf(lease: number, rtt: number): Pace {
  const attempt = Math.min(Math.max(lease / 2, SHORTEST_ATTEMPT), LONGEST_BACKOFF);
  return {
    attempt: Math.ceil(Math.max(attempt, 4 * rtt)),
    pause: Math.min(Math.max(lease / 4, SHORTEST_ATTEMPT / 2), LONGEST_BACKOFF),
  };
}

/** Servers judge certificates of clients when those think that the handshake is over: then it is the first stream that fails. */
function joinError(error: unknown, where: string): unknown {
  const told = streamError(error, where);
  const judged = dialError(told.cause, where);
  return SwarmError.isSwarmError(judged) && judged.code === 'ERR_SWARM_AUTHENTICATION' ? judged : told;
}
