/** Waiting for what makes the next connection a resumption. */

import { setTimeout as pause } from 'node:timers/promises';
import type { QuicConnection } from '../index.js';

/** Tickets come right behind the handshake; without one after this time (ms) the server sends none. */
const LONGEST = 2000;

/** Resolves when a session ticket has come, the connection has ended, or it is too late. */
export async function sessionTicket(connection: QuicConnection): Promise<void> {
  const late = new AbortController();
  const tooLate = pause(LONGEST, undefined, { signal: late.signal });
  await Promise.race([connection.resumable, tooLate]).catch(() => undefined);
  late.abort();
  await tooLate.catch(() => undefined);
}
