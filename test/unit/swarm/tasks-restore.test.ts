/** A coordinator that starts again has every task back. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import type { TaskRecord } from '../../../src/swarm/tasks/index.js';
import { Bench } from '../../support/swarm-tasks.js';

/** What a store has of the scheduler's tasks: through JSON, as plain data must survive. */
function records(bench: Bench): TaskRecord[] {
  return JSON.parse(JSON.stringify(bench.scheduler.tasks({ limit: 1000 }))) as TaskRecord[];
}

describe('restore', () => {
  test('tasks go on where they stood; an interrupted attempt is no failure', () => {
    const before = new Bench();
    before.join('a', { concurrency: 2 });
    before.submit('assigned', { maxAttempts: 1 });
    before.submit('waiting');
    before.submit('queued', { capability: 'd' });
    before.fail('waiting');
    const after = new Bench({}, records(before).reverse());
    assert.equal(after.state('queued'), 'queued');
    assert.equal(after.state('waiting'), 'waiting');
    assert.equal(after.state('assigned'), 'queued');
    assert.equal(after.get('assigned').attempts[0]?.outcome, 'coordinator-restarted');
    assert.equal(after.get('assigned').failures, 0);
    const batch = after.scheduler.take();
    assert.deepEqual(
      batch.map((action) => [action.kind, 'id' in action ? action.id : action.record.id]),
      [
        ['save', 'assigned'],
        ['requeued', 'assigned'],
      ],
    );
    after.join('b', { capabilities: ['*'], concurrency: 3 });
    const assigned = after.take('assign');
    assert.deepEqual(
      assigned.map(({ id, attempt, payload }) => [id, attempt, payload]),
      [
        ['assigned', 2, undefined],
        ['queued', 1, undefined],
      ],
    );
    assert.equal(after.done('assigned', 1), false, 'what the old attempt says is not heard');
    assert.equal(after.done('assigned', 2), true);
    after.pass(200);
    assert.deepEqual(after.assigned(), ['waiting>b']);
  });

  test('order, priorities, keys and sizes are as before', () => {
    const before = new Bench();
    for (const id of ['t1', 't2', 't3']) before.submit(id, { idempotencyKey: id, priority: id === 't3' ? 5 : 0 });
    const after = new Bench({}, records(before).reverse());
    assert.equal(after.submit('t9', { idempotencyKey: 't1' }), 'exists');
    assert.equal(after.scheduler.stats(after.now).payloadBytes, 9);
    after.submit('t4');
    after.join('a', { concurrency: 9 });
    assert.deepEqual(after.assigned(), ['t3>a', 't1>a', 't2>a', 't4>a']);
  });

  test('a deadline that passed meanwhile ends the task', () => {
    const before = new Bench();
    before.join('a');
    before.submit('t1', { deadline: 100 });
    before.submit('t2', { deadline: 100, capability: 'd' });
    const kept = records(before);
    const after = new Bench();
    after.now += 100;
    after.scheduler.restore(kept, after.now);
    after.pass(0);
    assert.deepEqual([after.state('t1'), after.state('t2')], ['expired', 'expired']);
    assert.equal(after.take('settled').length, 2);
  });

  test('finished tasks are kept for the rest of their time, dead letters can still be put back', () => {
    const before = new Bench({ retention: 1000 });
    before.join('a');
    before.submit('t1', { idempotencyKey: 'k' });
    before.done('t1');
    before.submit('t2', { maxAttempts: 1 });
    before.fail('t2');
    const after = new Bench({ retention: 1000 });
    after.now += 400;
    after.scheduler.restore(records(before), after.now);
    assert.deepEqual(after.scheduler.take(), []);
    assert.deepEqual(after.scheduler.stats(after.now).counters.restored, 0);
    assert.equal(after.submit('t3', { idempotencyKey: 'k' }), 'exists');
    assert.equal(after.scheduler.retryDead(after.now, 't2'), true);
    after.pass(599);
    assert.deepEqual(after.take('forgotten'), []);
    after.pass(1);
    assert.deepEqual(
      after.take('forgotten').map(({ id }) => id),
      ['t1'],
    );
  });

  test('a task that is assigned whenever the coordinator stops is taken for the cause', () => {
    const limits = { maxInterruptions: 2 };
    let bench = new Bench(limits);
    bench.submit('t1');
    for (let round = 0; round < 3; round += 1) {
      bench.join('a');
      assert.equal(bench.state('t1'), 'assigned');
      bench = new Bench(limits, records(bench));
    }
    assert.equal(bench.state('t1'), 'dead');
    assert.equal(bench.take('settled')[0]?.record.error?.code, 'ERR_SWARM_TASK_DEAD');
  });

  test('records of another version, and a scheduler that has tasks, are refused', () => {
    const before = new Bench();
    before.submit('t1');
    const [record] = records(before);
    assert.ok(record);
    const store = { code: 'ERR_SWARM_STORE' };
    assert.throws(() => new Bench({}, [{ ...record, version: 2 as 1 }]), store);
    assert.throws(() => new Bench({}, [{ ...record, state: 'lost' as 'done' }]), store);
    assert.throws(() => before.scheduler.restore([], before.now), store);
  });
});
