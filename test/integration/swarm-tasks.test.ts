/** Tasks end to end on real sockets: who does them, in which order, how often, and how they end. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { ExchangeContext, TaskEvent } from '../../src/swarm/index.js';
import { startAgent, startSwarm } from '../support/swarm.js';
import { until } from '../support/until.js';

/** Something that a handler waits for and the test opens. */
class Gate {
  #open: () => void = () => undefined;
  readonly opened = new Promise<void>((resolve) => {
    this.#open = resolve;
  });

  open(): void {
    this.#open();
  }
}

const quick = { initial: 10, jitter: 0 };

test('higher priorities go first, and an agent never has more than its concurrency', async () => {
  const swarm = await startSwarm();
  const gate = new Gate();
  const order: unknown[] = [];
  let [running, most] = [0, 0];
  const work = async (value: unknown): Promise<void> => {
    most = Math.max(most, ++running);
    await gate.opened;
    order.push(value);
    running--;
  };
  const worker = await startAgent(swarm, 'worker', { capabilities: ['work'], concurrency: 2, handlers: { work } });
  const client = await startAgent(swarm, 'client');
  const first = await Promise.all([1, 2].map((n) => client.submit({ capability: 'work', payload: `first ${n}` })));
  await until(() => running === 2);
  const priorities = [-5, 100, 0, 7];
  const later = await Promise.all(
    priorities.map((priority) => client.submit({ capability: 'work', payload: priority, priority })),
  );
  await worker.update({ concurrency: 1 });
  gate.open();
  await Promise.all([...first, ...later].map(({ result }) => result));
  assert.deepEqual(order.slice(2), [100, 7, 0, -5]);
  assert.equal(most, 2);
});

test('a handler that does not heed its signal keeps its place: nothing is done beside it', async () => {
  const swarm = await startSwarm();
  let [atWork, most] = [0, 0];
  const ends: (() => void)[] = [];
  const work = async (value: unknown): Promise<unknown> => {
    most = Math.max(most, ++atWork);
    await new Promise<void>((resolve) => ends.push(resolve));
    atWork--;
    return value;
  };
  await startAgent(swarm, 'deaf', { capabilities: ['work'], concurrency: 1, handlers: { work } });
  const first = await swarm.submit({ capability: 'work' });
  await until(() => atWork === 1);
  await first.cancel();
  await assert.rejects(first.result, { code: 'ERR_SWARM_TASK_CANCELLED' });
  const second = await swarm.submit({ capability: 'work', payload: 'second' });
  const declined = async (): Promise<boolean> =>
    (await swarm.getStats()).coordinatorStats.tasks.counters.rejections > 0;
  await until(async () => most > 1 || (await declined()));
  assert.equal(most, 1);
  ends.shift()?.();
  await until(() => ends.length === 1);
  ends.shift()?.();
  assert.equal(await second.result, 'second');
  assert.equal(most, 1);
});

test('a deadline is a duration: it ends the task while it waits, and while somebody is at it', async () => {
  const swarm = await startSwarm();
  let signal: AbortSignal | undefined;
  await startAgent(swarm, 'worker', {
    capabilities: ['work'],
    handlers: {
      work: async (_, context) => {
        signal = context.signal;
        assert.ok(context.timeout > 0 && context.timeout <= 300);
        await once(context.signal, 'abort');
      },
    },
  });
  const client = await startAgent(swarm, 'client');
  const waiting = await client.submit({ capability: 'nobody can', deadline: 50 });
  await assert.rejects(waiting.result, { code: 'ERR_SWARM_TASK_DEADLINE' });
  const running = await client.submit({ capability: 'work', deadline: 300 });
  await assert.rejects(running.result, { code: 'ERR_SWARM_TASK_DEADLINE' });
  await until(() => signal?.aborted === true);
});

test('an attempt that takes too long is taken away and given to another agent', async () => {
  const swarm = await startSwarm();
  const aborted: string[] = [];
  const handlersOf = (id: string) => ({
    work: async (_: unknown, { task, signal }: ExchangeContext) => {
      if (task?.attempt !== 1) return id;
      await once(signal, 'abort');
      return aborted.push(id);
    },
  });
  for (const id of ['a', 'b']) await startAgent(swarm, id, { capabilities: ['work'], handlers: handlersOf(id) });
  const client = await startAgent(swarm, 'client');
  const task = await client.submit({ capability: 'work', attemptTimeout: 200, backoff: quick });
  const result = await task.result;
  await until(() => aborted.length === 1);
  assert.notEqual(result, aborted[0]);
  assert.deepEqual(
    swarm.task(task.id)?.attempts.map(({ outcome }) => outcome),
    ['timeout', 'done'],
  );
});

