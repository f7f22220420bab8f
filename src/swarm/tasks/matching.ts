import { AgentPool, hasCapability, hasRoom } from './agents.js';
import { type Agent, type Lane, type Task, taskBefore } from './model.js';
import { TaskQueue } from './queue.js';

/** Who gets what: queued tasks on one side, agents with room on the other. */
export class Matcher {
  readonly agents = new AgentPool();
  readonly #queue = new TaskQueue();
  /** Tasks that only one agent may do, by its id. */
  readonly #pinned = new Map<string, TaskQueue>();
  #avoiding = 0;

  add(task: Task): void {
    const { requires } = task.spec;
    if (task.avoid !== undefined) this.#avoiding += 1;
    if (requires === undefined) {
      this.#queue.add(task);
      return;
    }
    let queue = this.#pinned.get(requires);
    if (!queue) {
      queue = new TaskQueue();
      this.#pinned.set(requires, queue);
    }
    queue.add(task);
  }

  delete(task: Task): void {
    if (!task.lane) return;
    if (task.lane.avoid !== undefined) this.#avoiding -= 1;
    const { requires } = task.spec;
    if (requires === undefined) {
      this.#queue.delete(task);
      return;
    }
    const queue = this.#pinned.get(requires);
    queue?.delete(task);
    if (queue?.isEmpty) this.#pinned.delete(requires);
  }

  /** Whether queued tasks avoid agents: then what they may get depends on which others are there. */
  get hasAvoiding(): boolean {
    return this.#avoiding > 0;
  }

  /** The agent for a task: able, with room, the least loaded; not the one to avoid while another one is able. */
  agentFor(capability: string, requires: string | undefined, avoid: string | undefined): Agent | undefined {
    if (requires !== undefined) {
      const agent = this.agents.get(requires);
      return agent && hasRoom(agent) && hasCapability(agent, capability) ? agent : undefined;
    }
    const other = this.agents.leastLoaded(capability, avoid);
    if (other || avoid === undefined || this.agents.ableCount(capability) > 1) return other;
    return this.agents.leastLoaded(capability, undefined);
  }

  /** The first queued task that an agent with room may get. */
  taskFor(agent: Agent): Task | undefined {
    const accept = (lane: Lane): boolean => lane.avoid !== agent.id || this.agents.ableCount(lane.capability) === 1;
    const free = this.#queue.first(agent.capabilities, accept);
    const pinned = this.#pinned.get(agent.id)?.first(agent.capabilities, () => true);
    if (!free || !pinned) return free ?? pinned;
    return taskBefore(pinned, free) ? pinned : free;
  }
}
