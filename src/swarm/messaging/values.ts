/** Values of applications as frames. */

import { decodeValue, encodeValue } from '../wire/codec.js';
import { FRAME } from '../wire/codes.js';
import { protocolError, type Frame } from '../wire/frames.js';
import { errorFrom } from '../link/errors.js';

/** A value as a frame: byte strings as they are, everything else in CBOR. @throws SwarmError `ERR_SWARM_VALUE` */
export function frameOf(value: unknown): Frame {
  if (value instanceof Uint8Array) return { kind: FRAME.bytes, payload: value };
  return { kind: FRAME.value, payload: encodeValue(value) };
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
