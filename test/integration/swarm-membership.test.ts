import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { joinSwarm, type MemberInfo, type SwarmError } from '../../src/swarm/index.js';
import { makeIdentity } from '../../src/swarm/security/identity.js';
import { SECRET, startAgent, startSwarm } from '../support/swarm.js';
import { until } from '../support/until.js';

const ids = (members: readonly MemberInfo[]): string[] => members.map(({ id }) => id);

test('every member has the same view, and hears of joining, changing and leaving', async () => {
  const swarm = await startSwarm();
  const a = await startAgent(swarm, 'a', { role: 'validator', capabilities: ['x'], concurrency: 7 });
  const heard: string[] = [];
  a.on('memberJoined', ({ id }) => heard.push(`joined ${id}`))
    .on('memberChanged', ({ id, capabilities }) => heard.push(`changed ${id} ${capabilities.join()}`))
    .on('memberLeft', ({ id }, reason) => heard.push(`left ${id} ${reason}`));
  const b = await startAgent(swarm, 'b', { capabilities: ['y'] });
  await until(() => a.members().length === 3);
  await b.update({ capabilities: ['y', 'z'], concurrency: 2 });
  await until(() => a.member('b')?.concurrency === 2);
  assert.deepEqual(a.members(), swarm.members());
  assert.deepEqual(b.members(), swarm.members());
  assert.equal(a.epoch, swarm.epoch);
  assert.deepEqual(ids(a.members()), ['coordinator', 'a', 'b']);
  const { role, capabilities, concurrency, host, port } = swarm.member('a') as MemberInfo;
  assert.deepEqual({ role, capabilities, concurrency }, { role: 'validator', capabilities: ['x'], concurrency: 7 });
  assert.deepEqual({ host, port }, { host: '127.0.0.1', port: a.address.port });
  await b.leave();
  await until(() => a.members().length === 2);
  assert.deepEqual(heard, ['joined b', 'changed b y,z', 'left b left']);
});

test('a swarm that is full, an id that is taken and a swarm that is another are refused with reasons', async () => {
  const swarm = await startSwarm({ maxAgents: 2, swarmId: 'right' });
  await startAgent(swarm, 'a');
  await assert.rejects(startAgent(swarm, 'a'), { code: 'ERR_SWARM_DUPLICATE_ID' });
  await assert.rejects(startAgent(swarm, 'coordinator'), { code: 'ERR_SWARM_DUPLICATE_ID' });
  await assert.rejects(startAgent(swarm, 'b', { swarmId: 'wrong' }), { code: 'ERR_SWARM_UNKNOWN_SWARM' });
  await startAgent(swarm, 'b', { swarmId: 'right' });
  await assert.rejects(startAgent(swarm, 'c'), (error: SwarmError) => {
    return error.code === 'ERR_SWARM_FULL' && error.message.includes('maxAgents');
  });
  assert.deepEqual(ids(swarm.members()), ['coordinator', 'a', 'b']);
});

test('options that make no sense are refused in words', async () => {
  await assert.rejects(startSwarm({ transport: 'tcp' as 'quic' }), (error: SwarmError) => {
    return error.code === 'ERR_SWARM_INVALID_OPTION' && error.message.includes('there is quic');
  });
  await assert.rejects(startSwarm({ topology: 'cube' as 'mesh' }), { code: 'ERR_SWARM_INVALID_OPTION' });
  await assert.rejects(startSwarm({ swarmId: '' }), { code: 'ERR_SWARM_INVALID_OPTION' });
  await assert.rejects(startSwarm({ maxAgents: 0 }), { code: 'ERR_SWARM_INVALID_OPTION' });
  await assert.rejects(startSwarm({ lease: 1 }), { code: 'ERR_SWARM_INVALID_OPTION' });
  await assert.rejects(joinSwarm({ id: 'a', coordinator: 'host:port', secret: SECRET }), {
    code: 'ERR_SWARM_INVALID_OPTION',
  });
  await assert.rejects(joinSwarm({ id: ' a', secret: SECRET }), { code: 'ERR_SWARM_INVALID_OPTION' });
});

test('another life of an agent with the same certificate takes its place at once', async () => {
  const swarm = await startSwarm({ handlers: { echo: (value) => value } });
  const identity = await makeIdentity('a');
  const first = await startAgent(swarm, 'a', identity);
  const left = once(swarm, 'memberLeft');
  const second = await startAgent(swarm, 'a', { ...identity, handlers: { which: () => 'second' } });
  assert.equal((await left)[1], 'replaced');
  assert.equal(swarm.member('a')?.incarnation, 2);
  assert.equal(await swarm.request('a', 'which'), 'second');
  assert.ok(second.isConnected);
  await first.leave();
});

