/** Options of connections and endpoints: defaults, checks, and what the engine gets of them. */

import type { CongestionControl, TransportSettings } from '../engine/config.js';
import { QuicError } from './errors.js';

export type { CongestionControl };

/**
 * What governs one connection. Endpoints take these as defaults for all connections; `connect` and `listen` may change
 * them. Times are milliseconds, sizes bytes.
 */
export interface ConnectionOptions {
  /**
   * Streams that may be open at a time, per direction of opening and per kind (bidirectional, unidirectional): how many
   * the remote may open is announced to it (RFC 9000 4.6), and this side opens no more than this either. Below 3, there may be
   * 3 unidirectional ones all the same, which HTTP/3 cannot do without (RFC 9114 6.2); 0: no streams at all. Default 100, 0 to
   * 1,000,000.
   */
  readonly maxConcurrentStreams?: number | undefined;
  /** Longest time for the handshake. Default 30000; 0: the idle timeout only. */
  readonly connectionTimeout?: number | undefined;
  /** Silence after which the connection is given up (RFC 9000 10.1); the smaller of both sides' counts. Default 60000; 0: never. */
  readonly idleTimeout?: number | undefined;
  /** Silence after which a PING keeps the connection alive. Default 0: none. */
  readonly keepAliveInterval?: number | undefined;
  /**
   * Longest time that one `send`, `receive` or wait for stream credit may stand still. Default 30000; 0: for ever.
   */
  readonly streamTimeout?: number | undefined;
  /** Packets of `maxDatagramSize` in the first congestion window (RFC 9002 7.2). Default 10, 2 to 1000. */
  readonly initialCongestionWindow?: number | undefined;
  /** Congestion controller. Default `'cubic'`. */
  readonly congestionControl?: CongestionControl | undefined;
  /** UDP payload to start with, before a larger one is found to pass. Default 1200 (RFC 9000 14.1), to 65527. */
  readonly maxDatagramSize?: number | undefined;
  /**
   * Upper bound of the search for the path MTU (DPLPMTUD, RFC 8899), as UDP payload. Default `'auto'`: what the local
   * interface takes without fragmentation (65,507 over loopback, 1,472 over IPv4 and Ethernet, 8,972 with jumbo frames),
   * 1,452 where that is not known. Equal to `maxDatagramSize`: no search.
   */
  readonly maxPathMtu?: number | 'auto' | undefined;
  /**
   * Time that a path waits with its first search. It begins at once when more than two datagrams are under way: a connection
   * that does little and is closed soon has nothing of a larger MTU, and saves the probes. Default 100, 0 to 60,000; 0: no wait.
   */
  readonly mtuDiscoveryDelay?: number | undefined;
  /** Time between searches, and after a black hole until the next. Defaults 600000 and 60000. */
  readonly mtuDiscoveryInterval?: number | undefined;
  readonly mtuBlackHoleCooldown?: number | undefined;
  /** Round-trip time assumed before one is measured. Default 333 (RFC 9002 6.2.2). */
  readonly initialRtt?: number | undefined;
  /**
   * Bytes that the remote may send ahead of the reader on one stream and on all together. Defaults 1.5 MiB and 2 MiB,
   * made smaller where the kernel granted a small receive buffer. They bound the memory of a connection.
   */
  readonly streamReceiveWindow?: number | undefined;
  readonly connectionReceiveWindow?: number | undefined;
  /** Bytes accepted from the application and not yet acknowledged by the remote, per connection. Default 2 MiB. */
  readonly sendWindow?: number | undefined;
  /** Whether QUIC datagrams (RFC 9221) are offered. Default true. */
  readonly datagrams?: boolean | undefined;
  /** Bytes of unread (the oldest are dropped) and of unsent QUIC datagrams. Defaults 1 MiB each. */
  readonly datagramReceiveBuffer?: number | undefined;
  readonly datagramSendBuffer?: number | undefined;
  /** Whether 0-RTT is used where a ticket allows it, and accepted from clients. Default true. */
  readonly enableEarlyData?: boolean | undefined;
  /** Paths at a time under multipath (draft-ietf-quic-multipath). Default 0: not offered; up to 16. */
  readonly maxPaths?: number | undefined;
  /** Under multipath: silence after which a single path is given up, and kept alive. Defaults 15000 and 5000. */
  readonly pathIdleTimeout?: number | undefined;
  readonly pathKeepAliveInterval?: number | undefined;
  /** Whether streams of one priority take turns (true, the default) or are sent one after the other. */
  readonly sendFairness?: boolean | undefined;
  /**
   * Whether data of streams is sent twice after packets were lost (redundant data bundling): each packet with room to spare takes
   * along what the packets just before it carried, and when nothing has been sent for an eighth of a round trip, packets of their own
   * carry it: one of them lost costs that time instead of a round trip and a half. Begins with a loss and ends 1000 packets after the
   * last. Full packets have no room: it is for small messages, which become up to twice as many bytes and packets. Default false.
   */
  readonly streamCopies?: boolean | undefined;
  /** Whether servers tell clients their address as seen from there (draft-ietf-quic-address-discovery). Default true. */
  readonly observedAddress?: boolean | undefined;
  /** Folder for qlog files, one per connection. Default: the environment variable QLOGDIR, else none. */
  readonly qlogDir?: string | undefined;
}

