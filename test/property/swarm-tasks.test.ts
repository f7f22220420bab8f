/**
 * The scheduler of tasks under whatever may happen: agents come, fail, leave and return; reports come late and twice; time
 * passes; the coordinator is killed between any two steps of its driver and starts again from what was saved.
 *
 * The seed is fixed in CI; `FC_SEED=1234 npm test -- property` tries another, and a failure prints its own.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';

import {
  type SchedulerAction,
  type TaskRecord,
  TaskScheduler,
  type TaskSpec,
  type TaskState,
  isFinished,
  needsPayload,
} from '../../src/swarm/tasks/index.js';

const parameters = (numRuns: number): fc.Parameters<unknown> => ({
  seed: Number(process.env['FC_SEED'] ?? 20_261_125),
  numRuns: Number(process.env['FC_RUNS'] ?? numRuns),
});

interface AgentModel {
  incarnation: number;
  capabilities: readonly string[];
  readonly concurrency: number;
  isDraining: boolean;
  /** What it was told to do, and not to stop: `id` to attempt. */
  readonly running: Map<string, number>;
}

interface Assignment {
  readonly id: string;
  readonly attempt: number;
  readonly agent: string;
  readonly incarnation: number;
}

/** What is on disk. */
interface Stored {
  record: TaskRecord;
  payload: Uint8Array | undefined;
  result: Uint8Array | undefined;
}

/** Small, so that each is met. */
const limits = {
  maxQueued: 4,
  maxPayloadBytes: 200,
  maxParked: 4,
  retention: 4000,
  maxFinished: 20,
  deadRetention: 6000,
  maxDead: 4,
  attemptsKept: 5,
  maxInterruptions: 2,
};

function durable(record: TaskRecord): TaskRecord {
  const copy = JSON.parse(JSON.stringify(record)) as TaskRecord;
  assert.deepEqual(copy, record, 'a record is plain data');
  return copy;
}

/** A driver with a store and agents, and what submitters were told. */
class World {
  now = 1_700_000_000_000;
  scheduler: TaskScheduler;
  readonly store = new Map<string, Stored>();
  readonly agents = new Map<string, AgentModel>();
  /** Every assignment that was ever told, for late reports. */
  readonly assignments: Assignment[] = [];
  /** Tasks whose submitter heard that they were accepted. */
  readonly accepted = new Map<string, TaskSpec>();
  /** What submitters heard of the end. */
  readonly settled = new Map<string, TaskState>();
  readonly forgotten = new Set<string>();
  /** Last attempt of each task that anybody was told of. */
  readonly lastAttempt = new Map<string, number>();
  readonly parked: string[] = [];
  readonly called: string[] = [];
  /** Submitted, but not saved yet. */
  #pending: [string, TaskSpec][] = [];
  #random: number;
  #ids = 0;
  /** Dead letters that were put back since the last write. */
  readonly #revived = new Set<string>();
  #incarnations = 0;

  constructor(seed: number) {
    this.#random = seed;
    this.scheduler = this.#start();
  }

