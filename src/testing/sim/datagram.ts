import type { SocketAddress } from '../../quic/types/udp.js';

/** Why a datagram did not arrive. */
export type DropCause =
  /** By chance ({@link LinkConditions.lossPercent}). */
  | 'loss'
  /** In a run of losses. */
  | 'burst'
  /** The queue before the bandwidth was full. */
  | 'queue'
  /** Larger than the link's MTU. */
  | 'mtu'
  /** Larger than the MTU of the sender's interface. */
  | 'interfaceMtu'
  /** The link was dead. */
  | 'blackhole'
  /** A hook of the test wanted it so. */
  | 'hook'
  /** Nobody has the address. */
  | 'noHost'
  /** Nobody listens at the port. */
  | 'noSocket'
  /** The NAT in front of the host knows of no such mapping (any more). */
  | 'noMapping';

/** What happened to how many datagrams. `sent` counts each once; a duplicate is delivered twice. */
export interface SimCounters extends Record<DropCause, number> {
  sent: number;
  delivered: number;
  duplicated: number;
  reordered: number;
  corrupted: number;
  marked: number;
}

/** A datagram on the wire. */
export interface SimDatagram {
  /** Number in order of sending, from 1. */
  readonly number: number;
  /** Virtual time of sending. */
  readonly sentAt: number;
  /** As the other side sees it: behind a NAT, the NAT's. */
  readonly from: SocketAddress;
  readonly to: SocketAddress;
  /** Names of the hosts; undefined where the address is nobody's. */
  readonly fromHost: string;
  readonly toHost: string | undefined;
  readonly payload: Uint8Array;
  readonly ecn: number;
}

/** A datagram with what became of it. */
export interface CapturedDatagram {
  readonly number: number;
  readonly sentAt: number;
  readonly from: SocketAddress;
  readonly to: SocketAddress;
  readonly fromHost: string;
  readonly toHost: string | undefined;
  readonly length: number;
  readonly ecn: number;
  /** As it was sent; undefined unless the network captures payloads. */
  readonly payload: Uint8Array | undefined;
  /** Virtual times at which copies arrived. */
  readonly arrivedAt: readonly number[];
  /** Why it did not arrive; undefined while it is on its way, and when it did. */
  readonly dropped: DropCause | undefined;
  readonly corrupted: boolean;
}

/** A record that is still being written. */
export interface CaptureEntry extends CapturedDatagram {
  arrivedAt: number[];
  dropped: DropCause | undefined;
  corrupted: boolean;
}

export function newCounters(): SimCounters {
  return {
    sent: 0,
    delivered: 0,
    duplicated: 0,
    reordered: 0,
    corrupted: 0,
    marked: 0,
    loss: 0,
    burst: 0,
    queue: 0,
    mtu: 0,
    interfaceMtu: 0,
    blackhole: 0,
    hook: 0,
    noHost: 0,
    noSocket: 0,
    noMapping: 0,
  };
}

/** What is kept of each datagram: nothing, all but the payload, or all. */
export type CaptureMode = 'none' | 'headers' | 'payloads';

/** Keeps what went over the wire; of many datagrams the newest, at least half of `limit`. */
export class Capture {
  readonly #mode: CaptureMode;
  readonly #half: number;
  #older: CaptureEntry[] = [];
  #newer: CaptureEntry[] = [];

  constructor(mode: CaptureMode, limit: number) {
    this.#mode = mode;
    this.#half = Math.ceil(limit / 2);
  }

  record(datagram: SimDatagram): CaptureEntry | undefined {
    if (this.#mode === 'none') return undefined;
    if (this.#newer.length >= this.#half) {
      this.#older = this.#newer;
      this.#newer = [];
    }
    const { payload, ...headers } = datagram;
    const entry: CaptureEntry = {
      ...headers,
      length: payload.length,
      payload: this.#mode === 'payloads' ? payload : undefined,
      arrivedAt: [],
      dropped: undefined,
      corrupted: false,
    };
    this.#newer.push(entry);
    return entry;
  }

  /** In order of sending. */
  get datagrams(): readonly CapturedDatagram[] {
    return [...this.#older, ...this.#newer];
  }
}
