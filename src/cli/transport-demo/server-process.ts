/** The server of the demonstration: receives files, and tells what it saw of each connection. */

import { QuicServer, type QuicConnection } from '../../index.js';
import { FILES_ALPN } from '../files/messages.js';
import { silent } from '../files/progress.js';
import { receiveFiles } from '../files/receive-files.js';
import { leaveInterruptsToTheParent, order, report, type ServerOrder } from './messages.js';

/** Serves until the demonstration lets go of it. */
export async function demoServer(): Promise<void> {
  leaveInterruptsToTheParent();
  const { certPath, keyPath, roots, rehearsals } = await order<ServerOrder>('serve');
  const server = new QuicServer({
    host: '127.0.0.1',
    port: 0,
    alpn: [FILES_ALPN],
    certPath,
    keyPath,
    maxConcurrentStreams: 1024,
    idleTimeout: 10_000,
  });
  let connections = 0;
  server.handle({ connection: (connection) => serve(connection, connections++ - rehearsals, roots) });
  const released = new Promise<void>((resolve) => {
    process.once('disconnect', resolve);
  });
  await server.listen();
  await report({ type: 'listening', port: server.address.port });
  await released;
  await server.stop({ timeout: 1000 });
}

async function serve(connection: QuicConnection, index: number, roots: readonly string[]): Promise<void> {
  const root = roots[index];
  let from = connection.remoteAddress.port;
  connection.on('path', (event) => {
    if (event.type !== 'remoteAddress') return;
    const to = event.remote.port;
    void report({ type: 'moved', connection: index, from, to });
    from = to;
  });
  const result = await receiveFiles(connection, {
    root: root ?? '',
    force: false,
    resume: false,
    progress: silent,
    onOffer: () => (root === undefined ? 'this connection is a rehearsal' : undefined),
  });
  if (root === undefined) return;
  const { error, ...rest } = result;
  const { resumed, cipher } = connection.details;
  await report({
    type: 'received',
    connection: index,
    result: rest,
    error: error?.message,
    seen: { stats: connection.stats(), resumed, earlyData: connection.earlyData, cipher },
  });
}