/** {@link ConnectionOptions} with every default in place. */
export type ResolvedConnectionOptions = {
  readonly [K in keyof ConnectionOptions]-?: K extends 'qlogDir'
    ? string | undefined
    : NonNullable<ConnectionOptions[K]>;
};

const KIB = 1024;

const DEFAULTS: ResolvedConnectionOptions = {
  maxConcurrentStreams: 100,
  connectionTimeout: 30_000,
  idleTimeout: 60_000,
  keepAliveInterval: 0,
  streamTimeout: 30_000,
  initialCongestionWindow: 10,
  congestionControl: 'cubic',
  maxDatagramSize: 1200,
  maxPathMtu: 'auto',
  mtuDiscoveryDelay: 100,
  mtuDiscoveryInterval: 600_000,
  mtuBlackHoleCooldown: 60_000,
  initialRtt: 333,
  streamReceiveWindow: 1536 * KIB,
  connectionReceiveWindow: 2048 * KIB,
  sendWindow: 2048 * KIB,
  datagrams: true,
  datagramReceiveBuffer: 1024 * KIB,
  datagramSendBuffer: 1024 * KIB,
  enableEarlyData: true,
  maxPaths: 0,
  pathIdleTimeout: 15_000,
  pathKeepAliveInterval: 5_000,
  sendFairness: true,
  streamCopies: false,
  observedAddress: true,
  qlogDir: undefined,
};

const KEYS = Object.keys(DEFAULTS) as (keyof ConnectionOptions)[];

/** Lowest and highest value of each number. */
const RANGES: Readonly<Partial<Record<keyof ConnectionOptions, readonly [number, number]>>> = {
  maxConcurrentStreams: [0, 1_000_000],
  connectionTimeout: [0, 0x7fffffff],
  idleTimeout: [0, 0x7fffffff],
  keepAliveInterval: [0, 0x7fffffff],
  streamTimeout: [0, 0x7fffffff],
  initialCongestionWindow: [2, 1000],
  maxDatagramSize: [1200, 65_527],
  mtuDiscoveryDelay: [0, 60_000],
  mtuDiscoveryInterval: [1000, 0x7fffffff],
  mtuBlackHoleCooldown: [100, 0x7fffffff],
  initialRtt: [1, 10_000],
  streamReceiveWindow: [4096, 2 ** 30],
  connectionReceiveWindow: [4096, 2 ** 30],
  sendWindow: [4096, 2 ** 30],
  datagramReceiveBuffer: [1500, 2 ** 28],
  datagramSendBuffer: [1500, 2 ** 28],
  maxPaths: [0, 16],
  pathIdleTimeout: [0, 0x7fffffff],
  pathKeepAliveInterval: [0, 0x7fffffff],
};

function invalid(message: string): QuicError {
  return new QuicError('ERR_QUIC_INVALID_OPTION', message);
}

/** @throws QuicError `ERR_QUIC_INVALID_OPTION` unless `value` is an integer within the range */
export function checkInteger(name: string, value: unknown, low: number, high: number): void {
  if (!Number.isInteger(value) || (value as number) < low || (value as number) > high) {
    throw invalid(
      `${name} must be a whole number from ${low} to ${high}, not ${typeof value === 'string' ? JSON.stringify(value) : String(value)}`,
    );
  }
}

/** @throws QuicError `ERR_QUIC_INVALID_OPTION` unless `value` names at least one application protocol, each of 1 to 255 bytes */
export function checkAlpn(value: unknown): void {
  if (!Array.isArray(value) || value.length === 0) {
    throw invalid(
      `alpn must be a list of application protocols, e.g. ['h3'], not ${JSON.stringify(value) ?? 'undefined'}`,
    );
  }
  for (const name of value) {
    const length = typeof name === 'string' ? Buffer.byteLength(name) : 0;
    if (length < 1 || length > 255) throw invalid(`alpn: ${JSON.stringify(name)} must be text of 1 to 255 bytes`);
  }
}

/**
 * Puts `options` over `base` over the defaults and checks them; keys that are no connection options are ignored, so that
 * one object can hold options of several layers.
 *
 * @throws QuicError `ERR_QUIC_INVALID_OPTION`
 */
export function resolveConnectionOptions(
  options: ConnectionOptions = {},
  base: ResolvedConnectionOptions = { ...DEFAULTS, qlogDir: process.env['QLOGDIR'] || undefined },
): ResolvedConnectionOptions {
  let resolved: Record<string, unknown> | undefined;
  for (const key of KEYS) {
    const value = options[key];
    if (value === undefined) continue;
    const range = RANGES[key];
    if (range) checkInteger(key, value, range[0], range[1]);
    else checkOther(key, value);
    resolved ??= { ...base };
    resolved[key] = value;
  }
  if (resolved === undefined) return base;
  const result = resolved as ResolvedConnectionOptions;
  if (result.maxPathMtu !== 'auto' && result.maxPathMtu < result.maxDatagramSize) {
    throw invalid(`maxPathMtu (${result.maxPathMtu}) must not be below maxDatagramSize (${result.maxDatagramSize})`);
  }
  return result;
}

