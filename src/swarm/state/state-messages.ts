/** What is asked and answered about the shared map. */

import { z } from 'zod';

/** A change. Without a value: deletion. */
export const stateRequest = z.strictObject({
  key: z.string().max(1024),
  value: z.custom<Uint8Array>((value) => value instanceof Uint8Array).optional(),
  ifVersion: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
});
export type StateRequest = z.infer<typeof stateRequest>;

/** Whether it was done, and the version of what is there now. */
export const stateReply = z.tuple([z.boolean(), z.number().int().min(0)]);
export type StateReply = z.infer<typeof stateReply>;