  #start(): TaskScheduler {
    const random = (): number => {
      this.#random = (this.#random * 16_807) % 2_147_483_647;
      return this.#random / 2_147_483_647;
    };
    return new TaskScheduler({ now: this.now, random, limits });
  }

  nextId(): string {
    this.#ids += 1;
    return `t${this.#ids}`;
  }

  submit(id: string, spec: TaskSpec): void {
    const result = this.scheduler.submit(this.now, id, spec);
    if (result.status === 'accepted') this.#pending.push([id, spec]);
    else if (result.status === 'exists') {
      assert.notEqual(spec.idempotencyKey, undefined);
      const known = this.accepted.get(result.id) ?? this.#pending.find(([pending]) => pending === result.id)?.[1];
      assert.equal(known?.idempotencyKey, spec.idempotencyKey);
      assert.equal(known?.submitter, spec.submitter);
    } else if (this.scheduler.park(this.now, id, spec.capability, spec.payload.length)) this.parked.push(id);
  }

  /** Drains as a driver does. `killAt` stops it: 0 before the write, n after n - 1 further actions. */
  drain(killAt = Number.POSITIVE_INFINITY): void {
    const batch = this.scheduler.take();
    this.#checkState();
    if (killAt === 0) return;
    let isSaving = true;
    for (const action of batch) {
      if (action.kind !== 'save') isSaving = false;
      else {
        assert.ok(isSaving, 'saves come first');
        this.#save(action);
      }
    }
    for (const action of batch) {
      if (action.kind !== 'forgotten') continue;
      assert.ok(this.store.delete(action.id));
      this.forgotten.add(action.id);
    }
    for (const [id, spec] of this.#pending) this.accepted.set(id, spec);
    this.#pending = [];
    let count = 1;
    for (const action of batch) {
      if (action.kind === 'save') continue;
      if (count >= killAt) return;
      count += 1;
      this.#tell(action);
    }
  }

  #save(action: Extract<SchedulerAction, { kind: 'save' }>): void {
    const stored = this.store.get(action.record.id);
    if (stored) {
      assert.equal(action.payload, undefined, 'a payload is saved once');
      const { state } = stored.record;
      assert.ok(!isFinished(state) || state === 'dead', 'what is finished is not saved again, unless it is revived');
      assert.equal(isFinished(state), this.#revived.delete(action.record.id));
      stored.record = durable(action.record);
      stored.result = action.result;
    } else {
      this.store.set(action.record.id, {
        record: durable(action.record),
        payload: action.payload,
        result: action.result,
      });
      if (needsPayload(action.record.state)) assert.ok(action.payload, 'a new task brings its payload');
    }
  }

  #tell(action: SchedulerAction): void {
    switch (action.kind) {
      case 'save':
      case 'requeued':
      case 'forgotten':
        return;
      case 'assign': {
        const { id, agent, incarnation, attempt } = action;
        assert.ok(attempt > (this.lastAttempt.get(id) ?? 0), 'attempts have new numbers');
        this.lastAttempt.set(id, attempt);
        assert.ok((this.store.get(id)?.record.attempt ?? attempt) >= attempt, 'saved before it is told');
        if (action.payload) assert.equal(action.payload.length, action.spec.payloadSize);
        else assert.ok(this.store.get(id)?.payload ?? isFinished(this.store.get(id)?.record.state ?? 'done'));
        this.assignments.push({ id, agent, incarnation, attempt });
        const model = this.agents.get(agent);
        if (model?.incarnation === incarnation) model.running.set(id, attempt);
        return;
      }
      case 'revoke': {
        const model = this.agents.get(action.agent);
        if (model?.incarnation === action.incarnation) model.running.delete(action.id);
        return;
      }
      case 'settled': {
        const { record } = action;
        assert.ok(isFinished(record.state));
        assert.ok(!this.settled.has(action.id), `${action.id} settles once`);
        assert.equal(action.result !== undefined, record.state === 'done');
        assert.equal(record.error === undefined, record.state === 'done');
        const stored = this.store.get(action.id);
        if (stored) assert.deepEqual(stored.record, record, 'saved before it is told');
        else assert.ok(this.forgotten.has(action.id));
        this.settled.set(action.id, record.state);
        return;
      }
      case 'room': {
        const index = this.parked.indexOf(action.id);
        assert.notEqual(index, -1, 'room is for those who wait');
        this.parked.splice(index, 1);
        this.called.push(action.id);
        return;
      }
    }
  }

  /** What must hold at any time. */
  #checkState(): void {
    const load = new Map<string, number>();
    const { tasks, counters, payloadBytes } = this.scheduler.stats(this.now);
    const counted: Partial<Record<TaskState, number>> = {};
    let bytes = 0;
    const idle = this.scheduler
      .agents()
      .filter((agent) => !agent.isDraining && agent.pausedUntil === undefined && agent.assigned < agent.concurrency);
    const able = this.scheduler.agents().filter((agent) => !agent.isDraining);
    const queuedWith = new Map<string, TaskRecord[]>();
    for (const record of this.scheduler.tasks({ limit: 100_000 })) {
      counted[record.state] = (counted[record.state] ?? 0) + 1;
      if (!isFinished(record.state)) bytes += record.spec.payloadSize;
      assert.ok(record.attempts.length <= limits.attemptsKept);
      assert.ok(record.failures <= record.spec.maxAttempts);
      const open = record.attempts.filter((attempt) => attempt.endedAt === undefined);
      assert.equal(open.length, record.state === 'assigned' ? 1 : 0, 'one current attempt, and only when assigned');
      if (record.state === 'assigned') {
        const attempt = open[0]!;
        assert.equal(attempt, record.attempts.at(-1));
        assert.equal(attempt.attempt, record.attempt);
        load.set(attempt.agent, (load.get(attempt.agent) ?? 0) + 1);
        const model = this.agents.get(attempt.agent);
        assert.equal(model?.incarnation, attempt.incarnation, 'assigned to an agent that is there');
        assert.ok(model.capabilities.includes(record.spec.capability) || model.capabilities.includes('*'));
        if (record.spec.requires !== undefined) assert.equal(attempt.agent, record.spec.requires);
      }
      if (record.state === 'waiting' || (record.deadlineAt !== undefined && !isFinished(record.state))) {
        const next = this.scheduler.nextTimeout();
        assert.ok(next !== undefined && next <= Math.min(record.readyAt ?? Infinity, record.deadlineAt ?? Infinity));
      }
      if (record.state === 'queued') {
        const list = queuedWith.get(record.spec.capability) ?? [];
        list.push(record);
        queuedWith.set(record.spec.capability, list);
      }
    }
    // Nobody idles while there is something for it, but for a task that waits a little for another agent.
    for (const agent of idle) {
      for (const record of [...queuedWith.values()].flat()) {
        const { capability, requires } = record.spec;
        const has = (capabilities: readonly string[]): boolean =>
          capabilities.includes(capability) || capabilities.includes('*');
        if (!has(agent.capabilities) || (requires !== undefined && requires !== agent.id)) continue;
        assert.equal(record.attempts.at(-1)?.agent, agent.id, `${record.id} waits while ${agent.id} is idle`);
        assert.ok(able.some((other) => other.id !== agent.id && has(other.capabilities)));
        assert.notEqual(this.scheduler.nextTimeout(), undefined);
      }
    }
    for (const agent of this.scheduler.agents()) {
      assert.equal(agent.assigned, load.get(agent.id) ?? 0);
      assert.ok(agent.assigned <= agent.concurrency, `${agent.id} has ${agent.assigned}`);
    }
    for (const [state, count] of Object.entries(tasks)) assert.equal(count, counted[state as TaskState] ?? 0, state);
    assert.equal(payloadBytes, bytes);
    assert.ok(bytes <= limits.maxPayloadBytes);
    const { accepted, restored, revived, done, failed, dead, cancelled, expired } = counters;
    const unfinished = tasks.queued + tasks.waiting + tasks.assigned;
    assert.equal(accepted + restored + revived, done + failed + dead + cancelled + expired + unfinished);
  }

  /** Kill -9, and a start from the store. */
  restart(): void {
    this.#pending = [];
    this.#revived.clear();
    this.parked.length = 0;
    this.called.length = 0;
    this.agents.clear();
    this.scheduler = this.#start();
    this.scheduler.restore(
      Array.from(this.store.values(), ({ record }) => durable(record)),
      this.now,
    );
    this.drain();
    // Submitters come back and ask for what they had been promised.
    for (const id of this.accepted.keys()) {
      const record = this.scheduler.get(id);
      if (record && isFinished(record.state)) {
        const told = this.settled.get(id);
        if (told === undefined) this.settled.set(id, record.state);
        else assert.equal(record.state, told);
      } else if (!record) assert.ok(this.forgotten.has(id), `${id} was lost`);
      else assert.ok(!this.settled.has(id), `${id} goes on after its end`);
    }
  }

  /** Puts a dead letter back, all drained before: its submitter waits for an end once more. */
  revive(id: string): void {
    this.drain();
    const isDead = this.scheduler.get(id)?.state === 'dead';
    assert.equal(this.scheduler.retryDead(this.now, id), isDead);
    if (!isDead) return;
    this.#revived.add(id);
    this.settled.delete(id);
  }

  pass(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (
      let next = this.scheduler.nextTimeout();
      next !== undefined && next <= end;
      next = this.scheduler.nextTimeout()
    ) {
      this.now = Math.max(this.now, next);
      this.scheduler.handleTimeout(this.now);
      this.drain();
      const after = this.scheduler.nextTimeout();
      assert.ok(after === undefined || after > next, 'a timeout does something');
    }
    this.now = end;
  }

  comeCalled(): void {
    for (const id of this.called.splice(0)) {
      const spec: TaskSpec = { capability: 'a', payload: new Uint8Array(1), submitter: 's', maxAttempts: 1 };
      assert.equal(this.scheduler.submit(this.now, id, spec).status, 'accepted', 'who was called has a place');
      this.#pending.push([id, spec]);
    }
    this.drain();
  }

  /** From now on all goes well: everything must end. */
  finish(): void {
    this.comeCalled();
    for (let round = 0; round < 400; round += 1) {
      for (const id of ['x', 'y', 'p']) {
        if (this.agents.has(id)) continue;
        this.join(id, ['*'], 4);
      }
      for (const [id, agent] of this.agents) {
        agent.isDraining = false;
        agent.capabilities = ['*'];
        const { incarnation, capabilities } = agent;
        this.scheduler.agentChanged(this.now, { id, incarnation, capabilities, draining: false });
      }
      this.drain();
      for (const agent of this.agents.values()) {
        for (const [id, attempt] of [...agent.running]) {
          agent.running.delete(id);
          assert.equal(this.scheduler.completed(this.now, id, attempt, new Uint8Array(2)), true);
          this.drain();
        }
      }
      this.comeCalled();
      const { queued, waiting, assigned } = this.scheduler.stats(this.now).tasks;
      if (queued + waiting + assigned === 0 && this.parked.length === 0) break;
      this.pass(100);
    }
    const { tasks } = this.scheduler.stats(this.now);
    assert.deepEqual([tasks.queued, tasks.waiting, tasks.assigned, this.parked.length], [0, 0, 0, 0], 'nothing hangs');
    for (const id of this.accepted.keys())
      assert.ok(this.settled.has(id) || this.forgotten.has(id), `${id} has an end`);
  }

  join(id: string, capabilities: readonly string[], concurrency: number): void {
    this.#incarnations += 1;
    const incarnation = this.#incarnations;
    this.agents.set(id, { incarnation, capabilities, concurrency, isDraining: false, running: new Map() });
    assert.equal(this.scheduler.agentJoined(this.now, { id, incarnation, capabilities, concurrency }), true);
  }
}

