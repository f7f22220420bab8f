/** What was seen of the demonstration. The judgement at its end, and what a person reads, come from this alone. */

import type { AgentStats, SwarmStats } from '../../swarm/index.js';
import type { FinishedIndex } from './assemble.js';
import type { Input } from './input.js';
import type { Ledger } from './ledger.js';

/** An agent that was killed. Times in milliseconds since the start of this process. */
export interface Death {
  readonly agent: string;
  readonly pid: number;
  /** Of the task in whose middle it was. */
  readonly capability: string;
  readonly killedAt: number;
  /** How the process ended. */
  how?: string;
  /** When this member was told, and what. */
  noticedAt?: number;
  reason?: string;
}

/** An agent that moved to another port, as the coordinator saw it. */
export interface Move {
  readonly agent: string;
  readonly at: number;
  readonly before: Pick<AgentStats, 'address' | 'incarnation'>;
  after?: Pick<AgentStats, 'address' | 'incarnation'>;
  /** Losses of its connection that anybody was told of. */
  departures: number;
}

export interface Observed {
  readonly input: Input;
  readonly ledger: Ledger;
  readonly index: FinishedIndex;
  readonly death: Death | undefined;
  readonly move: Move | undefined;
  /** Of each agent, as the coordinator measured it last. */
  readonly agents: ReadonlyMap<string, AgentStats>;
  readonly stats: SwarmStats;
  /** Milliseconds from the first task to the last result. */
  readonly ms: number;
}
