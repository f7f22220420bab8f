/** Which part of a connection an event of the engine is for; see `EventKind` in engine/src/abi.rs. */

import { EVENT } from '../engine/layout.js';
import type { ConnectionLife } from './connection-life.js';
import type { DatagramQueue } from './datagrams.js';
import type { PathControl } from './path-control.js';
import type { StreamTable } from './streams.js';

/** The parts of a connection that events go to. */
export interface EventParts {
  readonly life: ConnectionLife;
  readonly streams: StreamTable;
  readonly datagrams: DatagramQueue;
  readonly paths: PathControl;
  /** The handshake is confirmed. */
  confirmed(): void;
  sessionTicket(): void;
  /** qlog records wait. */
  qlog(): void;
}

export function handleEvent(parts: EventParts, kind: number, a: number, b: number, c: number, d: number): void {
  switch (kind) {
    case EVENT.streamReadable:
      parts.streams.readable(wide(a, b));
      return;
    case EVENT.streamWritable:
      parts.streams.writable(wide(a, b));
      return;
    case EVENT.streamOpened:
      if (c === 1) parts.life.earlyStream();
      parts.streams.opened(wide(a, b), c === 1);
      return;
    case EVENT.streamFinished:
      parts.streams.acknowledged(wide(a, b));
      return;
    case EVENT.streamStopped:
      parts.streams.stopped(wide(a, b), wide(c, d));
      return;
    case EVENT.streamReset:
      parts.streams.resetByRemote(wide(a, b), wide(c, d));
      return;
    case EVENT.streamsAvailable:
      parts.streams.serveOpeners(parts.life.isEarly);
      return;
    case EVENT.datagramReceived:
      parts.datagrams.received();
      return;
    case EVENT.datagramsUnblocked:
      parts.datagrams.unblocked();
      return;
    default:
      handleRareEvent(parts, kind, a, b, c, d);
  }
}

function handleRareEvent(parts: EventParts, kind: number, a: number, b: number, c: number, d: number): void {
  switch (kind) {
    case EVENT.connected:
      parts.life.connected((a & 2) !== 0);
      return;
    case EVENT.closed:
      parts.life.lost(a === 1 ? wide(c, d) : undefined);
      return;
    case EVENT.handshakeConfirmed:
      parts.confirmed();
      return;
    case EVENT.sessionTicket:
      parts.sessionTicket();
      return;
    case EVENT.qlog:
      parts.qlog();
      return;
    default:
      parts.paths.handleEvent(kind, a, b, wide(c, d));
  }
}

/** A 62-bit number of two words; exact up to 2^53. */
function wide(low: number, high: number): number {
  return low + high * 2 ** 32;
}
