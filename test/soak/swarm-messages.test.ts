/** Messages of every size between every pair of members, straight and passed on by others. */

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { ExchangeContext, Handlers, SwarmMember } from '../../src/swarm/index.js';
import { startAgent, startSwarm } from '../support/swarm.js';
import { until } from '../support/until.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const SIZES = [0, 1, 100, 1200, 64 * KIB, MIB, 16 * MIB, 64 * MIB];
const hashOf = (bytes: unknown): string =>
  createHash('sha256')
    .update(bytes as Uint8Array)
    .digest('hex');
const handlers: Handlers = {
  echo: (value) => value,
  hash: (value) => hashOf(value),
  async slow(_first, { values }: ExchangeContext) {
    let bytes = 0;
    for await (const value of values) {
      bytes += (value as Uint8Array).length;
      await new Promise((resolve) => void setTimeout(resolve, 5));
    }
    return bytes;
  },
};
const bytes = randomBytes(64 * MIB);

test('a ring of five: every pair, from nothing to 64 MiB, there and back', { timeout: 300_000 }, async () => {
  const swarm = await startSwarm({ topology: 'ring', handlers, lease: 20_000 });
  const agents = [];
  for (const id of ['a', 'b', 'c', 'd']) agents.push(await startAgent(swarm, id, { handlers }));
  const members: SwarmMember[] = [swarm, ...agents];
  await until(() => members.every((member) => member.members().length === 5));
  for (const size of SIZES) {
    const value = bytes.subarray(0, size);
    const hash = hashOf(value);
    for (const from of members) {
      for (const to of members) {
        if (from === to) continue;
        const back = await from.request(to.id, 'echo', value, { timeout: 120_000 });
        assert.equal(hashOf(back), hash, `${size} bytes from ${from.id} to ${to.id}`);
      }
    }
  }
  const { messages } = await agents[1]!.getStats();
  assert.ok(messages.forwarded > 0, 'b passes on what a and c say');
  // The largest that is allowed: straight, and by way of another.
  const largest = bytes.subarray(0, 64 * MIB);
  const whole = hashOf(largest);
  for (const to of ['b', 'c']) {
    assert.equal(await agents[0]!.request(to, 'hash', largest, { timeout: 120_000 }), whole);
  }
  await assert.rejects(agents[0]!.request('b', 'hash', Buffer.alloc(64 * MIB + 1)), { code: 'ERR_SWARM_TOO_LARGE' });
});

test('a handler that reads slowly holds up who writes, and memory stays where it is', {
  timeout: 120_000,
}, async (t) => {
  const swarm = await startSwarm({ topology: 'star', handlers, lease: 20_000 });
  const [from, to] = [await startAgent(swarm, 'from'), await startAgent(swarm, 'to', { handlers })];
  await until(() => from.members().length === 3 && to.members().length === 3);
  const stream = await from.stream('to', 'slow', 'first');
  const piece = bytes.subarray(0, 256 * KIB);
  const before = process.memoryUsage().rss;
  let most = 0;
  for (let n = 0; n < 256; n++) {
    await stream.write(piece);
    most = Math.max(most, process.memoryUsage().rss - before);
  }
  stream.end();
  assert.equal((await stream.next()).value, 64 * MIB);
  t.diagnostic(`64 MiB by way of the coordinator; memory grew by ${Math.round(most / MIB)} MiB at most`);
  assert.ok(most < 150 * MIB);
});