type Step = (world: World, pick: <T>(items: readonly T[]) => T | undefined) => void;

const capability = fc.constantFrom('a', 'b', 'c');
const agentId = fc.constantFrom('x', 'y', 'z', 'p');
const specs = fc.record({
  capability,
  size: fc.nat(60),
  submitter: fc.constantFrom('s', 'u'),
  priority: fc.constantFrom(-100, 0, 0, 5, 100),
  maxAttempts: fc.integer({ min: 1, max: 4 }),
  deadline: fc.option(fc.integer({ min: 1, max: 5000 }), { nil: undefined, freq: 4 }),
  attemptTimeout: fc.option(fc.integer({ min: 1, max: 2000 }), { nil: undefined, freq: 4 }),
  key: fc.option(fc.constantFrom('k1', 'k2', 'k3'), { nil: undefined, freq: 4 }),
  requires: fc.option(fc.constantFrom('p', 'x'), { nil: undefined, freq: 6 }),
  initial: fc.constantFrom(0, 50, 200),
});

/** One report about an assignment: of any age, so that most are about attempts that are over. */
const report =
  (say: (world: World, assignment: Assignment) => boolean): Step =>
  (world, pick) => {
    const recent = world.assignments.slice(-6);
    const assignment = pick(recent);
    if (!assignment) return;
    const { id, attempt, agent, incarnation } = assignment;
    const record = world.scheduler.get(id);
    const isCurrent = record?.state === 'assigned' && record.attempt === attempt;
    assert.equal(say(world, assignment), isCurrent, 'only the current attempt is heard');
    const model = world.agents.get(agent);
    if (isCurrent && model?.incarnation === incarnation) model.running.delete(id);
  };

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: specs.map(
      ({ size, key, initial, capability: wanted, ...rest }): Step =>
        (world) => {
          // A key always names the same task.
          const length = key === undefined ? size : 7;
          const named = key === undefined ? wanted : 'a';
          world.submit(world.nextId(), {
            ...rest,
            capability: named,
            payload: new Uint8Array(length),
            idempotencyKey: key,
            backoff: { initial },
          });
        },
    ),
  },
  {
    weight: 4,
    arbitrary: fc
      .record({
        id: agentId,
        capabilities: fc.oneof(fc.subarray(['a', 'b', 'c'], { minLength: 1 }), fc.constant(['*'])),
        concurrency: fc.integer({ min: 1, max: 3 }),
      })
      .map(
        ({ id, capabilities, concurrency }): Step =>
          (world) =>
            world.join(id, capabilities, concurrency),
      ),
  },
  {
    weight: 2,
    arbitrary: fc.record({ id: agentId, why: fc.constantFrom('left', 'lost', 'evicted' as const) }).map(
      ({ id, why }): Step =>
        (world) => {
          const model = world.agents.get(id);
          if (!model) return;
          world.agents.delete(id);
          assert.equal(world.scheduler.agentLeft(world.now, id, model.incarnation, why as 'left' | 'lost'), true);
          // Incarnations grow, also over an absence.
          assert.equal(world.scheduler.agentLeft(world.now, id, model.incarnation, 'lost'), false);
        },
    ),
  },
  {
    weight: 1,
    arbitrary: agentId.map(
      (id): Step =>
        (world) => {
          const model = world.agents.get(id);
          if (!model) return;
          model.isDraining = true;
          world.scheduler.agentDraining(world.now, id, model.incarnation);
        },
    ),
  },
  {
    weight: 6,
    arbitrary: fc.constant(
      report((world, { id, attempt }) => world.scheduler.completed(world.now, id, attempt, new Uint8Array(1))),
    ),
  },
  {
    weight: 5,
    arbitrary: fc
      .boolean()
      .map((retry) =>
        report((world, { id, attempt }) =>
          world.scheduler.failed(world.now, id, attempt, { code: 'E', message: 'm', retry }),
        ),
      ),
  },
  {
    weight: 2,
    arbitrary: fc.constant(report((world, { id, attempt }) => world.scheduler.rejected(world.now, id, attempt))),
  },
  {
    weight: 1,
    arbitrary: fc.constant<Step>((world, pick) => {
      const assignment = pick(world.assignments);
      if (!assignment) return;
      const before = world.scheduler.get(assignment.id);
      world.scheduler.progress(world.now, assignment.id, assignment.attempt);
      assert.deepEqual(world.scheduler.get(assignment.id), before);
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constant<Step>((world, pick) => {
      const id = pick([...world.accepted.keys()]);
      if (id === undefined) return;
      const record = world.scheduler.get(id);
      const isOpen = record !== undefined && !isFinished(record.state);
      assert.equal(world.scheduler.cancel(world.now, id, 'not wanted'), isOpen);
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constant<Step>((world, pick) => {
      const id = pick(world.scheduler.deadLetters().map((record) => record.id));
      if (id !== undefined) world.revive(id);
    }),
  },
  {
    weight: 1,
    arbitrary: agentId.map(
      (id): Step =>
        (world) => {
          const model = world.agents.get(id);
          if (!model) return;
          model.capabilities = ['*'];
          model.isDraining = false;
          const { incarnation, capabilities } = model;
          world.scheduler.agentChanged(world.now, { id, incarnation, capabilities, draining: false });
        },
    ),
  },
  { weight: 1, arbitrary: fc.constant<Step>((world) => world.comeCalled()) },
  {
    weight: 1,
    arbitrary: fc.constant<Step>((world, pick) => {
      const id = pick(world.parked);
      if (id === undefined) return;
      world.parked.splice(world.parked.indexOf(id), 1);
      assert.equal(world.scheduler.unpark(world.now, id), true);
    }),
  },
  {
    weight: 5,
    arbitrary: fc.oneof(fc.nat(60), fc.integer({ min: 60, max: 3000 })).map(
      (time): Step =>
        (world) =>
          world.pass(time),
    ),
  },
);

/** After each step: the driver drains, or waits for more, or is killed on the way. */
const pace = fc.oneof(
  { weight: 12, arbitrary: fc.constant<number>(Number.POSITIVE_INFINITY) },
  { weight: 6, arbitrary: fc.constant(-1) },
  { weight: 1, arbitrary: fc.nat(6) },
);

test('every accepted task ends once, whatever happens', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(steps, pace, fc.nat()), { maxLength: 120, size: 'max' }),
      fc.integer({ min: 1, max: 2_147_483_646 }),
      (list, seed) => {
        const world = new World(seed);
        for (const [step, killAt, choice] of list) {
          step(world, (items) => items[items.length === 0 ? 0 : choice % items.length]);
          if (killAt === -1) continue;
          world.drain(killAt);
          if (killAt !== Number.POSITIVE_INFINITY) world.restart();
        }
        world.drain();
        world.finish();
        world.restart();
        assert.equal(world.scheduler.stats(world.now).counters.restored, 0);
      },
    ),
    parameters(300),
  );
});

