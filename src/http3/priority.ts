import type { Priority } from './core/index.js';

/** Control and QPACK streams go before everything: a response can depend on them. */
export const CRITICAL_PRIORITY = 2 ** 31 - 1;

/** Width of the band of one urgency among QUIC's stream priorities. */
const BAND = 2 ** 27;

/**
 * The stream priority that stands for a priority of RFC 9218 section 10: lower urgency first; within one, responses that are of no
 * use in parts one after the other in the order of their requests, and behind them incremental ones, which take turns.
 */
export function streamPriority({ urgency, incremental }: Priority, streamId: number): number {
  const floor = (7 - urgency) * BAND;
  if (incremental) return floor;
  return floor + BAND - 1 - (Math.floor(streamId / 4) % (BAND - 1));
}
