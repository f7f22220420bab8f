/** Whether an id is to be had: nobody has it, its holder asks for it, or its holder is dead; and whether the swarm has room. */

import type { QuicConnection } from '../../quic/index.js';
import { SwarmError } from '../errors.js';
import type { MemberCore } from '../member-core.js';
import type { AwaitedMembers } from './awaited.js';
import type { PresentMember } from './registry.js';

/** What vacancies depend on. */
export interface VacancyHost {
  readonly core: MemberCore;
  readonly present: ReadonlyMap<string, PresentMember>;
  readonly awaited: AwaitedMembers;
  readonly maxAgents: number;
  /** Milliseconds. */
  readonly lease: number;
}

export class Vacancies {
  readonly #host: VacancyHost;

  constructor(host: VacancyHost) {
    this.#host = host;
  }

  /** A stranger that wants the id of an awaited member stands aside until that one is back, or dead. */
  async untilDecided(id: string, fingerprint: string, connection: QuicConnection): Promise<void> {
    const { awaited } = this.#host;
    if (!awaited.has(id) || this.#isHolder(id, fingerprint)) return;
    await Promise.race([awaited.decided(id), connection.closed]);
  }

  /**
   * Another life of the same agent takes the place of the old one; a stranger with its name gets it only if the agent is dead.
   *
   * @throws SwarmError `ERR_SWARM_DUPLICATE_ID`, `ERR_SWARM_FULL`
   */
  async claim(id: string, fingerprint: string): Promise<void> {
    const { core, present, awaited } = this.#host;
    if (id === core.id)
      throw new SwarmError('ERR_SWARM_DUPLICATE_ID', `${id} is the coordinator's id; take another one`);
    const old = present.get(id);
    if (!old && !awaited.has(id)) this.#assertRoom();
    if (!old || this.#isHolder(id, fingerprint)) return;
    if (await this.#isAlive(old)) {
      throw new SwarmError(
        'ERR_SWARM_DUPLICATE_ID',
        `An agent ${id} is in the swarm already and alive; take another id, or give both lives of the agent the same certificate`,
      );
    }
  }

  #assertRoom(): void {
    const { present, awaited, maxAgents } = this.#host;
    const agents = present.size + awaited.size;
    if (agents < maxAgents) return;
    const those = awaited.size > 0 ? `, ${awaited.size} of which are awaited after a restart` : '';
    throw new SwarmError(
      'ERR_SWARM_FULL',
      `The swarm holds ${agents} agents, its maxAgents${those}; raise the limit, or let others leave`,
    );
  }

  /** Whether the member of this id shows this certificate. */
  #isHolder(id: string, fingerprint: string): boolean {
    return this.#host.core.view.get(id)?.fingerprint === fingerprint;
  }

  /** Asks for a sign of life, and waits for it for as long as a lease. */
  async #isAlive(member: PresentMember): Promise<boolean> {
    const { connection } = member.link;
    const { core, lease } = this.#host;
    const { clock } = core;
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
}
