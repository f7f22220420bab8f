/** What nobody else is told of. */

import { channel } from 'node:diagnostics_channel';

/** Names of the swarm's channels. */
export const SWARM_CHANNELS = {
  /** `{ error, context }`: something failed that no caller is told of; `context` says where. */
  error: 'skein:swarm:error',
} as const;

const errors = channel(SWARM_CHANNELS.error);

/** Tells of an error that has no caller. */
export function reportError(
  error: unknown,
  context: string,
  onError: ((error: unknown, context: string) => void) | undefined,
): void {
  if (errors.hasSubscribers) errors.publish({ error, context });
  onError?.(error, context);
}
