/** What the engine measured of a connection, for people. */

import type { ConnectionStats } from '../index.js';
import { formatBytes } from './format.js';

/** Rows of a table: a label, then one cell for each side. */
export function engineRows(sides: readonly ConnectionStats[]): string[][] {
  const row = (label: string, cell: (stats: ConnectionStats) => string): string[] => [label, ...sides.map(cell)];
  const number = (value: number): string => value.toLocaleString('en');
  return [
    row('round-trip time', ({ rttMs }) => `${rttMs.toFixed(3)} ms`),
    row('bytes sent', ({ bytesSent }) => formatBytes(bytesSent)),
    row('bytes received', ({ bytesReceived }) => formatBytes(bytesReceived)),
    row('UDP datagrams sent', ({ datagramsSent }) => number(datagramsSent)),
    row('UDP datagrams received', ({ datagramsReceived }) => number(datagramsReceived)),
    row('packets sent', ({ packetsSent }) => number(packetsSent)),
    row('packets lost', ({ packetsLost }) => number(packetsLost)),
    row('congestion window', ({ congestionWindow }) => formatBytes(congestionWindow)),
    row('congestion events', ({ congestionEvents }) => number(congestionEvents)),
    row('path MTU', ({ mtu }) => `${number(mtu)} bytes`),
    row('streams', ({ totalStreams }) => number(totalStreams)),
  ];
}
