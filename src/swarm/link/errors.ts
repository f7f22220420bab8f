/** Errors as frames: told to the other side before the stream ends. */

import { SwarmError, type SwarmErrorCode } from '../errors.js';
import { decodeValue, encodeValue } from '../wire/codec.js';
import { FRAME, STREAM_CODE } from '../wire/codes.js';
import { codeOf } from '../wire/error-codes.js';
import { protocolError } from '../wire/frames.js';
import type { FrameStream } from './frame-stream.js';

const MAX_MESSAGE = 8192;

/** Tells the remote what went wrong, ends this half, and reads no more. */
export function answerError(stream: FrameStream, error: unknown): void {
  const { code, message } = wordsOf(error);
  try {
    const full = stream.write(FRAME.error, encodeValue([code, message.slice(0, MAX_MESSAGE)]));
    if (full) full.then(() => stream.finish()).catch(() => undefined);
    else stream.finish();
    stream.stream.stopSending(STREAM_CODE.done);
  } catch {
    stream.cancel(STREAM_CODE.cancelled); // The remote has given it up already.
  }
}

/** What an error frame says. @throws SwarmError `ERR_SWARM_PROTOCOL` when it is malformed */
export function errorFrom(payload: Uint8Array, remote: string): SwarmError {
  const fields = decodeValue(payload);
  if (!Array.isArray(fields)) throw protocolError('an error that is no array');
  const [code, message] = fields as unknown[];
  if (typeof code !== 'string' || typeof message !== 'string') throw protocolError('an error without words');
  return new SwarmError(codeOf(code, 'ERR_SWARM_HANDLER'), `${remote}: ${message}`, { remote: true });
}

/** Code and message of whatever was thrown; what is no SwarmError comes from a handler. */
export function wordsOf(error: unknown): { readonly code: SwarmErrorCode; readonly message: string } {
  if (SwarmError.isSwarmError(error)) return { code: error.code, message: error.message };
  return { code: 'ERR_SWARM_HANDLER', message: error instanceof Error ? error.message : String(error) };
}
