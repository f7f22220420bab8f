/** The connections of an endpoint by the engine's handle, and the sums of what they counted. */

import type { CloseInfo } from './connection-types.js';
import type { QuicConnection } from './connection.js';
import { statOf, type ConnectionStats } from './stats.js';
import { connectionClose, connectionReady } from '../observe/channels.js';

/** The lower bits of a handle are its slot (engine/src/handles.rs). */
const SLOT_MASK = 0xfffff;

interface Entry {
  readonly handle: number;
  readonly connection: QuicConnection;
  /** Whether a handler of the listener has got it. */
  dispatched: boolean;
  /** Whether its closing period is still to be waited for. */
  lingers: boolean;
}

/** Sums over connections. */
export interface ConnectionSums {
  readonly streams: number;
  readonly activeStreams: number;
  readonly received: number;
  readonly sent: number;
  readonly lost: number;
  /** Mean of the smoothed round-trip times of established connections; 0 without one. */
  readonly rttMs: number;
}

/** `undefined` when it ended, or the engine crashed, before the engine was ever asked what it had counted. */
function statsOf(connection: QuicConnection): ConnectionStats | undefined {
  try {
    return connection.stats();
  } catch {
    return undefined;
  }
}

export class ConnectionTable {
  readonly #bySlot: (Entry | undefined)[] = [];
  readonly #open = new Set<QuicConnection>();
  /** Connections whose handshake is under way, and when it is to be over. */
  readonly #handshaking = new Map<QuicConnection, number>();
  readonly #past = { streams: 0, received: 0, sent: 0, lost: 0 };
  #onDrained: (() => void) | undefined;
  /** Connections ever made. */
  total = 0;
  /**
   * Connections that are open, or in a closing period that matters (RFC 9000 10.2): the remote may not have heard the
   * last words, and gets them again when it asks. One that never answered does not; one that closed knows.
   */
  undrained = 0;

  /** @param deadline of the handshake; Infinity: none */
  add(handle: number, connection: QuicConnection, deadline: number): void {
    this.#bySlot[handle & SLOT_MASK] = { handle, connection, dispatched: false, lingers: true };
    this.#open.add(connection);
    this.#handshaking.set(connection, deadline);
    this.undrained++;
  }

  get(handle: number): QuicConnection | undefined {
    return this.#entry(handle)?.connection;
  }

  #entry(handle: number): Entry | undefined {
    const entry = this.#bySlot[handle & SLOT_MASK];
    return entry?.handle === handle ? entry : undefined;
  }

  get open(): ReadonlySet<QuicConnection> {
    return this.#open;
  }

  /** Connections whose handshake is under way. */
  get handshakes(): number {
    return this.#handshaking.size;
  }

  /** Connections whose handshake should be over. */
  lateHandshakes(now: number): QuicConnection[] {
    const late = [];
    for (const [connection, deadline] of this.#handshaking) if (deadline <= now) late.push(connection);
    return late;
  }

  /** When the next handshake should be over, later than `now`; Infinity: none that has a limit. */
  nextHandshakeDeadline(now: number): number {
    let next = Infinity;
    for (const deadline of this.#handshaking.values()) if (deadline > now && deadline < next) next = deadline;
    return next;
  }

  /** The handshake is complete, or early data came. Returns the connection when a handler is to get it now. */
  established(handle: number): QuicConnection | undefined {
    const entry = this.#entry(handle);
    if (!entry) return undefined;
    const { connection } = entry;
    if (!connection.handshaking && this.#handshaking.delete(connection) && connectionReady.hasSubscribers) {
      connectionReady.publish({ connection });
    }
    if (connection.isClient || entry.dispatched) return undefined;
    entry.dispatched = true;
    return connection;
  }

  ended(handle: number, info: CloseInfo): void {
    const entry = this.#entry(handle);
    if (!entry || !this.#open.delete(entry.connection)) return;
    const { connection } = entry;
    this.#handshaking.delete(connection);
    if (info.remote) this.#letGo(entry);
    const { record, streams } = connection.lastCounts;
    if (record) {
      const received = statOf(record, 'bytesReceived');
      if (received === 0) this.#letGo(entry);
      this.#past.streams += streams;
      this.#past.received += received;
      this.#past.sent += statOf(record, 'bytesSent');
      this.#past.lost += statOf(record, 'packetsLost');
    }
    if (connectionClose.hasSubscribers) connectionClose.publish({ connection, info });
  }

  /** The engine has forgotten the connection. */
  drained(handle: number): void {
    const entry = this.#entry(handle);
    this.#bySlot[handle & SLOT_MASK] = undefined;
    if (entry) this.#letGo(entry);
  }

  #letGo(entry: Entry): void {
    if (!entry.lingers) return;
    entry.lingers = false;
    if (--this.undrained === 0) this.#onDrained?.();
  }

  /** No connection will drain any more: the engine is gone. */
  abandon(): void {
    this.undrained = 0;
    this.#onDrained?.();
  }

  /** Calls back when the last connection has drained. */
  whenDrained(callback: () => void): void {
    if (this.undrained === 0) callback();
    else this.#onDrained = callback;
  }

  sums(): ConnectionSums {
    let { streams, received, sent, lost } = this.#past;
    let activeStreams = 0;
    let rtt = 0;
    let measured = 0;
    for (const connection of this.#open) {
      const stats = statsOf(connection);
      if (!stats) continue;
      streams += stats.totalStreams;
      activeStreams += stats.activeStreams;
      received += stats.bytesReceived;
      sent += stats.bytesSent;
      lost += stats.packetsLost;
      if (connection.handshaking) continue;
      rtt += stats.rttMs;
      measured++;
    }
    return { streams, activeStreams, received, sent, lost, rttMs: measured === 0 ? 0 : rtt / measured };
  }
}
