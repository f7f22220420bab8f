/** Values of applications as frames. */

import type { FrameStream, Outgoing } from '../link/frame-stream.js';
import { errorFrom } from '../link/errors.js';
import { decodeValue, decodeValueAt, encodeValue } from '../wire/codec.js';
import { FRAME } from '../wire/codes.js';
import { protocolError, type Frame } from '../wire/frames.js';

/** A value as a frame: byte strings as they are, everything else in CBOR. @throws SwarmError `ERR_SWARM_VALUE` */
export function frameOf(value: unknown): Frame {
  if (value instanceof Uint8Array) return { kind: FRAME.bytes, payload: value };
  return { kind: FRAME.value, payload: encodeValue(value) };
}

/** As {@link frameOf}, for what a stream will write. @throws SwarmError `ERR_SWARM_VALUE` */
export function outgoing(value: unknown): Outgoing {
  return typeof value === 'string' ? value : frameOf(value);
}

/** @throws SwarmError what the remote says went wrong, or `ERR_SWARM_PROTOCOL` */
export function valueOf(frame: Frame, remote: string): unknown {
  switch (frame.kind) {
    case FRAME.bytes:
      return frame.payload;
    case FRAME.value:
      return decodeValue(frame.payload);
    case FRAME.error:
      throw errorFrom(frame.payload, remote);
    default:
      throw protocolError(`a frame of kind ${frame.kind} where a value belongs`);
  }
}

/** The value of the frame that a stream's `step` has come to. @throws SwarmError as {@link valueOf} */
export function valueAt({ reader }: FrameStream, remote: string): unknown {
  if (reader.kind === FRAME.value) return decodeValueAt(reader.bytes, reader.from, reader.to);
  return valueOf(reader.take(), remote);
}
