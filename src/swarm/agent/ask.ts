/** Asking the coordinator something, straight over the connection to it. */

import { SwarmError } from '../errors.js';
import type { MemberCore } from '../member-core.js';
import { readReply } from '../messaging/exchange.js';
import { frameOf } from '../messaging/values.js';
import { encodeFrames } from '../wire/frames.js';
import { encodeHead, type ExchangeType } from '../wire/head.js';

/** @throws SwarmError `ERR_SWARM_NOT_CONNECTED`, what the coordinator says, or why there was no answer */
export async function askCoordinator(
  core: MemberCore,
  type: ExchangeType,
  name: string,
  value: unknown,
): Promise<unknown> {
  core.assertOpen();
  const { coordinatorId, id, deadlines, limits } = core;
  const link = coordinatorId === undefined ? undefined : core.links.get(coordinatorId);
  if (coordinatorId === undefined || !link) {
    throw new SwarmError('ERR_SWARM_NOT_CONNECTED', `${id} has no connection to the coordinator at the moment`);
  }
  const timeout = limits.requestTimeout;
  const stream = await link.open();
  const head = encodeHead({ type, name, from: id, to: coordinatorId, hops: 0, path: [id], timeout, targets: [] });
  const reply = readReply(coordinatorId, stream, deadlines, { timeout });
  try {
    await stream.writeBytes(head);
    await stream.writeBytes(encodeFrames(frameOf(value)));
    stream.finish();
  } catch {
    // The reply tells why.
  }
  return reply;
}
