/** What befalls the agents while they work: one is killed in the middle of a task, another one moves to another port. */

import type { AgentStats, SwarmAgent, SwarmStats } from '../../swarm/index.js';
import { formatTime } from '../format.js';
import type { Child } from './children.js';
import type { Death, Move } from './observed.js';

/** Milliseconds between looks at the statistics, and for seeing an agent at its new port. */
const LOOK_EVERY = 200;
const SEEN_WITHIN = 5000;

export class Happenings {
  death: Death | undefined;
  move: Move | undefined;
  /** Of each agent, as the coordinator measured it last. */
  readonly agents = new Map<string, AgentStats>();
  readonly #member: SwarmAgent;
  readonly #workers: ReadonlyMap<string, Child>;
  readonly #say: (line: string) => void;
  readonly #timer: NodeJS.Timeout;
  #moved: Promise<void> | undefined;

  /** @param workers agents of which any may be killed, and any other one moved */
  constructor(member: SwarmAgent, workers: ReadonlyMap<string, Child>, say: (line: string) => void) {
    this.#member = member;
    this.#workers = workers;
    this.#say = say;
    for (const [id, child] of workers) {
      child.onReport((report) => {
        if (report.type !== 'halfway') return;
        if (this.death) child.tell({ type: 'goOn' });
        else this.#kill(id, child, report.capability);
      });
    }
    member.on('memberLeft', ({ id }, reason) => {
      if (id === this.death?.agent) this.#noticed(this.death, reason);
      if (id === this.move?.agent) this.move.departures++;
    });
    // Statistics fail only with the swarm, of which others tell.
    this.#timer = setInterval(() => void this.look().catch(() => undefined), LOOK_EVERY);
  }

  /** Asks the coordinator what it measures. */
  async look(): Promise<SwarmStats> {
    const stats = await this.#member.getStats();
    for (const agent of stats.agents) this.agents.set(agent.id, agent);
    return stats;
  }

  #kill(agent: string, child: Child, capability: string): void {
    const death: Death = { agent, pid: child.pid, capability, killedAt: performance.now() };
    this.death = death;
    void child.kill().then((how) => {
      death.how = how;
    });
    this.#say(`  killed   ${agent} (process ${child.pid}) in the middle of a task: ${capability}`);
  }

  #noticed(death: Death, reason: string): void {
    death.noticedAt ??= performance.now();
    death.reason ??= reason;
    const after = formatTime(death.noticedAt - death.killedAt);
    this.#say(`  noticed  ${death.agent} is ${reason}, after ${after}: its tasks go to others`);
  }

  /** Moves one of the workers that live to another port, once. Resolves when the coordinator has seen it there, or not. */
  moveOne(): Promise<void> {
    this.#moved ??= this.#moveOne();
    return this.#moved;
  }

  async #moveOne(): Promise<void> {
    const id = [...this.#workers.keys()].find((worker) => worker !== this.death?.agent) ?? '';
    const before = (await this.look()).agents.find((agent) => agent.id === id);
    if (!before) return;
    const move: Move = { agent: id, at: performance.now(), before, departures: 0 };
    this.move = move;
    await this.#member.request(id, 'move');
    while (performance.now() - move.at < SEEN_WITHIN) {
      const now = (await this.look()).agents.find((agent) => agent.id === id);
      if (now && now.address !== before.address) {
        move.after = now;
        this.#say(`  moved    ${id} from ${before.address} to ${now.address}, on the same connection`);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
