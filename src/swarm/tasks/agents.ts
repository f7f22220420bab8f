import { IndexedHeap } from './heap.js';
import type { Agent } from './model.js';

function agentBefore(left: Agent, right: Agent): boolean {
  // Shares compared without division: a/b < c/d.
  const leftLoad = left.running.size * right.concurrency;
  const rightLoad = right.running.size * left.concurrency;
  if (leftLoad !== rightLoad) return leftLoad < rightLoad;
  if (left.running.size !== right.running.size) return left.running.size < right.running.size;
  return left.touched < right.touched;
}

function isAble(agent: Agent): boolean {
  return !agent.draining && agent.concurrency > 0;
}

/** Whether the agent may be given a task now. */
export function hasRoom(agent: Agent): boolean {
  return isAble(agent) && agent.pausedUntil === undefined && agent.running.size < agent.concurrency;
}

/** Whether the agent can do tasks of this capability. */
export function hasCapability(agent: Agent, capability: string): boolean {
  return agent.capabilities.has(capability) || agent.capabilities.has('*');
}

/** Agents, and for each capability those with room, the least loaded first. */
export class AgentPool {
  readonly #agents = new Map<string, Agent>();
  readonly #withRoom = new Map<string, IndexedHeap<Agent>>();
  /** Agents by capability that could take tasks when they have room. */
  readonly #able = new Map<string, number>();
  readonly #paused = new IndexedHeap<Agent>(
    (left, right) => (left.pausedUntil ?? Number.POSITIVE_INFINITY) < (right.pausedUntil ?? Number.POSITIVE_INFINITY),
  );
  #serial = 0;

  get(id: string): Agent | undefined {
    return this.#agents.get(id);
  }

  values(): IterableIterator<Agent> {
    return this.#agents.values();
  }

  add(agent: Agent): void {
    this.#agents.set(agent.id, agent);
    this.#count(agent, 1);
    this.touch(agent);
  }

  delete(agent: Agent): void {
    this.#agents.delete(agent.id);
    this.#paused.delete(agent);
    this.#count(agent, -1);
    for (const capability of agent.capabilities) this.#withRoom.get(capability)?.delete(agent);
  }

  /** Changes what the agent is; `change` must not touch what it runs. */
  update(agent: Agent, change: () => void): void {
    this.#count(agent, -1);
    for (const capability of agent.capabilities) this.#withRoom.get(capability)?.delete(agent);
    change();
    this.#count(agent, 1);
    this.#place(agent);
  }

  /** To be called after something was given to the agent, or came back. */
  touch(agent: Agent): void {
    agent.touched = ++this.#serial;
    this.#place(agent);
  }

  pause(agent: Agent, until: number): void {
    agent.pausedUntil = until;
    this.#paused.set(agent);
    this.#place(agent);
  }

  /** When the next pause ends. */
  get nextPauseEnd(): number {
    return this.#paused.peek()?.pausedUntil ?? Number.POSITIVE_INFINITY;
  }

  /** Ends one pause that is over. */
  endPause(now: number): Agent | undefined {
    const agent = this.#paused.peek();
    if (agent?.pausedUntil === undefined || agent.pausedUntil > now) return undefined;
    this.#paused.delete(agent);
    agent.pausedUntil = undefined;
    this.#place(agent);
    return agent;
  }

  /** How many agents could take tasks of this capability, with or without room at the moment. */
  ableCount(capability: string): number {
    return (this.#able.get(capability) ?? 0) + (this.#able.get('*') ?? 0);
  }

  /** The least loaded agent with room for this capability, other than `avoid`. */
  leastLoaded(capability: string, avoid: string | undefined): Agent | undefined {
    const accept = (agent: Agent): boolean => agent.id !== avoid;
    const special = this.#withRoom.get(capability)?.first(accept);
    const general = this.#withRoom.get('*')?.first(accept);
    if (!special || !general) return special ?? general;
    return agentBefore(general, special) ? general : special;
  }

  #count(agent: Agent, change: 1 | -1): void {
    if (!isAble(agent)) return;
    for (const capability of agent.capabilities) {
      const count = (this.#able.get(capability) ?? 0) + change;
      if (count > 0) this.#able.set(capability, count);
      else {
        this.#able.delete(capability);
        this.#withRoom.delete(capability);
      }
    }
  }

  #place(agent: Agent): void {
    const isOpen = hasRoom(agent);
    for (const capability of agent.capabilities) {
      let heap = this.#withRoom.get(capability);
      if (!isOpen) heap?.delete(agent);
      else {
        if (!heap) {
          heap = new IndexedHeap<Agent>(agentBefore);
          this.#withRoom.set(capability, heap);
        }
        heap.set(agent);
      }
    }
  }
}
