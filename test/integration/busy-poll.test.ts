// Endpoints on real sockets stay awake for prompt answers, unless they are told not to, and sleep when all is said.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as after } from 'node:timers/promises';
import { echo, EndpointPair, roundTrip } from '../support/quic-pair.js';

const limit = { timeout: 30_000 };

/** Turns of the event loop that were asked for to stay awake. */
let looks = 0;
const before = globalThis.setImmediate;
globalThis.setImmediate = ((callback: (...values: unknown[]) => void, ...values: unknown[]) => {
  if (callback.name === '#look') looks++;
  return before(callback, ...values);
}) as typeof setImmediate;

async function exchanges(busyPoll: number): Promise<number> {
  looks = 0;
  await using pair = await EndpointPair.start({ client: { busyPoll }, server: { busyPoll } });
  const { client, server } = await pair.connect();
  echo(server);
  for (let count = 0; count < 200; count++) {
    const question = Buffer.of(count, 1, 2, 3);
    assert.deepEqual(await roundTrip(client, question), question);
  }
  const asked = looks;
  // Asleep again, with the connection open. An acknowledgement, or a probe of the path's MTU, may still come in between.
  for (let then = -1; then !== looks; ) {
    then = looks;
    await after(20 + 2 * busyPoll);
  }
  return asked;
}

// On a busy machine, within one process, an answer takes longer than from a process that has a processor of its own.
test('exchanges one at a time are awaited awake', limit, async () => {
  const asked = await exchanges(10);
  assert.ok(asked >= 50, `${asked} turns`);
});

test('busyPoll 0: never', limit, async () => {
  assert.equal(await exchanges(0), 0);
});
