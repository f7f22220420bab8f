import { SwarmError } from '../errors.js';
import { checkNumber } from './limits.js';
import type { Agent } from './model.js';
import { checkName } from './task.js';

/** An agent that takes tasks. */
export interface TaskAgent {
  /** Id of the member: 1 to 256 characters. */
  readonly id: string;
  /** Number of this life of the member; a later life has a larger one. 0 to 2^53 - 1. */
  readonly incarnation: number;
  /** What it can do: at most 1000 words of 1 to 256 characters; `*` means everything. */
  readonly capabilities: readonly string[];
  /** Tasks that it does at a time. 0 to 10,000; 0: none. */
  readonly concurrency: number;
}

/** What may change in the life of an agent; what is left out stays. */
export interface TaskAgentChange {
  readonly id: string;
  readonly incarnation: number;
  readonly capabilities?: readonly string[] | undefined;
  readonly concurrency?: number | undefined;
  /** Whether it is to get nothing new. */
  readonly draining?: boolean | undefined;
}

/** Capabilities as a set, `*` alone when it is among them; throws `ERR_SWARM_INVALID_OPTION`. */
function checkCapabilities(capabilities: readonly string[]): ReadonlySet<string> {
  if (!Array.isArray(capabilities) || capabilities.length > 1000) {
    throw new SwarmError('ERR_SWARM_INVALID_OPTION', 'capabilities must be an array of at most 1000 strings');
  }
  const set = new Set(capabilities.map((capability: unknown) => checkName('a capability', capability)));
  return set.has('*') ? new Set('*') : set;
}

/** How many tasks an agent does at a time; throws `ERR_SWARM_INVALID_OPTION`. */
function checkConcurrency(concurrency: number): number {
  return checkNumber('concurrency', concurrency, 0, 10_000);
}

/** A new agent; throws `ERR_SWARM_INVALID_OPTION`. */
export function makeAgent(given: TaskAgent): Agent {
  return {
    id: checkName('id', given.id),
    incarnation: checkNumber('incarnation', given.incarnation, 0, Number.MAX_SAFE_INTEGER),
    capabilities: checkCapabilities(given.capabilities),
    concurrency: checkConcurrency(given.concurrency),
    draining: false,
    pausedUntil: undefined,
    rejections: 0,
    running: new Set(),
    touched: 0,
    done: 0,
    failed: 0,
  };
}

/** What makes the change; throws `ERR_SWARM_INVALID_OPTION` before it does anything. */
export function changeAgent(agent: Agent, change: TaskAgentChange): () => void {
  const capabilities = change.capabilities ? checkCapabilities(change.capabilities) : agent.capabilities;
  const concurrency = change.concurrency === undefined ? agent.concurrency : checkConcurrency(change.concurrency);
  return () => {
    agent.capabilities = capabilities;
    agent.concurrency = concurrency;
    agent.draining = change.draining ?? agent.draining;
  };
}