test('cancelling reaches the signal of the handler, by the handle and by a signal of the submitter', async () => {
  const swarm = await startSwarm();
  let [begun, aborted] = [0, 0];
  const work = async (_: unknown, { signal }: ExchangeContext): Promise<void> => {
    begun++;
    await once(signal, 'abort');
    aborted++;
  };
  await startAgent(swarm, 'worker', { capabilities: ['work'], handlers: { work } });
  const client = await startAgent(swarm, 'client');
  for (const member of [swarm, client]) {
    [begun, aborted] = [0, 0];
    const task = await member.submit({ capability: 'work' });
    await until(() => begun === 1);
    assert.equal(await task.cancel('changed my mind'), true);
    await assert.rejects(task.result, { code: 'ERR_SWARM_TASK_CANCELLED', message: /changed my mind|cancelled/ });
    assert.equal(await task.cancel(), false);
    const controller = new AbortController();
    const other = await member.submit({ capability: 'work', signal: controller.signal });
    await until(() => begun === 2);
    controller.abort();
    await assert.rejects(other.result, { code: 'ERR_SWARM_TASK_CANCELLED' });
    await until(() => aborted === 2 && swarm.task(other.id)?.state === 'cancelled');
  }
});

test('a slow reader of partial results slows the handler down, and gets all of them', async () => {
  const swarm = await startSwarm();
  const COUNT = 400;
  const part = new Uint8Array(32 * 1024);
  let made = 0;
  await startAgent(swarm, 'worker', {
    capabilities: ['parts'],
    handlers: {
      parts: async function* (_, { task }) {
        for (; made < COUNT; made++) {
          task?.progress(made / COUNT);
          yield part;
        }
        return 'all';
      },
    },
  });
  const client = await startAgent(swarm, 'client');
  const task = await client.submit({ capability: 'parts' });
  let [parts, progress, furthestAhead] = [0, 0, 0];
  for await (const event of task) {
    if (event.type === 'progress') progress++;
    if (event.type !== 'partial') continue;
    parts++;
    furthestAhead = Math.max(furthestAhead, made - parts);
    assert.equal((event.value as Uint8Array).length, part.length);
    if (parts < 50) await new Promise((resolve) => void setTimeout(resolve, 5));
  }
  assert.equal(await task.result, 'all');
  assert.equal(parts, COUNT);
  assert.ok(progress > 0);
  assert.ok(furthestAhead < COUNT - 50, `the handler was ${furthestAhead} parts ahead`);
});

test('failures are tried again with pauses, become dead letters, and can be put back', async () => {
  const swarm = await startSwarm({ permissions: { operator: ['administer'], worker: ['message'] } });
  let isMended = false;
  const work = (): string => {
    if (!isMended) throw new Error('broken');
    return 'whole';
  };
  await startAgent(swarm, 'worker', { capabilities: ['work'], handlers: { work } });
  const operator = await startAgent(swarm, 'operator', { role: 'operator' });
  const task = await swarm.submit({ capability: 'work', maxAttempts: 3, backoff: quick });
  const events: TaskEvent[] = [];
  task.on('event', (event) => events.push(event));
  await assert.rejects(task.result, { code: 'ERR_SWARM_TASK_DEAD', message: /3 times.*broken/ });
  const delays = events.flatMap((event) => (event.type === 'requeued' ? [event.delay] : []));
  assert.deepEqual(delays, [10, 20]);
  assert.deepEqual(
    swarm.deadLetters().map(({ id, failures }) => [id, failures]),
    [[task.id, 3]],
  );
  isMended = true;
  assert.equal(await operator.administer('retry-task', { id: task.id }), true);
  await until(() => swarm.task(task.id)?.state === 'done');
  assert.deepEqual(swarm.deadLetters(), []);
});

test('the same idempotency key is done once, and every submitter of it gets the result', async () => {
  const swarm = await startSwarm();
  let times = 0;
  const gate = new Gate();
  const work = async (value: unknown, { task }: ExchangeContext): Promise<string> => {
    times++;
    await gate.opened;
    return `${String(value)} ${task?.idempotencyKey ?? ''}`;
  };
  await startAgent(swarm, 'worker', { capabilities: ['work'], handlers: { work } });
  const client = await startAgent(swarm, 'client');
  for (const member of [swarm, client]) {
    const submit = () => member.submit({ capability: 'work', payload: 'x', idempotencyKey: 'key' });
    const [one, two] = await Promise.all([submit(), submit()]);
    assert.equal(one.id, two.id);
    gate.open();
    assert.deepEqual(await Promise.all([one.result, two.result]), ['x key', 'x key']);
    assert.equal(await (await submit()).result, 'x key', 'also when it is over already');
  }
  assert.equal(times, 2, 'once for each member that submits');
});

