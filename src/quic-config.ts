/** The configuration that {@link QuicClient} and {@link QuicServer} share, and the statistics of both. */

import type { ConnectionOptions, EndpointStats } from './quic/index.js';

/** Application protocol (ALPN) of raw streams between a `QuicClient` and a `QuicServer`, unless `alpn` says otherwise. */
export const DEFAULT_ALPN = 'skein/1';

/** Application protocol (ALPN) of HTTP/3 (RFC 9114 section 3.1). */
export const HTTP3_ALPN = 'h3';

/** What both sides take. Times are milliseconds, sizes bytes. */
export interface QuicConfig extends ConnectionOptions {
  /** Connections at a time. Default 100, 1 to 1,000,000. */
  readonly maxConnections?: number | undefined;
  /**
   * Application protocols, best first; the server chooses. Default: a client offers `['h3', 'skein/1']`; a server speaks
   * `['h3', 'skein/1']` when it has a handler for requests, else `['skein/1']`.
   */
  readonly alpn?: readonly string[] | undefined;
}

/** Measured by the engine. */
export interface QuicStats {
  /** Connections ever made, and those open now. */
  readonly totalConnections: number;
  readonly activeConnections: number;
  /** Streams ever opened by either side, and those not ended. */
  readonly totalStreams: number;
  readonly activeStreams: number;
  /** UDP payload bytes. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** QUIC packets declared lost, probes for the path MTU included. */
  readonly packetsLost: number;
  /** Mean of the smoothed round-trip times of the open connections; 0 without one. */
  readonly rttMs: number;
}

/** The part of an endpoint's statistics that `getStats()` promises. */
export function toQuicStats(stats: EndpointStats): QuicStats {
  const { totalConnections, activeConnections, totalStreams, activeStreams } = stats;
  const { bytesReceived, bytesSent, packetsLost, rttMs } = stats;
  return {
    totalConnections,
    activeConnections,
    totalStreams,
    activeStreams,
    bytesReceived,
    bytesSent,
    packetsLost,
    rttMs,
  };
}

const NONE: QuicStats = {
  totalConnections: 0,
  activeConnections: 0,
  totalStreams: 0,
  activeStreams: 0,
  bytesReceived: 0,
  bytesSent: 0,
  packetsLost: 0,
  rttMs: 0,
};

/** Before `initialize` nothing was counted. */
export function noStats(): QuicStats {
  return { ...NONE };
}
