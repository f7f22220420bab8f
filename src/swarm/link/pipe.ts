/** Passing an exchange on: what comes on one stream leaves on another, with backpressure, endings included. */

import { SwarmError } from '../errors.js';
import { STREAM_CODE } from '../wire/codes.js';
import type { FrameStream } from './frame-stream.js';

const CODE_OF: Partial<Record<SwarmError['code'], number>> = {
  ERR_SWARM_CANCELLED: STREAM_CODE.cancelled,
  ERR_SWARM_TIMEOUT: STREAM_CODE.timeout,
  ERR_SWARM_PROTOCOL: STREAM_CODE.protocol,
  ERR_SWARM_TOO_LARGE: STREAM_CODE.tooLarge,
};

/** Joins two streams until both directions have ended. Never rejects. */
export async function pipeBoth(near: FrameStream, far: FrameStream): Promise<void> {
  await Promise.all([pipe(near, far), pipe(far, near)]);
}

async function pipe(from: FrameStream, to: FrameStream): Promise<void> {
  try {
    const rest = from.takeUnread();
    if (rest.length > 0) await to.writeBytes(rest);
    for (;;) {
      const bytes = await from.readBytes();
      if (!bytes) break;
      await to.writeBytes(bytes);
    }
    to.finish();
  } catch (error) {
    // Whichever side ended it, both learn why.
    const code = SwarmError.isSwarmError(error) ? CODE_OF[error.code] : undefined;
    from.cancel(code ?? STREAM_CODE.unreachable);
    to.cancel(code ?? STREAM_CODE.unreachable);
  }
}
