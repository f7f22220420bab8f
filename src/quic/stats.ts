/** Statistics, all counted or measured by the engine. */

import type { Engine, StatsField } from '../engine/engine.js';

/** Statistics of one path. Counters run from the path's beginning. */
export interface PathStats {
  /** Smoothed round-trip time in milliseconds (RFC 9002 5.3). */
  readonly rttMs: number;
  /** Bytes that may be in flight. */
  readonly congestionWindow: number;
  /** Times the congestion controller saw loss or ECN marks as congestion; and how often that proved wrong. */
  readonly congestionEvents: number;
  readonly spuriousCongestionEvents: number;
  /** QUIC packets sent, and those declared lost (probes of the path MTU included). */
  readonly packetsSent: number;
  readonly packetsLost: number;
  readonly bytesLost: number;
  /** UDP datagrams and their payload bytes. */
  readonly datagramsSent: number;
  readonly datagramsReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Largest UDP payload that is known to pass. */
  readonly mtu: number;
  readonly mtuProbesSent: number;
  readonly mtuProbesLost: number;
  readonly blackHolesDetected: number;
  /** Of the congestion controller, in bits per second; 0 when it makes none (only `bbr` does). */
  readonly bandwidthEstimateBitsPerSecond: number;
  readonly pathChallengesSent: number;
  readonly pathChallengesReceived: number;
  readonly pathResponsesSent: number;
  readonly pathResponsesReceived: number;
  readonly acksSent: number;
  readonly acksReceived: number;
  readonly streamFramesSent: number;
  readonly streamFramesReceived: number;
  readonly datagramFramesSent: number;
  readonly datagramFramesReceived: number;
  readonly pingsSent: number;
  readonly newTokensSent: number;
  readonly newTokensReceived: number;
}

/**
 * Statistics of a connection: counters summed over all paths there are and were; `rttMs`, `congestionWindow`, `mtu`, the
 * congestion and MTU counters and `bandwidthEstimateBitsPerSecond` are those of the path that data goes over.
 */
export interface ConnectionStats extends PathStats {
  /** Updates of the keys (RFC 9001 6), begun by either side. */
  readonly keyUpdates: number;
  /** Streams opened by either side so far, and those not yet ended. */
  readonly totalStreams: number;
  readonly activeStreams: number;
}

/** Field by field: this is read at the end of each connection, and rest properties took longer than all the rest. */
function pathStats(stats: Record<StatsField, number>): PathStats {
  return {
    rttMs: stats.rttMs,
    congestionWindow: stats.congestionWindow,
    congestionEvents: stats.congestionEvents,
    spuriousCongestionEvents: stats.spuriousCongestionEvents,
    packetsSent: stats.packetsSent,
    packetsLost: stats.packetsLost,
    bytesLost: stats.bytesLost,
    datagramsSent: stats.datagramsSent,
    datagramsReceived: stats.datagramsReceived,
    bytesSent: stats.bytesSent,
    bytesReceived: stats.bytesReceived,
    mtu: stats.mtu,
    mtuProbesSent: stats.mtuProbesSent,
    mtuProbesLost: stats.mtuProbesLost,
    blackHolesDetected: stats.blackHolesDetected,
    bandwidthEstimateBitsPerSecond: stats.bandwidthEstimateBitsPerSecond,
    pathChallengesSent: stats.pathChallengesSent,
    pathChallengesReceived: stats.pathChallengesReceived,
    pathResponsesSent: stats.pathResponsesSent,
    pathResponsesReceived: stats.pathResponsesReceived,
    acksSent: stats.acksSent,
    acksReceived: stats.acksReceived,
    streamFramesSent: stats.streamFramesSent,
    streamFramesReceived: stats.streamFramesReceived,
    datagramFramesSent: stats.datagramFramesSent,
    datagramFramesReceived: stats.datagramFramesReceived,
    pingsSent: stats.pingsSent,
    newTokensSent: stats.newTokensSent,
    newTokensReceived: stats.newTokensReceived,
  };
}

/** Reads the record of a path; `undefined` when it is gone. */
export function readPathStats(engine: Engine, connection: number, path: number): PathStats | undefined {
  const stats = engine.stats(connection, path);
  return stats && pathStats(stats);
}

/** Streams of a connection, which the engine does not count. */
export type StreamCounts = Pick<ConnectionStats, 'totalStreams' | 'activeStreams'>;

/** Reads the record of the whole connection; `undefined` when it is gone. */
export function readConnectionStats(
  engine: Engine,
  connection: number,
  { totalStreams, activeStreams }: StreamCounts,
): ConnectionStats | undefined {
  const stats = engine.stats(connection);
  return stats && { ...pathStats(stats), keyUpdates: stats.keyUpdates, totalStreams, activeStreams };
}
