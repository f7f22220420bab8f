/** The client of the demonstration: two transfers, the second with 0-RTT and a migration in its middle. */

import { QuicClient, type QuicClientConfig, type QuicConnection } from '../../index.js';
import { encodeMessage, FILES_ALPN, StreamReader } from '../files/messages.js';
import type { FileList } from '../files/file-list.js';
import { silent } from '../files/progress.js';
import { sendFiles } from '../files/send-files.js';
import { sessionTicket } from '../session-ticket.js';
import {
  leaveInterruptsToTheParent,
  order,
  report,
  type ClientOrder,
  type FirstBytes,
  type Transfer,
} from './messages.js';

/** Pairs of connections that are not measured. */
export const WARM_UP = 6;
const HOST = '127.0.0.1';

/** Does what it is ordered, and ends. */
export async function demoClient(): Promise<void> {
  leaveInterruptsToTheParent();
  const { port, caPath, tree, large, streams, pairs } = await order<ClientOrder>('send');
  const options = { caPath, alpn: [FILES_ALPN], maxConcurrentStreams: 1024, idleTimeout: 10_000 };
  await report({ type: 'rehearsed', firstBytes: await rehearse(options, port, pairs) });
  const client = new QuicClient(options);
  await client.initialize();
  try {
    await report({ type: 'first', transfer: await transfer(client, port, tree, streams) });
    const migrating = (connection: QuicConnection): ((bytes: number) => void) => migrateAt(connection, large.bytes);
    await report({ type: 'second', transfer: await transfer(client, port, large, streams, migrating) });
  } finally {
    await client.shutdown({ timeout: 1000 });
    process.disconnect?.();
  }
}

/**
 * Full handshakes and 0-RTT in turns. Some of each kind go before those that are measured: the runtime compiles what
 * runs often, and the times shall not be those of its compiler.
 */
async function rehearse(options: QuicClientConfig, port: number, pairs: number): Promise<FirstBytes> {
  const full = new QuicClient({ ...options, resumption: false });
  const early = new QuicClient(options);
  const times = { full: [] as number[], early: [] as number[] };
  for (let turn = 0; turn < WARM_UP; turn++) {
    await ask(full, port);
    await ask(early, port);
  }
  for (let pair = 0; pair < pairs; pair++) {
    times.full.push(await ask(full, port));
    times.early.push(await ask(early, port));
  }
  await Promise.all([full.shutdown({ timeout: 1000 }), early.shutdown({ timeout: 1000 })]);
  return times;
}

/** Connects and makes an empty offer; the time to the first byte of the answer. */
async function ask(client: QuicClient, port: number): Promise<number> {
  const began = performance.now();
  const connection = await client.connect(HOST, port);
  const ticket = sessionTicket(connection);
  const stream = await connection.openBidirectionalStream();
  await stream.send(encodeMessage({ type: 'offer', files: 0, bytes: 0 }));
  await stream.finish();
  const reader = new StreamReader(stream);
  await reader.message('refuse');
  const time = performance.now() - began;
  await reader.end();
  await ticket;
  await connection.close();
  return time;
}

async function transfer(
  client: QuicClient,
  port: number,
  list: FileList,
  streams: number,
  onConnection?: (connection: QuicConnection) => (bytes: number) => void,
): Promise<Transfer> {
  const began = performance.now();
  const connection = await client.connect(HOST, port);
  const ticket = sessionTicket(connection);
  const moved = onConnection?.(connection) ?? ((): void => undefined);
  let firstByte = NaN;
  // The transfer begins with the answer to the offer, the first bytes that come back.
  const begin = (): void => void (firstByte = performance.now() - began);
  const result = await sendFiles(connection, list, { streams, resume: false, progress: { ...silent, begin, moved } });
  await connection.ready;
  await ticket;
  const { resumed, cipher } = connection.details;
  const { earlyData } = connection;
  await connection.close();
  return { firstByte, result, seen: { stats: connection.stats(), resumed, earlyData, cipher } };
}

/** Moves to another port when a third of the bytes is on its way. */
function migrateAt(connection: QuicConnection, ofBytes: number): (bytes: number) => void {
  let atBytes = 0;
  let begun = false;
  return (bytes) => {
    atBytes += bytes;
    if (begun || atBytes < ofBytes / 3) return;
    begun = true;
    const fromPort = connection.localAddress.port;
    connection.migrate().then(
      () => {
        const toPort = connection.localAddress.port;
        return report({ type: 'migrated', migration: { fromPort, toPort, atBytes, ofBytes } });
      },
      (error: unknown) =>
        report({
          type: 'failed',
          message: `cannot migrate: ${error instanceof Error ? error.message : String(error)}`,
        }),
    );
  };
}
