/** Which agent gets which task. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Bench } from '../../support/swarm-tasks.js';

describe('choice of the agent', () => {
  test('only agents with the capability get a task; * has them all', () => {
    const bench = new Bench();
    bench.join('other', { capabilities: ['d'] });
    bench.submit('t1');
    assert.deepEqual(bench.assigned(), []);
    bench.join('all', { capabilities: ['x', '*'] });
    assert.deepEqual(bench.assigned(), ['t1>all']);
  });

  test('capabilities are compared exactly', () => {
    const bench = new Bench();
    bench.join('a', { capabilities: ['C', 'c ', 'cc'] });
    bench.submit('t1');
    assert.deepEqual(bench.assigned(), []);
  });

  test('the least loaded in proportion to what it can do gets the task', () => {
    const bench = new Bench();
    bench.join('small', { concurrency: 2 });
    bench.join('large', { concurrency: 10 });
    const given: string[] = [];
    for (let index = 0; index < 12; index += 1) {
      bench.submit(`t${index}`);
      given.push(...bench.assigned().map((text) => text.split('>')[1]!));
    }
    assert.equal(given.filter((id) => id === 'small').length, 2);
    assert.equal(given.filter((id) => id === 'large').length, 10);
    // 1/2 of the small one is more than 5/10 of the large one only when the large one has more tasks.
    assert.deepEqual(given.slice(0, 4), ['small', 'large', 'large', 'large']);
  });

  test('agents with the same load take turns, the one that has been idle longest first', () => {
    const bench = new Bench();
    for (const id of ['a', 'b', 'c']) bench.join(id);
    for (const id of ['t1', 't2', 't3']) bench.submit(id);
    assert.deepEqual(bench.assigned(), ['t1>a', 't2>b', 't3>c']);
    bench.done('t2');
    bench.done('t3');
    bench.done('t1');
    for (const id of ['t4', 't5', 't6']) bench.submit(id);
    assert.deepEqual(bench.assigned(), ['t4>b', 't5>c', 't6>a']);
  });

  test('no agent gets more than its concurrency', () => {
    const bench = new Bench();
    bench.join('a', { concurrency: 2 });
    for (const id of ['t1', 't2', 't3']) bench.submit(id);
    assert.deepEqual(bench.assigned(), ['t1>a', 't2>a']);
    bench.done('t1');
    assert.deepEqual(bench.assigned(), ['t3>a']);
  });

  test('an agent of concurrency 0 gets nothing until it has more', () => {
    const bench = new Bench();
    bench.join('a', { concurrency: 0 });
    bench.submit('t1');
    assert.deepEqual(bench.assigned(), []);
    assert.equal(bench.scheduler.agentChanged(bench.now, { id: 'a', incarnation: 1, concurrency: 1 }), true);
    assert.deepEqual(bench.assigned(), ['t1>a']);
  });

  test('an agent whose concurrency shrinks keeps what it has, and gets nothing before it is below', () => {
    const bench = new Bench();
    bench.join('a', { concurrency: 3 });
    for (const id of ['t1', 't2', 't3', 't4']) bench.submit(id);
    bench.scheduler.agentChanged(bench.now, { id: 'a', incarnation: 1, concurrency: 1 });
    bench.assigned();
    bench.done('t1');
    bench.done('t2');
    assert.deepEqual(bench.assigned(), []);
    bench.done('t3');
    assert.deepEqual(bench.assigned(), ['t4>a']);
  });

  test('a draining agent finishes what it has and gets nothing new', () => {
    const bench = new Bench();
    bench.join('a', { concurrency: 2 });
    bench.submit('t1');
    assert.equal(bench.scheduler.agentDraining(bench.now, 'a', 1), true);
    bench.submit('t2');
    assert.deepEqual(bench.assigned(), ['t1>a']);
    assert.equal(bench.done('t1'), true);
    assert.deepEqual(bench.assigned(), []);
    bench.scheduler.agentChanged(bench.now, { id: 'a', incarnation: 1, draining: false });
    assert.deepEqual(bench.assigned(), ['t2>a']);
  });

  test('a new capability brings the tasks that waited for it', () => {
    const bench = new Bench();
    bench.join('a');
    bench.submit('t1', { capability: 'd' });
    bench.scheduler.agentChanged(bench.now, { id: 'a', incarnation: 1, capabilities: ['d'] });
    assert.deepEqual(bench.assigned(), ['t1>a']);
    bench.submit('t2');
    bench.done('t1');
    assert.deepEqual(bench.assigned(), []);
  });

  test('an agent that rejects a task gets a pause that doubles, and the task goes to another at once', () => {
    const bench = new Bench({ rejectionPause: 100, maxRejectionPause: 250 });
    bench.join('a');
    bench.join('b');
    bench.submit('t1');
    assert.deepEqual(bench.assigned(), ['t1>a']);
    assert.equal(bench.scheduler.rejected(bench.now, 't1', 1), true);
    assert.deepEqual(bench.assigned(), ['t1>b']);
    assert.equal(bench.get('t1').failures, 0);
    assert.equal(bench.get('t1').attempts.length, 1);
    bench.submit('t2');
    for (const [index, pause] of [100, 200, 250, 250].entries()) {
      bench.pass(pause - 1);
      assert.deepEqual(bench.assigned(), [], `pause ${index}`);
      bench.pass(1);
      assert.deepEqual(bench.assigned(), ['t2>a'], `pause ${index}`);
      bench.scheduler.rejected(bench.now, 't2', index + 1);
    }
    bench.pass(250);
    bench.done('t2', 5);
    bench.submit('t3');
    bench.scheduler.rejected(bench.now, 't3', 1);
    bench.assigned();
    bench.pass(100);
    assert.deepEqual(bench.assigned(), ['t3>a'], 'a success ends the row of rejections');
  });

  test('the pause of an agent that is gone brings nobody back', () => {
    const bench = new Bench();
    bench.join('a');
    bench.submit('t1');
    bench.scheduler.rejected(bench.now, 't1', 1);
    bench.scheduler.agentLeft(bench.now, 'a', 1, 'lost');
    assert.equal(bench.scheduler.nextTimeout(), undefined);
    bench.assigned();
    bench.pass(10_000);
    assert.deepEqual(bench.assigned(), []);
    assert.equal(bench.state('t1'), 'queued');
  });

  test('a task that failed on an agent goes to another one when there is one', () => {
    const bench = new Bench();
    bench.join('a');
    bench.join('b');
    bench.submit('t1', { backoff: { initial: 0 } });
    bench.assigned();
    bench.fail('t1');
    assert.deepEqual(bench.assigned(), ['t1>b']);
    bench.fail('t1', 2);
    assert.deepEqual(bench.assigned(), ['t1>a'], 'only the last one is avoided');
  });

  test('it waits for a busy agent, but not for ever, and holds up no other task', () => {
    const bench = new Bench({ avoidWindow: 500 });
    bench.join('a');
    bench.submit('t1', { backoff: { initial: 0 } });
    bench.join('b');
    bench.submit('t2');
    bench.assigned();
    bench.fail('t1');
    assert.deepEqual(bench.assigned(), []);
    bench.submit('t3');
    assert.deepEqual(bench.assigned(), ['t3>a']);
    bench.done('t3');
    bench.pass(499);
    assert.deepEqual(bench.assigned(), []);
    bench.pass(1);
    assert.deepEqual(bench.assigned(), ['t1>a']);
  });

  test('it goes back to the only able agent at once, also when the others cease to be able', () => {
    const bench = new Bench();
    bench.join('a');
    bench.submit('t1', { backoff: { initial: 0 } });
    bench.assigned();
    bench.fail('t1');
    assert.deepEqual(bench.assigned(), ['t1>a']);
    for (const [attempt, why] of [[2, 'drains'] as const, [3, 'leaves'] as const]) {
      const bench2 = new Bench();
      bench2.join('a');
      bench2.submit('t1', { backoff: { initial: 0 } });
      bench2.join('b');
      bench2.submit('t2');
      bench2.fail('t1');
      bench2.assigned();
      if (attempt === 2) bench2.scheduler.agentDraining(bench2.now, 'b', 1);
      else bench2.scheduler.agentLeft(bench2.now, 'b', 1, 'lost');
      assert.deepEqual(bench2.assigned(), ['t1>a'], why);
    }
  });

  test('tasks that become ready together are given by priority, not by the time of their back-off', () => {
    const bench = new Bench();
    bench.join('a', { concurrency: 2 });
    bench.submit('low', { backoff: { initial: 100 } });
    bench.submit('high', { backoff: { initial: 300 }, priority: 9 });
    bench.fail('low');
    bench.fail('high');
    bench.scheduler.agentChanged(bench.now, { id: 'a', incarnation: 1, concurrency: 1 });
    bench.assigned();
    bench.now += 500;
    bench.scheduler.handleTimeout(bench.now);
    assert.deepEqual(bench.assigned(), ['high>a']);
  });

  test('an agent that has just got room takes nothing from one that has less to do', () => {
    const bench = new Bench();
    bench.join('w');
    bench.submit('t1');
    bench.fail('t1');
    bench.scheduler.agentLeft(bench.now, 'w', 1, 'left');
    bench.join('x', { concurrency: 3 });
    bench.submit('t2');
    bench.submit('t3', { attemptTimeout: 200 });
    bench.join('y', { concurrency: 3 });
    bench.assigned();
    bench.pass(200);
    assert.deepEqual(bench.assigned(), ['t1>y']);
  });

  test('a pinned task waits for its agent, which needs the capability too', () => {
    const bench = new Bench();
    bench.join('a');
    bench.submit('t1', { requires: 'b' });
    bench.submit('t2', { requires: 'b', capability: 'd' });
    bench.submit('t3');
    assert.deepEqual(bench.assigned(), ['t3>a']);
    bench.join('b', { concurrency: 5 });
    assert.deepEqual(bench.assigned(), ['t1>b']);
    bench.scheduler.agentChanged(bench.now, { id: 'b', incarnation: 1, capabilities: ['*'] });
    assert.deepEqual(bench.assigned(), ['t2>b']);
  });

  test('a pinned task that failed goes back to its agent', () => {
    const bench = new Bench();
    bench.join('a');
    bench.join('b');
    bench.submit('t1', { requires: 'b', backoff: { initial: 0 } });
    bench.assigned();
    bench.fail('t1');
    assert.deepEqual(bench.assigned(), ['t1>b']);
  });
});

describe('incarnations', () => {
  test('a later incarnation replaces the earlier one, whose tasks are tried again', () => {
    const bench = new Bench();
    bench.join('a');
    bench.submit('t1');
    bench.take('assign');
    bench.join('a', { incarnation: 2 });
    assert.deepEqual(bench.take('requeued'), [{ kind: 'requeued', id: 't1', attempt: 1, reason: 'lost', delay: 200 }]);
    bench.pass(200);
    assert.equal(bench.take('assign')[0]?.incarnation, 2);
    assert.equal(bench.done('t1', 1), false);
    assert.equal(bench.done('t1', 2), true);
  });

  test('an earlier incarnation is ignored, whatever is said of it', () => {
    const bench = new Bench();
    bench.join('a', { incarnation: 5 });
    bench.submit('t1');
    const { scheduler, now } = bench;
    assert.equal(scheduler.agentJoined(now, { id: 'a', incarnation: 4, capabilities: [], concurrency: 1 }), false);
    assert.equal(scheduler.agentLeft(now, 'a', 4, 'lost'), false);
    assert.equal(scheduler.agentDraining(now, 'a', 4), false);
    assert.equal(scheduler.agentChanged(now, { id: 'b', incarnation: 5 }), false);
    assert.deepEqual(bench.assigned(), ['t1>a']);
    assert.equal(bench.state('t1'), 'assigned');
  });

  test('the same incarnation joining again keeps its tasks', () => {
    const bench = new Bench();
    bench.join('a');
    bench.submit('t1');
    bench.submit('t2');
    bench.join('a', { concurrency: 2 });
    assert.deepEqual(bench.assigned(), ['t1>a', 't2>a']);
  });
});

describe('what agents may say they are', () => {
  const wrong: [string, object][] = [
    ['id', { id: '' }],
    ['id', { id: 'x'.repeat(257) }],
    ['incarnation', { incarnation: -1 }],
    ['incarnation', { incarnation: 1.5 }],
    ['concurrency', { concurrency: 10_001 }],
    ['concurrency', { concurrency: Number.NaN }],
    ['capability', { capabilities: [7] }],
    ['capabilities', { capabilities: 'c' }],
    ['capabilities', { capabilities: Array.from({ length: 1001 }, (_, index) => `c${index}`) }],
  ];
  for (const [name, change] of wrong) {
    test(`${name}: ${JSON.stringify(change).slice(0, 40)} is refused`, () => {
      const bench = new Bench();
      assert.throws(
        () => bench.join('a', change),
        (error: Error & { code: string }) => error.code === 'ERR_SWARM_INVALID_OPTION' && error.message.includes(name),
      );
    });
  }
});
