/** What becomes of a task once it is given to an agent: results, failures, back-off, dead letters, deadlines, cancellation. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Bench, spec } from '../../support/swarm-tasks.js';

describe('results', () => {
  test('a result ends the task once, and travels through the actions', () => {
    const bench = new Bench();
    bench.join('a');
    bench.submit('t1');
    bench.scheduler.take();
    assert.equal(bench.done('t1'), true);
    assert.equal(bench.done('t1'), false);
    assert.equal(bench.fail('t1'), false);
    const batch = bench.scheduler.take();
    assert.deepEqual(
      batch.map(({ kind }) => kind),
      ['save', 'settled'],
    );
    for (const action of batch) {
      assert.ok(action.kind === 'save' || action.kind === 'settled');
      assert.deepEqual(action.result, new Uint8Array([9]));
      assert.equal(action.record.state, 'done');
      assert.equal(action.record.resultSize, 1);
      assert.equal(action.record.endedAt, bench.now);
      assert.equal(action.record.attempts[0]?.outcome, 'done');
    }
    assert.deepEqual(bench.scheduler.take(), []);
  });

  test('a task without a result is done too', () => {
    const bench = new Bench();
    bench.join('a');
    bench.submit('t1');
    bench.scheduler.completed(bench.now, 't1', 1);
    const [settled] = bench.take('settled');
    assert.equal(settled?.record.state, 'done');
    assert.equal(settled?.result, undefined);
  });

  test('reports about tasks and attempts that are not current are ignored and counted', () => {
    const bench = new Bench();
    bench.join('a');
    bench.submit('t1');
    const { scheduler, now } = bench;
    assert.equal(scheduler.completed(now, 't0', 1), false);
    assert.equal(scheduler.completed(now, 't1', 0), false);
    assert.equal(scheduler.completed(now, 't1', 2), false);
    assert.equal(scheduler.progress(now, 't1', 2), false);
    assert.equal(scheduler.rejected(now, 't1', 2), false);
    assert.equal(scheduler.progress(now, 't1', 1), true);
    assert.equal(scheduler.stats(now).counters.staleReports, 5);
    assert.equal(bench.state('t1'), 'assigned');
  });
});

describe('failures', () => {
  test('the pause before the next attempt grows up to its maximum', () => {
    const bench = new Bench();
    bench.join('a');
    bench.submit('t1', { maxAttempts: 6, backoff: { initial: 100, factor: 3, max: 1000 } });
    for (const [index, delay] of [100, 300, 900, 1000, 1000].entries()) {
      bench.take('assign');
      bench.fail('t1', index + 1);
      assert.deepEqual(bench.take('requeued'), [
        { kind: 'requeued', id: 't1', attempt: index + 1, reason: 'failed', delay },
      ]);
      assert.equal(bench.state('t1'), 'waiting');
      assert.equal(bench.get('t1').readyAt, bench.now + delay);
      bench.pass(delay - 1);
      assert.equal(bench.state('t1'), 'waiting');
      bench.pass(1);
      assert.equal(bench.state('t1'), 'assigned');
      assert.equal('readyAt' in bench.get('t1'), false);
    }
  });

  test('jitter takes away at most its part of the pause', () => {
    for (const [jitter, random, delay] of [[0.5, 1, 100] as const, [0, 1, 200] as const, [1, 0.25, 150] as const]) {
      const bench = new Bench();
      bench.random = random;
      bench.join('a');
      bench.submit('t1', { backoff: { initial: 200, jitter } });
      bench.fail('t1');
      assert.equal(bench.take('requeued')[0]?.delay, delay);
    }
  });

  test('a failure that no attempt would change ends the task', () => {
    const bench = new Bench();
    bench.join('a');
    bench.submit('t1');
    bench.fail('t1', 1, false);
    const [settled] = bench.take('settled');
    assert.equal(settled?.record.state, 'failed');
    assert.deepEqual(settled?.record.error, {
      code: 'ERR_SWARM_TASK_FAILED',
      message: 'task t1 failed: no luck (E_TEST, on agent a)',
    });
    assert.deepEqual(settled?.record.attempts[0]?.error, { code: 'E_TEST', message: 'no luck' });
  });

  test('a task that failed as often as it may is a dead letter, with its story', () => {
    const bench = new Bench();
    bench.join('a');
    bench.submit('t1', { maxAttempts: 3, attemptTimeout: 50 });
    bench.fail('t1');
    bench.pass(200);
    bench.pass(50);
    bench.pass(400);
    bench.scheduler.agentLeft(bench.now, 'a', 1, 'lost');
    const [settled] = bench.take('settled');
    assert.equal(settled?.record.state, 'dead');
    assert.deepEqual(settled?.record.error, {
      code: 'ERR_SWARM_TASK_DEAD',
      message: 'task t1 failed 3 times; the last time: agent a (incarnation 1) was lost',
    });
    assert.deepEqual(
      settled?.record.attempts.map(({ outcome }) => outcome),
      ['failed', 'timeout', 'lost'],
    );
    assert.deepEqual(bench.scheduler.deadLetters(), [settled?.record]);
  });

  test('a poison task that kills its agents stops', () => {
    const bench = new Bench();
    for (let index = 0; index < 10; index += 1) bench.join(`a${index}`);
    bench.submit('t1');
    let killed = 0;
    for (let round = 0; round < 20; round += 1) {
      for (const { agent } of bench.take('assign')) {
        killed += 1;
        bench.scheduler.agentLeft(bench.now, agent, 1, 'lost');
      }
      bench.pass(1000);
    }
    assert.equal(killed, 3);
    assert.equal(bench.state('t1'), 'dead');
  });

  test('an agent that leaves in order or is evicted does not count, but not without end', () => {
    const bench = new Bench({ maxInterruptions: 3 });
    bench.submit('t1', { maxAttempts: 1 });
    for (let incarnation = 1; incarnation <= 4; incarnation += 1) {
      assert.equal(bench.state('t1'), 'queued');
      bench.join('a', { incarnation });
      assert.equal(bench.state('t1'), 'assigned');
      bench.scheduler.agentLeft(bench.now, 'a', incarnation, incarnation % 2 === 0 ? 'left' : 'evicted');
    }
    assert.equal(bench.state('t1'), 'dead');
    assert.equal(bench.get('t1').failures, 0);
    assert.match(bench.get('t1').error?.message ?? '', /interrupted 4 times/);
  });

  test('what agents say of failures is cut to a bounded length', () => {
    const bench = new Bench();
    bench.join('a');
    bench.submit('t1');
    bench.scheduler.failed(bench.now, 't1', 1, { code: 'c'.repeat(9999), message: 'm'.repeat(9999), retry: true });
    const error = bench.get('t1').attempts[0]?.error;
    assert.deepEqual([error?.code.length, error?.message.length], [256, 1000]);
  });

  test('a record shows the latest attempts only', () => {
    const bench = new Bench({ attemptsKept: 2 });
    bench.join('a');
    bench.submit('t1', { maxAttempts: 4, backoff: { initial: 0 } });
    for (let attempt = 1; attempt <= 4; attempt += 1) bench.fail('t1', attempt);
    assert.deepEqual(
      bench.get('t1').attempts.map(({ attempt }) => attempt),
      [3, 4],
    );
  });

  test('a dead letter can be put back, and ends once more', () => {
    const bench = new Bench();
    bench.join('a');
    bench.submit('t1', { maxAttempts: 1, deadline: 1000 });
    assert.equal(bench.scheduler.retryDead(bench.now, 't1'), false);
    bench.fail('t1');
    bench.pass(5000);
    bench.scheduler.take();
    assert.equal(bench.scheduler.retryDead(bench.now, 't1'), true);
    assert.equal(bench.scheduler.retryDead(bench.now, 't1'), false);
    assert.deepEqual(bench.scheduler.deadLetters(), []);
    const batch = bench.scheduler.take();
    assert.deepEqual(
      batch.map(({ kind }) => kind),
      ['save', 'requeued', 'assign'],
    );
    const assign = batch[2];
    assert.ok(assign?.kind === 'assign');
    assert.equal(assign.attempt, 2);
    assert.equal(assign.payload, undefined, 'the store has it');
    assert.equal(assign.deadlineAt, bench.now + 1000);
    assert.equal(bench.get('t1').error, undefined);
    bench.done('t1', 2);
    assert.equal(bench.take('settled')[0]?.record.state, 'done');
  });
});

describe('time', () => {
  test('a deadline ends a task that is queued', () => {
    const bench = new Bench();
    bench.submit('t1', { deadline: 100 });
    bench.pass(99);
    assert.equal(bench.state('t1'), 'queued');
    bench.pass(1);
    const [settled] = bench.take('settled');
    assert.equal(settled?.record.state, 'expired');
    assert.equal(settled?.record.error?.code, 'ERR_SWARM_TASK_DEADLINE');
    bench.join('a');
    assert.deepEqual(bench.assigned(), []);
  });

  test('a deadline ends a task that waits for its back-off', () => {
    const bench = new Bench();
    bench.join('a');
    bench.submit('t1', { deadline: 100 });
    bench.fail('t1');
    bench.pass(100);
    assert.equal(bench.state('t1'), 'expired');
  });

  test('a deadline ends a task that an agent has, and the agent hears of it', () => {
    const bench = new Bench();
    bench.join('a');
    bench.submit('t1', { deadline: 100 });
    bench.submit('t2');
    bench.scheduler.take();
    bench.pass(100);
    const batch = bench.scheduler.take().filter(({ kind }) => kind !== 'save');
    assert.deepEqual(
      batch.map(({ kind, ...rest }) => [kind, 'id' in rest && rest.id]),
      [
        ['revoke', 't1'],
        ['settled', 't1'],
        ['assign', 't2'],
      ],
    );
    assert.ok(batch[0]?.kind === 'revoke');
    assert.deepEqual(batch[0], {
      kind: 'revoke',
      id: 't1',
      agent: 'a',
      incarnation: 1,
      attempt: 1,
      reason: 'expired',
    });
    assert.equal(bench.done('t1'), false);
  });

  test('a task whose deadline has passed unnoticed is not given away', () => {
    const bench = new Bench();
    bench.submit('t1', { deadline: 100 });
    bench.now += 100;
    bench.join('a');
    assert.deepEqual(bench.assigned(), []);
    assert.equal(bench.state('t1'), 'expired');
  });

  test('an attempt that takes too long is revoked and counts', () => {
    const bench = new Bench();
    bench.join('a');
    bench.submit('t1', { attemptTimeout: 100 });
    bench.scheduler.take();
    bench.pass(60);
    assert.equal(bench.scheduler.progress(bench.now, 't1', 1), true, 'progress is passed on');
    bench.pass(39);
    assert.deepEqual(bench.scheduler.take(), []);
    bench.pass(1);
    const batch = bench.scheduler.take();
    assert.deepEqual(
      batch.map(({ kind }) => kind),
      ['save', 'revoke', 'requeued'],
    );
    assert.equal(bench.get('t1').failures, 1);
    assert.equal(bench.done('t1'), false);
  });

  test('a clock that goes back is held', () => {
    const bench = new Bench();
    bench.join('a');
    bench.now += 1000;
    bench.submit('t1');
    bench.now -= 5000;
    bench.done('t1');
    const record = bench.get('t1');
    assert.equal(record.endedAt, record.createdAt);
  });

  test('there is no timeout while nothing waits for time', () => {
    const bench = new Bench();
    assert.equal(bench.scheduler.nextTimeout(), undefined);
    bench.submit('t1');
    assert.equal(bench.scheduler.nextTimeout(), undefined);
    bench.join('a');
    assert.equal(bench.scheduler.nextTimeout(), undefined);
    bench.done('t1');
    assert.equal(bench.scheduler.nextTimeout(), bench.now + bench.scheduler.limits.retention);
  });
});

describe('cancellation', () => {
  test('in each state; what is finished stays as it is', () => {
    const bench = new Bench();
    const { scheduler, now } = bench;
    bench.join('a');
    bench.submit('assigned');
    bench.submit('queued');
    bench.submit('waiting', { capability: 'd' });
    bench.join('b', { capabilities: ['d'] });
    bench.fail('waiting');
    scheduler.take();
    for (const id of ['queued', 'waiting', 'assigned']) assert.equal(scheduler.cancel(now, id, 'enough'), true);
    const batch = scheduler.take();
    assert.deepEqual(
      batch.filter(({ kind }) => kind === 'revoke').map((action) => 'id' in action && action.id),
      ['assigned'],
    );
    for (const id of ['queued', 'waiting', 'assigned']) {
      assert.equal(bench.state(id), 'cancelled');
      assert.deepEqual(bench.get(id).error, {
        code: 'ERR_SWARM_TASK_CANCELLED',
        message: `task ${id} was cancelled: enough`,
      });
      assert.equal(scheduler.cancel(now, id, 'again'), false);
    }
    assert.equal(scheduler.cancel(now, 'unknown', ''), false);
    assert.equal(bench.done('assigned'), false);
    bench.pass(10_000);
    assert.deepEqual(bench.assigned(), []);
  });

  test('the place of a cancelled task goes to the next', () => {
    const bench = new Bench();
    bench.join('a');
    bench.submit('t1');
    bench.submit('t2');
    bench.assigned();
    bench.scheduler.cancel(bench.now, 't1', '');
    assert.deepEqual(bench.assigned(), ['t2>a']);
  });

  test('a task that is cancelled before it was ever saved is saved without its payload', () => {
    const bench = new Bench();
    bench.scheduler.submit(bench.now, 't1', spec());
    bench.scheduler.cancel(bench.now, 't1', '');
    const [save] = bench.take('save');
    assert.equal(save?.record.state, 'cancelled');
    assert.equal(save?.payload, undefined);
  });
});
