/** `skein perf server`. */

import { colors as pc } from '../colors.js';
import { QuicError, QuicServer, type CongestionControl, type QuicConnection } from '../../index.js';
import { formatHostAndPort, type HostAndPort } from '../arguments.js';
import { CliError, EXIT } from '../failure.js';
import { count, formatBytes, formatRate, formatTime } from '../format.js';
import { interruptible } from '../interrupt.js';
import { ownCertificate, reachableAs } from '../own-certificate.js';
import { answer, isStreamEnd, PERF_ALPN, type Counters } from './protocol.js';

export interface PerfServerArguments {
  readonly listen: HostAndPort;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly congestion: CongestionControl;
  readonly mtu?: number | undefined;
  readonly json: boolean;
}

/** Streams that a client may have open at a time. */
const MAX_STREAMS = 10_000;

/** Serves until interrupted, which is how it is meant to end. */
export async function perfServer(options: PerfServerArguments): Promise<void> {
  if (options.key !== undefined && options.cert === undefined) {
    throw new CliError('--key needs --cert, the certificate that the key belongs to', { exitCode: EXIT.usage });
  }
  const made = options.cert === undefined ? await ownCertificate(options.listen.host) : undefined;
  const server = new QuicServer({
    host: options.listen.host,
    port: options.listen.port,
    alpn: [PERF_ALPN],
    ...(made ? { cert: made.cert, key: made.key } : { certPath: options.cert, keyPath: options.key ?? options.cert }),
    congestionControl: options.congestion,
    maxPathMtu: options.mtu,
    maxConcurrentStreams: MAX_STREAMS,
    maxConnections: 10_000,
    streamTimeout: 0,
  });
  server.handle({ connection: (connection) => serve(connection, options.json) });
  const interrupt = interruptible();
  try {
    await server.listen();
    announce(server.address, made?.pin, options.json);
    await new Promise<void>((resolve) => {
      interrupt.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    await server.stop({ timeout: 1000 });
    interrupt.dispose();
  }
}

async function serve(connection: QuicConnection, json: boolean): Promise<void> {
  const began = performance.now();
  const counters: Counters = { sent: 0, received: 0 };
  connection.on('stream', (stream) => {
    answer(stream, counters).catch((error: unknown) => {
      // Streams end with their connection; whatever else goes wrong is said where the connection ends.
      if (!isStreamEnd(error) && !QuicError.isQuicError(error)) connection.destroy();
    });
  });
  const { error } = await connection.closed;
  const stats = connection.stats();
  const ms = performance.now() - began;
  const { address: host, port } = connection.remoteAddress;
  const from = formatHostAndPort({ host, port });
  if (json) {
    console.log(JSON.stringify({ from, ms: Math.round(ms), ...counters, closedBy: error.code, stats }));
    return;
  }
  console.log(
    `${from}: ${count(stats.totalStreams, 'stream')} in ${formatTime(ms)}, received ${formatBytes(counters.received)} (${formatRate(counters.received, ms)}), sent ${formatBytes(counters.sent)} (${formatRate(counters.sent, ms)}), ${count(stats.packetsLost, 'packet')} lost`,
  );
}

function announce(
  address: { readonly address: string; readonly port: number },
  pin: string | undefined,
  json: boolean,
): void {
  const to = formatHostAndPort({ host: reachableAs(address.address), port: address.port });
  const command = `skein perf client --to ${to}${pin === undefined ? '' : ` --pin ${pin}`}`;
  if (json) {
    console.log(JSON.stringify({ listening: address, to, pin, command }));
    return;
  }
  console.error(`perf server on ${formatHostAndPort({ host: address.address, port: address.port })}; Ctrl-C ends it`);
  console.log(`  ${pc.bold(command)}`);
}