test('registerAgent dials an agent that waits, and both end in the same membership', async () => {
  const swarm = await startSwarm({ topology: 'mesh', lease: 600 });
  const waiting = await joinSwarm({ id: 'agent-1', host: '127.0.0.1', secret: SECRET, handlers: { echo: (it) => it } });
  try {
    assert.equal(waiting.members().length, 0);
    const other = await startAgent(swarm, 'other');
    const { port } = waiting.address;
    const member = await swarm.registerAgent({
      id: 'agent-1',
      role: 'analyst',
      host: 'localhost',
      port,
      capabilities: ['compute', 'analyze'],
    });
    assert.equal(member.role, 'analyst');
    await waiting.joined;
    assert.equal(waiting.role, 'analyst');
    await until(() => other.members().length === 3);
    assert.deepEqual(other.member('agent-1')?.capabilities, ['compute', 'analyze']);
    assert.equal(await other.request('agent-1', 'echo', 'hello'), 'hello');
    await assert.rejects(swarm.registerAgent({ id: 'agent-2', host: '127.0.0.1', port }), {
      code: 'ERR_SWARM_UNKNOWN_SWARM',
    });
    const other2 = await startSwarm({ swarmId: 'another', id: 'another coordinator' });
    await assert.rejects(other2.registerAgent({ id: 'agent-1', host: '127.0.0.1', port }), {
      code: 'ERR_SWARM_UNKNOWN_SWARM',
    });
  } finally {
    await waiting.leave();
  }
  await assert.rejects(swarm.registerAgent({ id: 'x', host: '127.0.0.1', port: 9 }), { code: 'ERR_SWARM_UNREACHABLE' });
});

test('an evicted agent is told why, and does not come back', async () => {
  const swarm = await startSwarm();
  const agent = await startAgent(swarm, 'a');
  const closed = once(agent, 'closed') as Promise<[SwarmError]>;
  assert.equal(swarm.evictAgent('a', 'misbehaves'), true);
  assert.equal(swarm.evictAgent('a'), false);
  const [error] = await closed;
  assert.equal(error.code, 'ERR_SWARM_EVICTED');
  assert.equal(error.message, 'misbehaves');
  assert.deepEqual(ids(swarm.members()), ['coordinator']);
  await assert.rejects(agent.request('coordinator', 'x'), { code: 'ERR_SWARM_EVICTED' });
});

test('when the swarm is shut down, every agent is told and its exchanges end', async () => {
  const swarm = await startSwarm({ handlers: { never: () => new Promise(() => undefined) } });
  const agent = await startAgent(swarm, 'a');
  const closed = once(agent, 'closed') as Promise<[SwarmError]>;
  const unanswered = assert.rejects(agent.request('coordinator', 'never', 1, { timeout: 0 }));
  const task = await agent.submit({ capability: 'nobody has it' });
  await swarm.shutdown();
  assert.equal((await closed)[0].code, 'ERR_SWARM_CLOSED');
  await unanswered;
  await assert.rejects(task.result, { code: 'ERR_SWARM_CLOSED' });
  await assert.rejects(agent.submit({ capability: 'x' }), { code: 'ERR_SWARM_CLOSED' });
});

test('an agent whose address changes goes on without a reconnect', async () => {
  const swarm = await startSwarm({ handlers: { slow: slowly } });
  const agent = await startAgent(swarm, 'a');
  const before = (await swarm.getStats()).agents[0]?.address;
  const lost: unknown[] = [];
  agent.on('disconnected', (error) => lost.push(error));
  const stream = await agent.stream('coordinator', 'slow');
  await stream.write('one');
  assert.equal((await stream.next()).value, 'one');
  await agent.migrate();
  await stream.write('two');
  assert.equal((await stream.next()).value, 'two');
  const after = (await swarm.getStats()).agents[0]?.address;
  assert.notEqual(after, before);
  assert.equal(swarm.member('a')?.incarnation, 1);
  assert.deepEqual(lost, []);
});

async function* slowly(first: unknown, { values }: { readonly values: AsyncIterable<unknown> }): AsyncGenerator {
  yield first;
  for await (const value of values) yield value;
}

test('a result that is on its way when the swarm is shut down arrives', async () => {
  for (let round = 0; round < 5; round++) {
    const swarm = await startSwarm();
    const agent = await startAgent(swarm, 'a', { capabilities: ['work'], handlers: { work: (value) => value } });
    const task = await agent.submit({ capability: 'work', payload: new Uint8Array(300_000) });
    await until(() => swarm.task(task.id)?.state === 'done');
    await swarm.shutdown();
    assert.equal(((await task.result) as Uint8Array).length, 300_000);
  }
});