test('a full queue refuses, or lets wait; who waits can give up, and learns of the end of the swarm', async () => {
  const swarm = await startSwarm({ tasks: { maxQueued: 2 } });
  const client = await startAgent(swarm, 'client');
  const submit = (payload: number, options: object = {}) =>
    client
      .submit({ capability: 'work', payload, ...options })
      .catch((error: unknown) => error as Error & { code: string });
  const queued = [await submit(0), await submit(1)];
  const refused = await submit(2, { wait: false });
  assert.equal('code' in refused && refused.code, 'ERR_SWARM_QUEUE_FULL');
  const controller = new AbortController();
  const givenUp = submit(3, { signal: controller.signal });
  const parked = async (count: number): Promise<void> => {
    while ((await swarm.getStats()).coordinatorStats.tasks.parked !== count) await new Promise(setImmediate);
  };
  await parked(1);
  controller.abort(new Error('no patience'));
  assert.equal(((await givenUp) as Error).message, 'no patience');
  await parked(0);
  const patient = submit(4);
  await parked(1);
  await startAgent(swarm, 'worker', { capabilities: ['work'], handlers: { work: (value) => value } });
  const results: unknown[] = [];
  for (const handle of [...queued, await patient]) results.push('result' in handle ? await handle.result : handle);
  assert.deepEqual(results, [0, 1, 4]);

  const full = [0, 1].map(() => swarm.submit({ capability: 'nobody can' }));
  await Promise.all(full);
  const last = swarm.submit({ capability: 'nobody can' });
  await parked(1);
  await Promise.all([assert.rejects(last, { code: 'ERR_SWARM_CLOSED' }), swarm.shutdown()]);
});

test('payloads and results of 10 MiB', async () => {
  const swarm = await startSwarm();
  await startAgent(swarm, 'worker', {
    capabilities: ['turn'],
    handlers: { turn: (value) => (value as Uint8Array).map((byte) => 255 - byte) },
  });
  const client = await startAgent(swarm, 'client');
  const payload = new Uint8Array(10 * 2 ** 20).map((_, index) => (index * 31) % 251);
  for (const member of [client, swarm]) {
    const task = await member.submit({ capability: 'turn', payload });
    const result = (await task.result) as Uint8Array;
    assert.ok(Buffer.from(result.map((byte) => 255 - byte)).equals(payload));
  }
});

test('an agent that leaves in order has its tasks done by others, as no failure of theirs', async () => {
  const swarm = await startSwarm();
  const began: string[] = [];
  const stay = async (_: unknown, { signal }: ExchangeContext) => {
    began.push('leaver');
    await once(signal, 'abort');
  };
  const leaver = await startAgent(swarm, 'leaver', { capabilities: ['work'], handlers: { work: stay } });
  const client = await startAgent(swarm, 'client');
  const tasks = await Promise.all(
    [1, 2, 3].map((n) => client.submit({ capability: 'work', payload: n, maxAttempts: 1 })),
  );
  await until(() => began.length === 3);
  await startAgent(swarm, 'other', { capabilities: ['work'], handlers: { work: (value) => value } });
  await leaver.leave();
  assert.deepEqual(await Promise.all(tasks.map(({ result }) => result)), [1, 2, 3]);
});

test('a task for one agent waits for it, though others could', async () => {
  const swarm = await startSwarm();
  const handlersOf = (id: string) => ({ work: () => id });
  await startAgent(swarm, 'other', { capabilities: ['work'], handlers: handlersOf('other') });
  const client = await startAgent(swarm, 'client');
  const task = await client.submit({ capability: 'work', agent: 'meant' });
  assert.equal(await (await client.submit({ capability: 'work' })).result, 'other');
  assert.equal(swarm.task(task.id)?.state, 'queued');
  await startAgent(swarm, 'meant', { capabilities: ['work'], handlers: handlersOf('meant') });
  assert.equal(await task.result, 'meant');
});

test('roles that may not submit or administer are refused', async () => {
  const swarm = await startSwarm({ permissions: { reader: ['message'] } });
  const reader = await startAgent(swarm, 'reader', { role: 'reader' });
  await assert.rejects(reader.submit({ capability: 'work' }), { code: 'ERR_SWARM_FORBIDDEN' });
  await assert.rejects(reader.administer('dead-letters', {}), { code: 'ERR_SWARM_FORBIDDEN' });
  const task = await swarm.submit({ capability: 'work' });
  await assert.rejects(reader.administer('cancel-task', { id: task.id, reason: '' }), { code: 'ERR_SWARM_FORBIDDEN' });
  assert.equal(swarm.task(task.id)?.state, 'queued');
});
