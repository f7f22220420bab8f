/** A short membership: joins, does one thing, leaves. */

import { interruptible } from '../interrupt.js';
import { joinSwarm, type JoinSwarmOptions, type SwarmAgent } from '../../swarm/index.js';

/** Milliseconds for leaving in order. */
const LEAVE_WITHIN = 1000;

/** Leaves the swarm whatever comes of it, at Ctrl-C too. */
export async function withMember<T>(
  options: JoinSwarmOptions,
  act: (member: SwarmAgent, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const interrupt = interruptible();
  const { signal } = interrupt;
  try {
    const joining = joinSwarm(options);
    const member = await Promise.race([joining, rejectOn(signal)]).catch(async (error: unknown) => {
      // Interrupted while joining: what still comes of that is left at once.
      joining.then((late) => late.leave({ timeout: 0 })).catch(() => undefined);
      throw error;
    });
    try {
      return await Promise.race([act(member, signal), rejectOn(signal)]);
    } finally {
      await member.leave({ timeout: LEAVE_WITHIN });
    }
  } finally {
    interrupt.dispose();
  }
}

/** Rejects when the signal aborts. */
export function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    else signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