/** As {@link resolveConnectionOptions} over one base. The same options, one time after the other, give the same object. */
export class OptionsResolver {
  readonly #base: ResolvedConnectionOptions;
  #given: ConnectionOptions = {};
  #resolved: ResolvedConnectionOptions;

  constructor(base: ResolvedConnectionOptions) {
    this.#base = base;
    this.#resolved = base;
  }

  /** @throws QuicError `ERR_QUIC_INVALID_OPTION` */
  resolve(options: ConnectionOptions): ResolvedConnectionOptions {
    for (const key of KEYS) {
      if (options[key] === this.#given[key]) continue;
      this.#resolved = resolveConnectionOptions(options, this.#base);
      // The caller may change theirs.
      this.#given = { ...options };
      break;
    }
    return this.#resolved;
  }
}

function checkOther(key: keyof ConnectionOptions, value: unknown): void {
  if (key === 'maxPathMtu') {
    if (value !== 'auto') checkInteger(key, value, 1200, 65_527);
  } else if (key === 'congestionControl') {
    if (value !== 'cubic' && value !== 'newreno' && value !== 'bbr') {
      throw invalid(`congestionControl must be 'cubic', 'newreno' or 'bbr', not ${String(value)}`);
    }
  } else if (key === 'qlogDir') {
    if (typeof value !== 'string') throw invalid('qlogDir must be the path of a folder');
  } else if (typeof value !== 'boolean') {
    throw invalid(`${key} must be true or false, not ${String(value)}`);
  }
}

/** Upper bound of the MTU search where the interface does not tell: Ethernet's 1500 less IPv6 and UDP headers. */
const UNKNOWN_PATH_MTU = 1452;

/**
 * The bound for one path.
 *
 * @param interfacePayload tells the largest UDP payload of the local interface, or undefined
 */
export function pathMtuBound(options: ResolvedConnectionOptions, interfacePayload: () => number | undefined): number {
  if (options.maxPathMtu !== 'auto') return options.maxPathMtu;
  return Math.max(options.maxDatagramSize, Math.min(interfacePayload() ?? UNKNOWN_PATH_MTU, 65_527));
}

/** Packet buffers of the kernel count their own overhead; a window must leave it room. */
const WINDOW_PER_BUFFER_BYTE = 0.6;

/** @rfc 9114#6.2-1 a control stream and two of QPACK, whatever else is allowed. */
export function unidirectionalLimit(maxConcurrentStreams: number): number {
  return maxConcurrentStreams === 0 ? 0 : Math.max(3, maxConcurrentStreams);
}

/** What the engine gets. `receiveBuffer`: the kernel's receive buffer in bytes, 0 where unknown. */
export function transportSettings(
  options: ResolvedConnectionOptions,
  mtuUpperBound: number,
  receiveBuffer: number,
  isClient: boolean,
): TransportSettings {
  // More in flight than the socket can hold would be dropped there, in bursts that the remote takes for congestion.
  const bound = receiveBuffer > 0 ? Math.max(64 * KIB, Math.floor(receiveBuffer * WINDOW_PER_BUFFER_BYTE)) : Infinity;
  return {
    maxBidirectionalStreams: options.maxConcurrentStreams,
    maxUnidirectionalStreams: unidirectionalLimit(options.maxConcurrentStreams),
    idleTimeoutMs: options.idleTimeout,
    keepAliveMs: options.keepAliveInterval,
    streamReceiveWindow: Math.min(options.streamReceiveWindow, bound),
    connectionReceiveWindow: Math.min(options.connectionReceiveWindow, bound),
    sendWindow: options.sendWindow,
    congestion: options.congestionControl,
    initialCongestionWindow: options.initialCongestionWindow * options.maxDatagramSize,
    initialMtu: options.maxDatagramSize,
    mtuUpperBound,
    mtuDiscoveryDelayMs: options.mtuDiscoveryDelay,
    mtuDiscoveryIntervalMs: options.mtuDiscoveryInterval,
    mtuBlackHoleCooldownMs: options.mtuBlackHoleCooldown,
    initialRttMs: options.initialRtt,
    datagramReceiveBuffer: options.datagrams ? options.datagramReceiveBuffer : 0,
    datagramSendBuffer: options.datagramSendBuffer,
    maxPaths: options.maxPaths,
    pathIdleTimeoutMs: options.maxPaths > 0 ? options.pathIdleTimeout : 0,
    pathKeepAliveMs: options.maxPaths > 0 ? options.pathKeepAliveInterval : 0,
    sendFairness: options.sendFairness,
    streamCopies: options.streamCopies,
    ackThreshold: 0,
    reportAddress: options.observedAddress && !isClient,
    learnAddress: options.observedAddress && isClient,
    qlog: options.qlogDir !== undefined,
  };
}
