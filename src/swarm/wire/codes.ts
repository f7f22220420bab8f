/** Numbers of the swarm protocol on the wire (docs/swarm-protocol.md). */

import type { SwarmErrorCode } from '../errors.js';

/** Application protocol (ALPN) of version 1. */
export const SWARM_ALPN = 'skein-swarm/1';

/** Versions of the messages that this side speaks, best first. */
export const SWARM_VERSIONS: readonly number[] = [1];

/** Kinds of frames. Those from 0x40 on are extensions: whoever does not know one skips it. */
export const FRAME = {
  /** First frame of an exchange: what it is, from whom, for whom. */
  head: 0x00,
  /** A value in CBOR. */
  value: 0x01,
  /** A value that is a byte string, as it is. */
  bytes: 0x02,
  /** The exchange failed; nothing follows. CBOR. */
  error: 0x03,
  /** A message of a control stream. CBOR. */
  control: 0x04,
} as const;

/** Frames of this kind and above are skipped when unknown. */
export const FIRST_EXTENSION_FRAME = 0x40;

/** Application error codes of CONNECTION_CLOSE. */
export const CLOSE_CODE = {
  /** The agent left, or the swarm is shut down. */
  left: 0x00,
  /** A newer connection of the same member took over. */
  replaced: 0x01,
  /** The member was removed: evicted, or given up as dead. */
  removed: 0x02,
  /** The certificate belongs to no member. */
  unknownMember: 0x03,
  /** Joining was refused; the control stream says why. */
  refused: 0x04,
  /** The remote broke the protocol. */
  protocol: 0x05,
  /** The topology has no use for the connection any more. */
  unneeded: 0x06,
} as const;

/** Application error codes of RESET_STREAM and STOP_SENDING. */
export const STREAM_CODE = {
  /** The exchange was cancelled by the application. */
  cancelled: 0x100,
  /** Its deadline passed. */
  timeout: 0x101,
  /** What came on it is not of the protocol. */
  protocol: 0x102,
  /** No connection leads on to the destination, or the one that did was lost. */
  unreachable: 0x103,
  /** The other half has ended; nothing more is read. */
  done: 0x104,
  /** Too much at once. */
  refused: 0x105,
  /** A frame is longer than the reader's limit. */
  tooLarge: 0x106,
} as const;

/** What a stream code means to whoever waits on the exchange. */
export function errorOfStreamCode(code: number | undefined): SwarmErrorCode {
  switch (code) {
    case STREAM_CODE.timeout:
      return 'ERR_SWARM_TIMEOUT';
    case STREAM_CODE.protocol:
      return 'ERR_SWARM_PROTOCOL';
    case STREAM_CODE.unreachable:
      return 'ERR_SWARM_AGENT_LOST';
    case STREAM_CODE.tooLarge:
      return 'ERR_SWARM_TOO_LARGE';
    default:
      return 'ERR_SWARM_CANCELLED';
  }
}
