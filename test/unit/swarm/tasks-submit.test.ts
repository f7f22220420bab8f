/** How tasks come in: order, idempotency, limits, back-pressure. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import type { TaskSpec } from '../../../src/swarm/tasks/index.js';
import { Bench, payload, spec } from '../../support/swarm-tasks.js';

const invalid = { code: 'ERR_SWARM_INVALID_OPTION' };

describe('acceptance', () => {
  test('an accepted task is saved with its payload before anything else is told', () => {
    const bench = new Bench();
    bench.join('a');
    assert.equal(bench.submit('t1', { deadline: 5000, priority: 7, idempotencyKey: 'k', requires: 'a' }), 'accepted');
    const batch = bench.scheduler.take();
    assert.deepEqual(
      batch.map(({ kind }) => kind),
      ['save', 'assign'],
    );
    const [save, assign] = batch;
    assert.ok(save?.kind === 'save' && assign?.kind === 'assign');
    assert.equal(save.payload, payload);
    assert.equal(assign.payload, payload);
    assert.deepEqual(save.record, {
      version: 1,
      id: 't1',
      sequence: 1,
      spec: {
        capability: 'c',
        payloadSize: 3,
        submitter: 'submitter',
        deadline: 5000,
        priority: 7,
        idempotencyKey: 'k',
        maxAttempts: 3,
        backoff: { initial: 200, factor: 2, max: 30_000, jitter: 0.5 },
        requires: 'a',
      },
      state: 'assigned',
      attempt: 1,
      failures: 0,
      interruptions: 0,
      attempts: [{ attempt: 1, agent: 'a', incarnation: 1, startedAt: bench.now }],
      createdAt: bench.now,
      deadlineAt: bench.now + 5000,
    });
  });

  test('a payload is saved once', () => {
    const bench = new Bench();
    bench.submit('t1');
    assert.equal(bench.take('save')[0]?.payload, payload);
    bench.join('a');
    const [save] = bench.take('save');
    assert.equal(save?.record.state, 'assigned');
    assert.equal(save?.payload, undefined);
  });

  test('higher priorities first, and within one the order of submission', () => {
    const bench = new Bench();
    for (const [id, priority] of Object.entries({ t1: 0, t2: -100, t3: 100, t4: 0, t5: 100 })) {
      bench.submit(id, { priority });
    }
    bench.join('a', { concurrency: 5 });
    assert.deepEqual(bench.assigned(), ['t3>a', 't5>a', 't1>a', 't4>a', 't2>a']);
  });

  test('a task that nobody can do holds up no other', () => {
    const bench = new Bench();
    bench.join('a');
    bench.submit('t1', { capability: 'nobody', priority: 100 });
    bench.submit('t2');
    assert.deepEqual(bench.assigned(), ['t2>a']);
  });

  const wrong: [string, Partial<Record<keyof TaskSpec, unknown>>][] = [
    ['capability', { capability: '' }],
    ['capability', { capability: '*' }],
    ['capability', { capability: 'x'.repeat(257) }],
    ['payload', { payload: 'text' }],
    ['submitter', { submitter: undefined }],
    ['deadline', { deadline: 0 }],
    ['deadline', { deadline: Number.POSITIVE_INFINITY }],
    ['priority', { priority: 101 }],
    ['priority', { priority: 0.5 }],
    ['idempotencyKey', { idempotencyKey: '' }],
    ['maxAttempts', { maxAttempts: 0 }],
    ['maxAttempts', { maxAttempts: 101 }],
    ['backoff.initial', { backoff: { initial: -1 } }],
    ['backoff.factor', { backoff: { factor: 0.5 } }],
    ['backoff.max', { backoff: { max: Number.NaN } }],
    ['backoff.jitter', { backoff: { jitter: 1.1 } }],
    ['attemptTimeout', { attemptTimeout: 0 }],
    ['requires', { requires: 5 }],
  ];
  for (const [name, change] of wrong) {
    test(`${name}: ${JSON.stringify(change).slice(0, 50)} is refused and leaves no trace`, () => {
      const bench = new Bench();
      assert.throws(
        () => bench.submit('t1', change as Partial<TaskSpec>),
        (error: Error & { code: string }) => error.code === invalid.code && error.message.includes(name),
      );
      assert.deepEqual(bench.scheduler.take(), []);
      assert.equal(bench.scheduler.get('t1'), undefined);
    });
  }
});

describe('idempotency', () => {
  test('the same key of the same submitter is the same task, in any state', () => {
    const bench = new Bench();
    bench.submit('t1', { idempotencyKey: 'k' });
    const again = (id: string): unknown => bench.scheduler.submit(bench.now, id, spec({ idempotencyKey: 'k' }));
    assert.deepEqual(again('t2'), { status: 'exists', id: 't1', state: 'queued' });
    bench.join('a');
    bench.done('t1');
    assert.deepEqual(again('t3'), { status: 'exists', id: 't1', state: 'done' });
    assert.equal(bench.scheduler.find('submitter', 'k')?.id, 't1');
    assert.equal(bench.scheduler.find('submitter', 'x'), undefined);
    assert.equal(bench.scheduler.stats(bench.now).counters.accepted, 1);
  });

  test('another submitter has keys of its own', () => {
    const bench = new Bench();
    bench.submit('t1', { idempotencyKey: 'k', submitter: 's' });
    assert.equal(bench.submit('t2', { idempotencyKey: 'k', submitter: 's2' }), 'accepted');
    assert.equal(bench.submit('t3', { idempotencyKey: '2k', submitter: 's' }), 'accepted');
  });

  test('the same id is the same task; somebody else may not use it', () => {
    const bench = new Bench();
    bench.submit('t1');
    assert.equal(bench.submit('t1'), 'exists');
    assert.throws(() => bench.submit('t1', { submitter: 'other' }), invalid);
  });

  test('a key or id that named another task is an error, not a silent mistake', () => {
    const bench = new Bench();
    bench.submit('t1', { idempotencyKey: 'k' });
    assert.throws(() => bench.submit('t2', { idempotencyKey: 'k', capability: 'd' }), invalid);
    assert.throws(() => bench.submit('t2', { idempotencyKey: 'k', payload: new Uint8Array(99) }), invalid);
    assert.throws(() => bench.submit('t1', { capability: 'd' }), invalid);
  });

  test('a key is free again when its task is forgotten', () => {
    const bench = new Bench({ retention: 1000 });
    bench.join('a');
    bench.submit('t1', { idempotencyKey: 'k' });
    bench.done('t1');
    bench.scheduler.take();
    bench.pass(999);
    assert.equal(bench.submit('t2', { idempotencyKey: 'k' }), 'exists');
    bench.pass(1);
    assert.deepEqual(bench.scheduler.take(), [{ kind: 'forgotten', id: 't1' }]);
    assert.equal(bench.submit('t2', { idempotencyKey: 'k' }), 'accepted');
  });
});

describe('retention', () => {
  test('at most maxFinished are kept, the oldest go first; dead letters have a time and a number of their own', () => {
    const bench = new Bench({ maxFinished: 2, retention: 1000, maxDead: 2, deadRetention: 5000 });
    bench.join('a');
    for (let index = 0; index < 3; index += 1) {
      bench.submit(`t${index}`);
      bench.done(`t${index}`);
      bench.submit(`d${index}`, { maxAttempts: 1 });
      bench.fail(`d${index}`);
    }
    assert.deepEqual(
      bench.take('forgotten').map(({ id }) => id),
      ['t0', 'd0'],
    );
    bench.pass(1000);
    assert.deepEqual(
      bench.take('forgotten').map(({ id }) => id),
      ['t1', 't2'],
    );
    bench.pass(4000);
    assert.deepEqual(
      bench.take('forgotten').map(({ id }) => id),
      ['d1', 'd2'],
    );
    assert.deepEqual(bench.scheduler.tasks(), []);
  });
});

describe('back-pressure', () => {
  const called = (bench: Bench): string[] => bench.take('room').map(({ id }) => id);

  test('a full queue says so; what runs is not in the queue', () => {
    const bench = new Bench({ maxQueued: 2 });
    bench.join('a');
    for (const id of ['t1', 't2', 't3']) assert.equal(bench.submit(id), 'accepted');
    assert.equal(bench.submit('t4'), 'full');
    assert.equal(bench.scheduler.get('t4'), undefined);
    bench.done('t1');
    assert.equal(bench.submit('t4'), 'accepted');
  });

  test('tasks that wait for their back-off count, and what comes back from an agent is never refused', () => {
    const bench = new Bench({ maxQueued: 1 });
    bench.join('a', { concurrency: 2 });
    bench.submit('t1');
    bench.submit('t2');
    bench.fail('t1');
    bench.fail('t2');
    assert.deepEqual([bench.state('t1'), bench.state('t2')], ['waiting', 'waiting']);
    assert.equal(bench.submit('t3', { capability: 'd' }), 'full');
  });

  test('payloads are bounded together, those that run among them', () => {
    const bench = new Bench({ maxPayloadBytes: 10 });
    bench.join('a');
    assert.equal(bench.submit('t1', { payload: new Uint8Array(6) }), 'accepted');
    assert.equal(bench.submit('t2', { payload: new Uint8Array(5) }), 'full');
    assert.equal(bench.submit('t3', { payload: new Uint8Array(4) }), 'accepted');
    assert.throws(() => bench.submit('t4', { payload: new Uint8Array(11) }), { code: 'ERR_SWARM_TOO_LARGE' });
    assert.equal(bench.scheduler.park(bench.now, 't4', 'c', 11), false);
  });

  test('those who wait are called in their order, and their place is kept', () => {
    const bench = new Bench({ maxQueued: 1 });
    const { scheduler, now } = bench;
    bench.join('a');
    for (const id of ['t1', 't2']) bench.submit(id);
    for (const id of ['p1', 'p2']) assert.equal(scheduler.park(now, id, 'c', 3), true);
    assert.equal(scheduler.stats(now).parked, 2);
    bench.done('t1');
    assert.deepEqual(called(bench), ['p1']);
    assert.equal(bench.submit('t3'), 'full', 'nobody overtakes');
    assert.equal(bench.submit('p1'), 'accepted');
    assert.deepEqual(called(bench), []);
    bench.done('t2');
    assert.deepEqual(called(bench), ['p2']);
    assert.equal(scheduler.unpark(now, 'p2'), true);
    assert.equal(scheduler.unpark(now, 'p2'), false);
    assert.equal(bench.submit('t3'), 'accepted');
  });

  test('who gives up before it hears that it is called is not called', () => {
    const bench = new Bench({ maxQueued: 1 });
    bench.submit('t1');
    for (const id of ['p1', 'p2']) bench.scheduler.park(bench.now, id, 'c', 3);
    bench.scheduler.cancel(bench.now, 't1', '');
    assert.equal(bench.scheduler.unpark(bench.now, 'p1'), true);
    assert.deepEqual(called(bench), ['p2']);
  });

  test('who parks while there is room is called at once', () => {
    const bench = new Bench();
    assert.equal(bench.scheduler.park(bench.now, 'p1', 'c', 3), true);
    assert.deepEqual(called(bench), ['p1']);
  });

  test('a submission that turns out wrong gives its place to the next', () => {
    const bench = new Bench({ maxQueued: 1 });
    bench.submit('t1');
    for (const id of ['p1', 'p2']) bench.scheduler.park(bench.now, id, 'c', 3);
    bench.scheduler.cancel(bench.now, 't1', '');
    assert.deepEqual(called(bench), ['p1']);
    assert.throws(() => bench.submit('p1', { priority: 1000 }), invalid);
    assert.deepEqual(called(bench), ['p2']);
  });

  test('who comes with more bytes than it had said may be refused', () => {
    const bench = new Bench({ maxPayloadBytes: 10 });
    bench.submit('t1', { payload: new Uint8Array(8) });
    bench.scheduler.park(bench.now, 'p1', 'c', 2);
    assert.deepEqual(called(bench), ['p1']);
    assert.equal(bench.submit('p1', { payload: new Uint8Array(3) }), 'full');
    assert.equal(bench.submit('p1', { payload: new Uint8Array(2) }), 'accepted');
  });

  test('who tries again without being called keeps its place', () => {
    const bench = new Bench({ maxQueued: 1 });
    bench.submit('t1');
    for (const id of ['p1', 'p2']) bench.scheduler.park(bench.now, id, 'c', 3);
    assert.equal(bench.submit('p1'), 'full');
    bench.join('a');
    assert.deepEqual(called(bench), ['p1']);
    bench.submit('p1');
    bench.done('t1');
    assert.deepEqual(called(bench), ['p2']);
  });

  test('the line is bounded, and nobody stands in it twice', () => {
    const bench = new Bench({ maxQueued: 1, maxParked: 2 });
    bench.submit('t1');
    const park = (id: string): boolean => bench.scheduler.park(bench.now, id, 'c', 3);
    assert.deepEqual([park('p1'), park('p1'), park('p2'), park('p3')], [true, false, true, false]);
  });

  test('a queue full of what nobody can do stops no agent that is idle', () => {
    const bench = new Bench({ maxQueued: 2 });
    bench.submit('t1', { capability: 'nobody' });
    bench.submit('t2', { capability: 'nobody' });
    for (const id of ['p1', 'p2']) bench.scheduler.park(bench.now, id, 'c', 3);
    assert.deepEqual(called(bench), []);
    bench.join('a');
    assert.deepEqual(called(bench), ['p1']);
    assert.equal(bench.submit('p1'), 'accepted');
    assert.deepEqual(bench.assigned(), ['p1>a']);
    bench.done('p1');
    assert.deepEqual(called(bench), ['p2']);
    assert.equal(bench.submit('t3'), 'accepted', 'an idle agent takes it at once');
  });

  test('small payloads do not keep a large one out', () => {
    const bench = new Bench({ maxPayloadBytes: 10 });
    bench.join('a', { concurrency: 10 });
    bench.submit('t1', { payload: new Uint8Array(5) });
    bench.scheduler.park(bench.now, 'large', 'c', 8);
    assert.equal(bench.submit('t2'), 'full');
    bench.scheduler.park(bench.now, 'small', 'c', 1);
    assert.deepEqual(called(bench), []);
    bench.done('t1');
    assert.deepEqual(called(bench), ['large', 'small']);
  });
});

describe('limits', () => {
  test('unknown ones and those out of range are refused by name', () => {
    for (const [name, value] of [
      ['maxQueued', 0],
      ['maxQueued', 1.5],
      ['maxFinished', 1_000_001],
      ['retention', -1],
      ['avoidWindow', Number.NaN],
      ['maxQeued', 5],
    ] as const) {
      assert.throws(
        () => new Bench({ [name]: value }),
        (error: Error & { code: string }) => error.code === invalid.code && error.message.includes(name),
      );
    }
  });
});
