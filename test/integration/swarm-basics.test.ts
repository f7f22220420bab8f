import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TOPOLOGIES, type Handlers, type TaskEvent } from '../../src/swarm/index.js';
import { startAgent, startSwarm } from '../support/swarm.js';
import { until } from '../support/until.js';

const handlers = (heard: unknown[]): Handlers => ({
  echo: (value) => value,
  fail: () => {
    throw new Error('on purpose');
  },
  count: async function* (upTo) {
    for (let n = 0; n < (upTo as number); n++) yield n;
  },
  sum: async (first, { values }) => {
    let sum = first as number;
    for await (const value of values) sum += value as number;
    return sum;
  },
  hear: (value, { from, unreliable }) => void heard.push({ value, from, unreliable }),
  double: (value) => 2 * (value as number),
});

for (const topology of TOPOLOGIES) {
  test(`members of a ${topology} exchange requests, streams, messages, notifications, publications, tasks and state`, async () => {
    const heard: unknown[] = [];
    const swarm = await startSwarm({ topology, handlers: handlers(heard) });
    const agents = [];
    for (const id of ['a', 'b', 'c', 'd']) {
      agents.push(await startAgent(swarm, id, { capabilities: ['double'], handlers: handlers(heard) }));
    }
    const members = [swarm, ...agents];
    await until(() => members.every((member) => member.members().length === 5));
    for (const from of members) {
      for (const to of members) {
        if (from === to) continue;
        const value = { text: 'hello', bytes: Uint8Array.of(1, 2), to: to.id };
        assert.deepEqual(await from.request(to.id, 'echo', value), value);
      }
    }
    const [a, b, c, d] = agents as [(typeof agents)[0], (typeof agents)[0], (typeof agents)[0], (typeof agents)[0]];
    await assert.rejects(a.request('c', 'fail'), { code: 'ERR_SWARM_HANDLER', message: 'c: on purpose' });
    await assert.rejects(a.request('c', 'missing'), { code: 'ERR_SWARM_NO_HANDLER' });
    await assert.rejects(a.request('nobody', 'echo'), { code: 'ERR_SWARM_NO_SUCH_AGENT' });

    const counted: unknown[] = [];
    for await (const value of await b.stream('d', 'count', 3)) counted.push(value);
    assert.deepEqual(counted, [0, 1, 2]);
    const sum = await b.stream('d', 'sum', 1);
    await sum.write(2);
    await sum.write(3);
    sum.end();
    assert.deepEqual(await sum.next(), { done: false, value: 6 });

    await a.send('d', 'hear', 'sent');
    await d.notify('a', 'hear', 'notified');
    await until(() => heard.length === 2);
    assert.deepEqual(heard, [
      { value: 'sent', from: 'a', unreliable: false },
      { value: 'notified', from: 'd', unreliable: true },
    ]);
    const report = await c.broadcast('hear', 'to all');
    assert.deepEqual([...report.delivered].sort(), ['a', 'b', 'coordinator', 'd']);
    assert.deepEqual(report.failed, {});

    const news: unknown[] = [];
    await d.subscribe('news', (value) => void news.push(value));
    await until(() => a.member('d')?.topics.includes('news') === true);
    assert.deepEqual((await a.publish('news', 42)).delivered, ['d']);
    await until(() => news.length === 1);

    const task = await a.submit({ capability: 'double', payload: 21 });
    const events: TaskEvent[] = [];
    for await (const event of task) events.push(event);
    assert.equal(await task.result, 42);

    const version = await b.state.set('key', [1, 2]);
    assert.equal(await c.syncState(), c.state.revision);
    assert.deepEqual(c.state.get('key'), { key: 'key', value: [1, 2], version });
    assert.deepEqual([c.getState('key'), c.getState('none')], [c.state.get('key'), undefined]);
    assert.deepEqual(c.getState(), [c.state.get('key')]);
    await assert.rejects(c.state.set('key', 3, { ifVersion: version + 1 }), { code: 'ERR_SWARM_CONFLICT' });

    const stats = await d.getStats();
    assert.equal(stats.transport, 'quic');
    assert.equal(stats.topology, topology);
    assert.equal(stats.coordinatorStats.agents, 4);
    assert.ok(stats.coordinatorStats.quicStats.bytesSent > 0);
    assert.equal(stats.coordinatorStats.tasks.counters.done, 1);
  });
}
