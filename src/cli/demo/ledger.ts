/** Tasks of the demonstration: submitted, followed, and written down. */

import type { SwarmMember, TaskEvent } from '../../swarm/index.js';
import type { DemoCapability } from './tasks.js';

/** What became of one task. */
export interface TaskEntry {
  readonly id: string;
  readonly capability: DemoCapability;
  /** Agents that were given it, in turn. */
  readonly agents: string[];
  /** The one that finished it. */
  doneBy: string | undefined;
  /** Milliseconds since the start of this process. */
  doneAt: number;
}

/** Tasks that are submitted and not done at a time: their payloads are in memory at three places. */
const UNDER_WAY = 48;

export class Ledger {
  readonly entries: TaskEntry[] = [];
  readonly #member: SwarmMember;
  readonly #onDone: (entry: TaskEntry) => void;
  #underWay = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(member: SwarmMember, onDone: (entry: TaskEntry) => void) {
    this.#member = member;
    this.#onDone = onDone;
  }

  /** Submits a task and waits for its result. */
  async run(capability: DemoCapability, payload: unknown): Promise<unknown> {
    if (this.#underWay >= UNDER_WAY) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#underWay++;
    try {
      const task = await this.#member.submit({ capability, payload });
      const entry: TaskEntry = { id: task.id, capability, agents: [], doneBy: undefined, doneAt: NaN };
      this.entries.push(entry);
      task.on('event', (event: TaskEvent) => {
        if (event.type === 'assigned') entry.agents.push(event.agent);
      });
      const result = await task.result;
      entry.doneBy = entry.agents.at(-1);
      entry.doneAt = performance.now();
      this.#onDone(entry);
      return result;
    } finally {
      this.#underWay--;
      this.#waiting.shift()?.();
    }
  }

  get done(): readonly TaskEntry[] {
    return this.entries.filter(({ doneBy }) => doneBy !== undefined);
  }

  /** Tasks that an agent finished, by capability. */
  doneBy(agent: string): ReadonlyMap<DemoCapability, number> {
    const counts = new Map<DemoCapability, number>();
    for (const { capability, doneBy } of this.entries) {
      if (doneBy === agent) counts.set(capability, (counts.get(capability) ?? 0) + 1);
    }
    return counts;
  }
}
