/** Statistics of an endpoint: the sums of its connections, and what its listener turned away. */

import type { Engine } from '../engine/engine.js';
import type { ConnectionTable } from './connection-table.js';
import type { Listener } from './listener.js';

/** What an endpoint has counted. */
export interface EndpointStats {
  /** Connections ever made, and those open now; `handshaking` of them are not yet established. */
  readonly totalConnections: number;
  readonly activeConnections: number;
  readonly handshaking: number;
  /** Sums over all connections there are and were. */
  readonly totalStreams: number;
  readonly activeStreams: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly packetsLost: number;
  /** Mean of the smoothed round-trip times of the open connections, in milliseconds; 0 without one. */
  readonly rttMs: number;
  /** Attempts of clients that were not accepted. */
  readonly attemptsRefused: number;
  readonly attemptsRetried: number;
  readonly attemptsIgnored: number;
  /** Memory of the engine in bytes. */
  readonly engineMemory: number;
}

export function readEndpointStats(
  engine: Engine,
  table: ConnectionTable,
  turnedAway: Listener['turnedAway'] | undefined,
): EndpointStats {
  const sums = table.sums();
  return {
    totalConnections: table.total,
    activeConnections: table.open.size,
    handshaking: table.handshakes,
    totalStreams: sums.streams,
    activeStreams: sums.activeStreams,
    bytesReceived: sums.received,
    bytesSent: sums.sent,
    packetsLost: sums.lost,
    rttMs: sums.rttMs,
    attemptsRefused: turnedAway?.refused ?? 0,
    attemptsRetried: turnedAway?.retried ?? 0,
    attemptsIgnored: turnedAway?.ignored ?? 0,
    engineMemory: engine.memoryBytes,
  };
}
