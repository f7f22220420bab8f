/** Agents that the coordinator dials: invited once, and again whenever they are lost. */

import type { QuicConnection } from '../../quic/index.js';
import { SwarmError } from '../errors.js';
import { ControlChannel, readWithin } from '../link/control-channel.js';
import type { SwarmEndpoint } from '../link/endpoint.js';
import { Link } from '../link/links.js';
import type { MemberCore } from '../member-core.js';
import type { MemberInfo } from '../membership/view.js';
import { CLOSE_CODE, SWARM_VERSIONS } from '../wire/codes.js';
import { codeOf } from '../wire/error-codes.js';
import type { Coordinator, Registration } from './coordinator.js';

/** What registering needs. */
export interface RegistrationParts {
  readonly core: MemberCore;
  readonly swarmId: string;
  readonly endpoint: () => SwarmEndpoint;
  readonly coordinator: Coordinator;
}

const ANSWER_TIMEOUT = 10_000;
const FIRST_BACKOFF = 200;
const LONGEST_BACKOFF = 5000;

export class Registrations {
  readonly #parts: RegistrationParts;
  readonly #wanted = new Map<string, Registration>();
  #stopped = false;

  constructor(parts: RegistrationParts) {
    this.#parts = parts;
  }

  /** Dials an agent and lets it in. From then on it is dialled again whenever it is lost. @throws SwarmError */
  async register(registration: Registration): Promise<MemberInfo> {
    const member = await this.#invite(registration);
    this.#wanted.set(registration.id, registration);
    return member;
  }

  /** Goes on with what an earlier life of the coordinator has registered. */
  resume(registration: Registration): void {
    this.#wanted.set(registration.id, registration);
    this.#again(registration, 0);
  }

  /** Dials no more. */
  forget(id: string): void {
    this.#wanted.delete(id);
  }

  /** A member is gone: if it was registered, it is dialled. */
  gone(id: string): void {
    const registration = this.#wanted.get(id);
    if (registration) this.#again(registration, 0);
  }

  #again(registration: Registration, attempt: number): void {
    const { core, coordinator } = this.#parts;
    const delay = Math.min(FIRST_BACKOFF * 2 ** attempt, LONGEST_BACKOFF) * (0.5 + Math.random() / 2);
    const timer = core.clock.setTimer(delay, () => {
      if (this.#stopped || this.#wanted.get(registration.id) !== registration) return;
      if (coordinator.registry.present.has(registration.id)) return;
      this.#invite(registration).catch(() => this.#again(registration, attempt + 1));
    });
    timer.unref();
  }

  async #invite(registration: Registration): Promise<MemberInfo> {
    const { core, endpoint, coordinator, swarmId } = this.#parts;
    const { id, host, port, role, capabilities } = registration;
    const connection = await endpoint().dial(host, port, {});
    try {
      const link = new Link(id, connection, core.limits.maxMessageBytes);
      const channel = new ControlChannel(await link.open());
      channel.send({
        t: 'invite',
        versions: [...SWARM_VERSIONS],
        swarm: swarmId,
        coordinator: core.id,
        id,
        role,
        capabilities: capabilities && [...capabilities],
      });
      const answer = await readWithin(channel, core.clock, ANSWER_TIMEOUT, `${id} at ${host}:${port}`);
      if (answer?.t === 'refused') {
        throw new SwarmError(codeOf(answer.code, 'ERR_SWARM_PROTOCOL'), `${host}:${port} declines: ${answer.message}`, {
          remote: true,
        });
      }
      if (answer?.t !== 'hello' || answer.id !== id) {
        throw new SwarmError('ERR_SWARM_PROTOCOL', `${host}:${port} does not answer as agent ${id}`, { remote: true });
      }
      return await this.#admit(answer, connection, channel, coordinator, registration);
    } catch (error) {
      void connection.close({ code: CLOSE_CODE.left, drainTimeout: 0 });
      throw error;
    }
  }

  async #admit(
    hello: Parameters<Coordinator['admit']>[0],
    connection: QuicConnection,
    channel: ControlChannel,
    coordinator: Coordinator,
    registration: Registration,
  ): Promise<MemberInfo> {
    try {
      return await coordinator.admit(hello, connection, channel, registration);
    } catch (error) {
      await coordinator.refuse(connection, channel, error);
      throw error;
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#wanted.clear();
  }
}
