/** Waiting for what makes the next connection a resumption. */

import { once } from 'node:events';
import type { QuicConnection } from '../index.js';

/** Tickets come right behind the handshake; without one after this time (ms) the server sends none. */
const LONGEST = 2000;

/** Resolves when a session ticket has come, the connection has ended, or it is too late. Call it before the handshake ends. */
export async function sessionTicket(connection: QuicConnection): Promise<void> {
  const came = once(connection, 'sessionTicket', { signal: AbortSignal.timeout(LONGEST) });
  await Promise.race([came, connection.closed]).catch(() => undefined);
}
