import { http3ErrorChannel } from '../../observe/channels.js';
import type { RequestHandling, ServerErrorContext } from './handler.js';

/** Tells of a failure of the server's own code: nothing is swallowed. */
export function report(handling: RequestHandling, error: unknown, context: ServerErrorContext): void {
  if (http3ErrorChannel.hasSubscribers) http3ErrorChannel.publish({ error, context });
  if (handling.onError) {
    try {
      handling.onError(error, context);
      return;
    } catch (second) {
      warn(second, 'onError failed');
    }
  }
  const where = context.phase === 'handler' ? 'A request handler failed' : 'The body of a response failed';
  warn(error, `${where} (${context.method} ${context.url})`);
}

function warn(error: unknown, what: string): void {
  const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.emitWarning(`${what}: ${words}`, { code: 'SKEIN_HANDLER' });
}
