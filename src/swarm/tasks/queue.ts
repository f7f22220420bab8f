import { IndexedHeap } from './heap.js';
import { type Lane, type Task, taskBefore } from './model.js';

interface CapabilityLanes {
  readonly byHead: IndexedHeap<Lane>;
  readonly byAvoid: Map<string | undefined, Lane>;
}

function laneBefore(left: Lane, right: Lane): boolean {
  const leftHead = left.tasks.peek();
  const rightHead = right.tasks.peek();
  return leftHead !== undefined && rightHead !== undefined && taskBefore(leftHead, rightHead);
}

/**
 * Tasks that wait for agents. Lanes make it possible to pass over what an agent should not get without looking at each task:
 * the first task for an agent is the head of a lane.
 */
export class TaskQueue {
  readonly #all = new IndexedHeap<Lane>(laneBefore);
  readonly #capabilities = new Map<string, CapabilityLanes>();

  get isEmpty(): boolean {
    return this.#all.size === 0;
  }

  add(task: Task): void {
    const { capability } = task.spec;
    let lanes = this.#capabilities.get(capability);
    if (!lanes) {
      lanes = { byHead: new IndexedHeap<Lane>(laneBefore), byAvoid: new Map() };
      this.#capabilities.set(capability, lanes);
    }
    let lane = lanes.byAvoid.get(task.avoid);
    if (!lane) {
      lane = { capability, avoid: task.avoid, tasks: new IndexedHeap<Task>(taskBefore) };
      lanes.byAvoid.set(task.avoid, lane);
    }
    lane.tasks.set(task);
    task.lane = lane;
    if (lane.tasks.peek() === task) {
      lanes.byHead.set(lane);
      this.#all.set(lane);
    }
  }

  delete(task: Task): void {
    const { lane } = task;
    const lanes = lane && this.#capabilities.get(lane.capability);
    task.lane = undefined;
    if (!lanes) return;
    const wasHead = lane.tasks.peek() === task;
    lane.tasks.delete(task);
    if (!wasHead) return;
    if (lane.tasks.size > 0) {
      lanes.byHead.set(lane);
      this.#all.set(lane);
      return;
    }
    lanes.byHead.delete(lane);
    this.#all.delete(lane);
    lanes.byAvoid.delete(lane.avoid);
    if (lanes.byAvoid.size === 0) this.#capabilities.delete(lane.capability);
  }

  /** The first task in the lanes that `accept` takes, for an agent with these capabilities. */
  first(capabilities: ReadonlySet<string>, accept: (lane: Lane) => boolean): Task | undefined {
    if (capabilities.has('*')) return this.#all.first(accept)?.tasks.peek();
    let best: Task | undefined;
    for (const capability of capabilities) {
      const task = this.#capabilities.get(capability)?.byHead.first(accept)?.tasks.peek();
      if (task && (!best || taskBefore(task, best))) best = task;
    }
    return best;
  }
}
