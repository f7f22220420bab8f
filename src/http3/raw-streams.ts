/** Telling raw streams from request streams by their first value, without reading further (docs/extensions.md). */

import type { QuicStreamLike } from '../quic/types/connection.js';
import { readVarint, varintLengthFromFirst } from '../wire/index.js';
import { RAW_STREAM_SIGNAL } from './core/index.js';

const EMPTY = new Uint8Array(0);

/** What has been read of a stream's first value so far. */
export interface RawStreamGate {
  bytes: Uint8Array;
}

/** A gate before anything was read. */
export function newGate(): RawStreamGate {
  return { bytes: EMPTY };
}

/** What a stream turned out to be: raw, or one whose first bytes are for the HTTP/3 core. */
export interface SortedStream {
  readonly raw: boolean;
  readonly bytes: Uint8Array;
  readonly fin: boolean;
}

/** Reads the first value, byte by byte where need be; undefined while it is not complete. @throws QuicErrorLike */
export function sortStream(quic: QuicStreamLike, gate: RawStreamGate): SortedStream | undefined {
  for (;;) {
    const wanted = gate.bytes.length === 0 ? 1 : varintLengthFromFirst(gate.bytes[0] ?? 0) - gate.bytes.length;
    if (wanted === 0) break;
    const more = quic.tryReceive(wanted);
    if (more === undefined) return undefined;
    if (more.length === 0) return { raw: false, bytes: gate.bytes, fin: true };
    gate.bytes = joined(gate.bytes, more);
  }
  const raw = readVarint(gate.bytes, 0) === RAW_STREAM_SIGNAL;
  return { raw, bytes: gate.bytes, fin: quic.receiveState === 'finished' };
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
