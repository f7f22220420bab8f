// 10,000 connections and 1,000,000 streams, opened and closed: what they needed is given back. SKEIN_SOAK_CONNECTIONS
// and SKEIN_SOAK_STREAMS change the numbers. The engine's memory never shrinks, so "given back" means that it is used
// again: after the warm-up it does not grow. The heap is measured after garbage collection, which needs --expose-gc;
// the test turns that on by itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { QuicConnection, QuicStream } from '../../src/quic/index.js';
import { EndpointPair, until } from '../support/quic-pair.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const MIB = 1024 * 1024;
const connections = Number(process.env['SKEIN_SOAK_CONNECTIONS'] ?? 10_000);
const streams = Number(process.env['SKEIN_SOAK_STREAMS'] ?? 1_000_000);
const AT_A_TIME = 32;
/** Sessions that the server remembers: as many connections fill that memory, which is then used again. */
const SESSIONS = 500;

interface Memory {
  readonly clientEngine: number;
  readonly serverEngine: number;
  readonly heap: number;
}

async function measure(pair: EndpointPair): Promise<Memory> {
  // What waits for the end of a turn, or for a timer, is let go first.
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => void setTimeout(resolve, 20));
    collectGarbage();
  }
  return {
    clientEngine: pair.client.stats().engineMemory,
    serverEngine: pair.server.stats().engineMemory,
    heap: process.memoryUsage().heapUsed,
  };
}

/** Runs `work` `count` times, a tenth of them as warm-up, and compares what is held. */
async function steady(
  pair: EndpointPair,
  count: number,
  work: (count: number, atATime: number) => Promise<void>,
  log: (message: string) => void,
): Promise<void> {
  const warmUp = Math.max(Math.ceil(count / 10), Math.min(count / 2, SESSIONS));
  // Twice as much at a time: what is needed at the peak is not a leak.
  await work(warmUp, 2 * AT_A_TIME);
  const before = await measure(pair);
  await work(count - warmUp, AT_A_TIME);
  const after = await measure(pair);
  log(`before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`);
  assert.ok(after.clientEngine - before.clientEngine <= MIB, 'the engine of the client has grown');
  assert.ok(after.serverEngine - before.serverEngine <= MIB, 'the engine of the server has grown');
  assert.ok(after.heap - before.heap <= 4 * MIB, `the heap has grown by ${after.heap - before.heap} bytes`);
}

async function answer(stream: QuicStream): Promise<void> {
  const bytes = await stream.receiveAll();
  await stream.send(bytes);
  await stream.finish();
}

const MESSAGE = new Uint8Array(64).fill(5);

async function ask(connection: QuicConnection): Promise<void> {
  const stream = await connection.openBidirectionalStream({ waitForCredit: true });
  await stream.send(MESSAGE);
  await stream.finish();
  assert.equal((await stream.receiveAll()).length, MESSAGE.length);
}

/** Runs `work` `count` times, some at a time. */
async function inParallel(count: number, atATime: number, work: () => Promise<void>): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: atATime }, worker));
}

test(`${streams} streams on one connection`, async (t) => {
  await using pair = await EndpointPair.start();
  const { client, server } = await pair.connect();
  server.on('stream', (stream) => void answer(stream));
  await steady(
    pair,
    streams,
    (count, atATime) => inParallel(count, atATime, () => ask(client)),
    (message) => t.diagnostic(message),
  );
  await until(() => client.activeStreams === 0 && server.activeStreams === 0);
  assert.equal(client.stats().totalStreams, streams);
});

test(`${connections} connections, each with a stream`, async (t) => {
  await using pair = await EndpointPair.start({ server: { sessionCapacity: SESSIONS } });
  const accepting = (async () => {
    for (let count = 0; count < connections; count++) {
      const server = await pair.accepted();
      server.on('stream', (stream) => {
        answer(stream).catch(() => undefined);
      });
    }
  })();
  const visit = async (): Promise<void> => {
    const connection = await pair.dial();
    await ask(connection);
    await connection.close();
  };
  const work = async (count: number, atATime: number): Promise<void> => {
    await inParallel(count, atATime, visit);
    // Closed connections linger for three probe timeouts (RFC 9000 10.2).
    await until(() => pair.server.stats().activeConnections === 0);
  };
  await steady(pair, connections, work, (message) => t.diagnostic(message));
  await accepting;
  assert.equal(pair.server.stats().totalConnections, connections);
});
