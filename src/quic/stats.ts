/** Statistics, all counted or measured by the engine. */

import type { Engine } from '../engine/engine.js';
import { STATS_FIELDS } from '../engine/layout.js';

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

/** A record of the engine: numbers in the order of `STATS_FIELDS`. */
export type StatsRecord = Float64Array;

type StatsField = (typeof STATS_FIELDS)[number];

const PLACES = Object.fromEntries(STATS_FIELDS.map((field, place) => [field, place])) as Record<StatsField, number>;

/** One number of a record. */
export function statOf(record: StatsRecord, field: StatsField): number {
  return record[PLACES[field]] as number;
}

/** Field by field, because rest and spread took longer than all the rest. */
function pathStats(record: StatsRecord): PathStats {
  return {
    rttMs: statOf(record, 'rttMs'),
    congestionWindow: statOf(record, 'congestionWindow'),
    congestionEvents: statOf(record, 'congestionEvents'),
    spuriousCongestionEvents: statOf(record, 'spuriousCongestionEvents'),
    packetsSent: statOf(record, 'packetsSent'),
    packetsLost: statOf(record, 'packetsLost'),
    bytesLost: statOf(record, 'bytesLost'),
    datagramsSent: statOf(record, 'datagramsSent'),
    datagramsReceived: statOf(record, 'datagramsReceived'),
    bytesSent: statOf(record, 'bytesSent'),
    bytesReceived: statOf(record, 'bytesReceived'),
    mtu: statOf(record, 'mtu'),
    mtuProbesSent: statOf(record, 'mtuProbesSent'),
    mtuProbesLost: statOf(record, 'mtuProbesLost'),
    blackHolesDetected: statOf(record, 'blackHolesDetected'),
    bandwidthEstimateBitsPerSecond: statOf(record, 'bandwidthEstimateBitsPerSecond'),
    pathChallengesSent: statOf(record, 'pathChallengesSent'),
    pathChallengesReceived: statOf(record, 'pathChallengesReceived'),
    pathResponsesSent: statOf(record, 'pathResponsesSent'),
    pathResponsesReceived: statOf(record, 'pathResponsesReceived'),
    acksSent: statOf(record, 'acksSent'),
    acksReceived: statOf(record, 'acksReceived'),
    streamFramesSent: statOf(record, 'streamFramesSent'),
    streamFramesReceived: statOf(record, 'streamFramesReceived'),
    datagramFramesSent: statOf(record, 'datagramFramesSent'),
    datagramFramesReceived: statOf(record, 'datagramFramesReceived'),
    pingsSent: statOf(record, 'pingsSent'),
    newTokensSent: statOf(record, 'newTokensSent'),
    newTokensReceived: statOf(record, 'newTokensReceived'),
  };
}

/** Reads the record of a path; `undefined` when it is gone. */
export function readPathStats(engine: Engine, connection: number, path: number): PathStats | undefined {
  const record = engine.stats(connection, path);
  return record && pathStats(record);
}

/** Streams of a connection, which the engine does not count. */
export type StreamCounts = Pick<ConnectionStats, 'totalStreams' | 'activeStreams'>;

/** What a record of a whole connection says. */
export function connectionStats(record: StatsRecord, { totalStreams, activeStreams }: StreamCounts): ConnectionStats {
  return { ...pathStats(record), keyUpdates: statOf(record, 'keyUpdates'), totalStreams, activeStreams };
}
