/** `skein perf client`: what is measured, and how. */

import { createHistogram } from 'node:perf_hooks';
import { QuicClient, type CongestionControl, type QuicConnection } from '../../index.js';
import { formatHostAndPort, trust, type HostAndPort, type TrustArguments } from '../arguments.js';
import { CliError, EXIT } from '../failure.js';
import { formatRate } from '../format.js';
import { interruptible } from '../interrupt.js';
import { sessionTicket } from '../session-ticket.js';
import { exchange, LONGEST, PERF_ALPN, type Counters } from './protocol.js';
import { reportPerf, type BulkResult, type EarlyResult, type LatencyResult, type PerfResult } from './report.js';

export interface PerfClientArguments extends TrustArguments {
  readonly to: HostAndPort;
  readonly upload?: number | undefined;
  readonly download?: number | undefined;
  readonly streams: number;
  readonly duration?: number | undefined;
  readonly requests?: number | undefined;
  readonly parallel: number;
  readonly earlyData: boolean;
  readonly congestion: CongestionControl;
  readonly mtu?: number | undefined;
  readonly timeout: number;
  readonly json: boolean;
}

const DEFAULT_DOWNLOAD = 64 * 2 ** 20;
const DEFAULT_REQUEST = 256;
const INTERVAL = 1000;

/** Measures and prints; the exit code is 4 when an answer has the wrong length. @throws QuicError, CliError */
export async function perfClient(options: PerfClientArguments): Promise<void> {
  const interrupt = interruptible();
  const client = new QuicClient({
    ...trust(options),
    alpn: [PERF_ALPN],
    congestionControl: options.congestion,
    maxPathMtu: options.mtu,
    maxConcurrentStreams: Math.max(options.streams, options.parallel) + 8,
    connectionTimeout: options.timeout,
    idleTimeout: options.timeout,
    keepAliveInterval: Math.ceil(options.timeout / 4),
    streamTimeout: 0,
  });
  try {
    await client.initialize();
    const { host, port } = options.to;
    const began = performance.now();
    const connection = await client.connect(host, port, { signal: interrupt.signal });
    const handshake = performance.now() - began;
    const ticket = sessionTicket(connection);
    const end = (): void => connection.destroy();
    interrupt.signal.addEventListener('abort', end, { once: true });
    try {
      const first = options.earlyData ? (await probe(connection, began)).firstByte : undefined;
      const measured =
        options.earlyData && options.requests === undefined && isUnsized(options)
          ? undefined
          : await measure(connection, options);
      const stats = connection.stats();
      const { cipher, alpn } = connection.details;
      const mtu = stats.mtu;
      await ticket;
      await connection.close();
      const early = first === undefined ? undefined : await again(client, options, first);
      const result: PerfResult = {
        to: formatHostAndPort(options.to),
        handshake,
        cipher,
        alpn,
        mtu,
        measured,
        early,
        stats,
      };
      reportPerf(result, options.json);
    } catch (error) {
      interrupt.signal.throwIfAborted();
      throw error;
    } finally {
      interrupt.signal.removeEventListener('abort', end);
    }
  } finally {
    interrupt.dispose();
    await client.shutdown({ timeout: 1000 });
  }
}

function isUnsized({ upload, download, duration }: PerfClientArguments): boolean {
  return upload === undefined && download === undefined && duration === undefined;
}

function measure(connection: QuicConnection, options: PerfClientArguments): Promise<BulkResult | LatencyResult> {
  return options.requests === undefined ? bulk(connection, options) : latency(connection, options.requests, options);
}

/** Bytes on several streams at a time, once each, or one after the other until the time is over. */
async function bulk(connection: QuicConnection, options: PerfClientArguments): Promise<BulkResult> {
  const { duration, streams, upload = 0 } = options;
  // With a time and no size, one download lasts as long as the time does.
  const unsized = duration === undefined ? DEFAULT_DOWNLOAD : LONGEST;
  const download = options.download ?? (options.upload === undefined ? unsized : 0);
  const counters: Counters = { sent: 0, received: 0 };
  const began = performance.now();
  const end = began + (duration ?? Infinity);
  const goOn = (): boolean => performance.now() < end;
  let exchanges = 0;
  const work = async (): Promise<void> => {
    do {
      const done = await exchange(connection, { upload, download, counters, goOn });
      if (!done.cut) checkLength(done.received, download);
      exchanges++;
    } while (duration !== undefined && goOn());
  };
  const ticker = options.json ? undefined : intervals(counters);
  try {
    await Promise.all(Array.from({ length: streams }, work));
  } finally {
    clearInterval(ticker);
  }
  return { kind: 'bulk', streams, exchanges, ...counters, ms: performance.now() - began };
}

/** Requests, each on a stream of its own, `parallel` of them at a time. */
async function latency(
  connection: QuicConnection,
  requests: number,
  options: PerfClientArguments,
): Promise<LatencyResult> {
  const { parallel, upload = DEFAULT_REQUEST, download = DEFAULT_REQUEST } = options;
  const counters: Counters = { sent: 0, received: 0 };
  // Microseconds, so that the histogram's whole numbers are fine enough.
  const histogram = createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 3 });
  const began = performance.now();
  let left = requests;
  const work = async (): Promise<void> => {
    while (left-- > 0) {
      const done = await exchange(connection, { upload, download, counters });
      checkLength(done.received, download);
      histogram.record(Math.max(1, Math.round(done.total * 1000)));
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, requests) }, work));
  const ms = performance.now() - began;
  const percentile = (value: number): number => histogram.percentile(value) / 1000;
  return {
    kind: 'latency',
    requests,
    parallel,
    upload,
    download,
    ms,
    latency: {
      min: histogram.min / 1000,
      mean: histogram.mean / 1000,
      p50: percentile(50),
      p90: percentile(90),
      p99: percentile(99),
      p999: percentile(99.9),
      max: histogram.max / 1000,
    },
  };
}

function checkLength(received: number, wanted: number): void {
  if (received === wanted) return;
  throw new CliError(`the server answered with ${received} bytes where ${wanted} were asked for`, {
    exitCode: EXIT.mismatch,
  });
}

/** A line a second on standard error. */
function intervals(counters: Counters): NodeJS.Timeout {
  let before = { ...counters };
  let at = performance.now();
  const began = at;
  const timer = setInterval(() => {
    const now = performance.now();
    const sent = formatRate(counters.sent - before.sent, now - at);
    const received = formatRate(counters.received - before.received, now - at);
    console.error(`${((now - began) / 1000).toFixed(0).padStart(4)} s   up ${sent}   down ${received}`);
    before = { ...counters };
    at = now;
  }, INTERVAL);
  return timer.unref();
}

/** The smallest request; its first byte is counted from `began`, before the connection was asked for. */
async function probe(connection: QuicConnection, began: number): Promise<{ firstByte: number }> {
  const opened = performance.now();
  const done = await exchange(connection, { upload: 0, download: 1, counters: { sent: 0, received: 0 } });
  checkLength(done.received, 1);
  return { firstByte: opened - began + (done.firstByte ?? 0) };
}

/** Connects once more, to a server that is known now. */
async function again(client: QuicClient, options: PerfClientArguments, first: number): Promise<EarlyResult> {
  const began = performance.now();
  const connection = await client.connect(options.to.host, options.to.port);
  const { firstByte } = await probe(connection, began);
  await connection.ready;
  const { earlyData } = connection;
  const { resumed } = connection.details;
  await connection.close();
  return { firstConnection: first, secondConnection: firstByte, resumed, earlyData };
}
