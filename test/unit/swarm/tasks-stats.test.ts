/** What a scheduler shows of itself. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Bench } from '../../support/swarm-tasks.js';

describe('stats', () => {
  test('states, queues by capability, ages and times are as they happened', () => {
    const bench = new Bench();
    bench.submit('t1', { capability: 'nobody' });
    bench.pass(100);
    bench.submit('t2');
    bench.submit('t3');
    bench.pass(50);
    bench.join('a');
    bench.pass(1000);
    bench.done('t2');
    const stats = bench.scheduler.stats(bench.now);
    assert.deepEqual(
      [stats.tasks.queued, stats.tasks.assigned, stats.tasks.done, stats.payloadBytes, stats.oldestAge],
      [1, 1, 1, 6, 1150],
    );
    assert.deepEqual(stats.capabilities, [{ capability: 'nobody', queued: 1, oldestAge: 1150, ableAgents: 0 }]);
    assert.equal(stats.queueWait.count, 2);
    assert.equal(stats.queueWait.max, 1050);
    assert.equal(stats.queueWait.mean, 550);
    assert.equal(stats.runTime.count, 1);
    assert.ok(stats.runTime.p50 >= 1000 && stats.runTime.p50 <= 1000 * 2 ** (1 / 8));
    assert.equal(stats.total.max, 1050);
    assert.equal(stats.counters.assignments, 2);
  });

  test('an empty scheduler has zeros, not gaps', () => {
    const stats = new Bench().scheduler.stats(0);
    assert.equal(stats.oldestAge, 0);
    assert.deepEqual(stats.queueWait, { count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 });
    assert.deepEqual(stats.capabilities, []);
  });

  test('percentiles are within a tenth of the true ones', () => {
    const bench = new Bench();
    bench.join('a', { concurrency: 1000 });
    for (let index = 1; index <= 1000; index += 1) bench.submit(`t${index}`);
    for (let index = 1; index <= 1000; index += 1) {
      bench.pass(1);
      bench.done(`t${index}`);
    }
    const { runTime } = bench.scheduler.stats(bench.now);
    for (const [measured, real] of [
      [runTime.p50, 500],
      [runTime.p90, 900],
      [runTime.p99, 990],
    ] as const) {
      assert.ok(measured >= real && measured <= real * 1.1, `${measured} for ${real}`);
    }
    assert.equal(runTime.max, 1000);
  });

  test('agents show what they have and how it went', () => {
    const bench = new Bench();
    bench.join('a', { concurrency: 4 });
    for (const id of ['t1', 't2', 't3', 't4']) bench.submit(id);
    bench.done('t1');
    bench.fail('t2');
    bench.scheduler.rejected(bench.now, 't3', 1);
    bench.scheduler.agentDraining(bench.now, 'a', 1);
    assert.deepEqual(bench.scheduler.agents(), [
      {
        id: 'a',
        incarnation: 1,
        capabilities: ['c'],
        assigned: 1,
        concurrency: 4,
        isDraining: true,
        pausedUntil: bench.now + 100,
        done: 1,
        failed: 1,
      },
    ]);
  });

  test('tasks can be looked for by state, capability, submitter and agent', () => {
    const bench = new Bench();
    bench.join('a');
    bench.submit('t1');
    bench.submit('t2', { submitter: 's2' });
    bench.submit('t3', { capability: 'd' });
    const ids = (filter: object): string[] => bench.scheduler.tasks(filter).map(({ id }) => id);
    assert.deepEqual(ids({}), ['t1', 't2', 't3']);
    assert.deepEqual(ids({ state: 'queued' }), ['t2', 't3']);
    assert.deepEqual(ids({ state: 'queued', capability: 'd' }), ['t3']);
    assert.deepEqual(ids({ submitter: 's2' }), ['t2']);
    assert.deepEqual(ids({ agent: 'a' }), ['t1']);
    assert.deepEqual(ids({ limit: 2 }), ['t1', 't2']);
    assert.throws(() => ids({ limit: 0 }), { code: 'ERR_SWARM_INVALID_OPTION' });
  });

  test('what was shown does not change afterwards', () => {
    const bench = new Bench();
    bench.join('a');
    bench.submit('t1');
    const before = bench.get('t1');
    const copy = structuredClone(before);
    bench.fail('t1');
    assert.deepEqual(before, copy);
  });
});