test('priorities and the order of submission are kept, and attempts that come back keep their place', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ priority: fc.integer({ min: -2, max: 2 }), capability: fc.constantFrom('a', 'b') }), {
        maxLength: 40,
      }),
      fc.array(fc.boolean(), { maxLength: 20 }),
      fc.boolean(),
      (tasks, rejections, all) => {
        const scheduler = new TaskScheduler({ now: 0, random: () => 0 });
        for (const [index, task] of tasks.entries()) {
          scheduler.submit(0, String(index), { ...task, payload: new Uint8Array(0), submitter: 's' });
        }
        const expected = tasks
          .map((task, index) => ({ ...task, index }))
          .sort((left, right) => right.priority - left.priority || left.index - right.index)
          .map(({ index }) => String(index));
        scheduler.agentJoined(0, { id: 'x', incarnation: 1, capabilities: all ? ['*'] : ['b', 'a'], concurrency: 1 });
        const order: string[] = [];
        for (let time = 1; order.length < tasks.length && time < 200; time += 1) {
          const assigned = scheduler.take().filter((action) => action.kind === 'assign');
          assert.ok(assigned.length <= 1);
          for (const { id, attempt } of assigned) {
            if (rejections.pop()) scheduler.rejected(time * 10_000, id, attempt);
            else {
              order.push(id);
              scheduler.completed(time * 10_000, id, attempt);
            }
          }
          scheduler.handleTimeout(time * 10_000 + 6000);
        }
        assert.deepEqual(order, expected);
      },
    ),
    parameters(200),
  );
});
