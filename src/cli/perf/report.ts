/** What `skein perf client` prints. */

import { colors as pc } from '../colors.js';
import type { ConnectionStats, EarlyData } from '../../index.js';
import { engineRows } from '../engine-report.js';
import { count, formatBytes, formatRate, formatTime, table } from '../format.js';

export interface BulkResult {
  readonly kind: 'bulk';
  readonly streams: number;
  readonly exchanges: number;
  readonly sent: number;
  readonly received: number;
  readonly ms: number;
}

export interface LatencyResult {
  readonly kind: 'latency';
  readonly requests: number;
  readonly parallel: number;
  readonly upload: number;
  readonly download: number;
  readonly ms: number;
  /** Milliseconds. */
  readonly latency: Readonly<Record<'min' | 'mean' | 'p50' | 'p90' | 'p99' | 'p999' | 'max', number>>;
}

/** Milliseconds from asking for the connection to the first byte of an answer. */
export interface EarlyResult {
  readonly firstConnection: number;
  readonly secondConnection: number;
  readonly resumed: boolean;
  readonly earlyData: EarlyData;
}

export interface PerfResult {
  readonly to: string;
  /** Milliseconds. */
  readonly handshake: number;
  readonly cipher: string | undefined;
  readonly alpn: string | undefined;
  readonly mtu: number;
  readonly measured: BulkResult | LatencyResult | undefined;
  readonly early: EarlyResult | undefined;
  readonly stats: ConnectionStats;
}

/** Prints a result. */
export function reportPerf(result: PerfResult, json: boolean): void {
  if (json) {
    console.log(JSON.stringify(result));
    return;
  }
  const { to, handshake, cipher, measured, early, stats } = result;
  const lines = [`${pc.bold(to)}   handshake ${formatTime(handshake)}   ${cipher ?? ''}`];
  if (measured?.kind === 'bulk') lines.push('', ...bulkLines(measured));
  if (measured?.kind === 'latency') lines.push('', ...latencyLines(measured));
  if (early) lines.push('', ...earlyLines(early));
  lines.push('', table(['engine', 'client'], engineRows([stats])));
  console.log(lines.join('\n'));
}

function bulkLines({ streams, exchanges, sent, received, ms }: BulkResult): string[] {
  const what = `${count(exchanges, 'exchange')} on ${count(streams, 'stream')} at a time in ${formatTime(ms)}`;
  return [
    `  ${what}`,
    `  up     ${pc.bold(formatRate(sent, ms))}   ${formatBytes(sent)}`,
    `  down   ${pc.bold(formatRate(received, ms))}   ${formatBytes(received)}`,
  ];
}

function latencyLines({ requests, parallel, upload, download, ms, latency }: LatencyResult): string[] {
  const rate = Math.round((requests / ms) * 1000).toLocaleString('en');
  const cells = Object.values(latency).map((value) => value.toFixed(3));
  return [
    `  ${count(requests, 'request')} of ${formatBytes(upload)} up and ${formatBytes(download)} down, ${parallel} at a time: ${pc.bold(`${rate} per second`)}`,
    table(['latency in ms', 'min', 'mean', '50%', '90%', '99%', '99.9%', 'max'], [['', ...cells]]),
  ];
}

function earlyLines({ firstConnection, secondConnection, resumed, earlyData }: EarlyResult): string[] {
  return [
    `  first byte of an answer, from asking for the connection: ${formatTime(firstConnection)}`,
    `  the same on the second connection: ${pc.bold(formatTime(secondConnection))} (early data ${earlyData}, ${resumed ? 'session resumed' : 'full handshake'})`,
  ];
}
