/** The runtime's `fetch` through a dispatcher, with every content coding that is known here. */

import { Dispatcher } from 'undici';
import { FieldSection } from '../core/index.js';
import { DecodingHandler } from './decoding-handler.js';
import { HandlerAdapter } from './dispatch-handler.js';

/** Two frames of Zstandard: one without content, and one that says `a`. */
const TWO_FRAMES = Buffer.from('28b52ffd2000010000' + '28b52ffd200109000061', 'hex');

/**
 * Who undoes zstd. `kept`: a {@link DecodingHandler}, and the runtime's `fetch` leaves the coding alone. `hidden`: the handler too, and the
 * runtime must not see the coding, because it gives the first frame for the whole. `nobody`: the runtime's handlers are not known here.
 */
type Zstd = 'runtime' | 'kept' | 'hidden' | 'nobody';
let zstd: Promise<Zstd> | undefined;

/** @throws what the runtime's `fetch` throws */
export async function runtimeFetch(
  input: string | URL | Request,
  init: Omit<RequestInit, 'dispatcher'>,
  dispatcher: Dispatcher,
): Promise<Response> {
  const undoneBy = await (zstd ??= findZstd().catch(() => 'nobody'));
  const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined));
  // Of a range the runtime asks for what is stored, not for something coded.
  if (undoneBy !== 'nobody' && !headers.has('accept-encoding') && !headers.has('range')) {
    headers.set('accept-encoding', 'gzip, deflate, br, zstd');
  }
  const decoding = undoneBy === 'kept' || undoneBy === 'hidden';
  const through = decoding ? new DecodingDispatcher(dispatcher, undoneBy === 'hidden') : dispatcher;
  return globalThis.fetch(input, { ...init, headers, dispatcher: through } as unknown as RequestInit);
}

class DecodingDispatcher extends Dispatcher {
  readonly #dispatcher: Dispatcher;
  readonly #hide: boolean;

  constructor(dispatcher: Dispatcher, hide: boolean) {
    super();
    this.#dispatcher = dispatcher;
    this.#hide = hide;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    return this.#dispatcher.dispatch(options, new DecodingHandler(options, handler, this.#hide));
  }
}

/** Answers every request with two frames. */
class FramesDispatcher extends Dispatcher {
  newHandlers = false;

  override dispatch(_options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    this.newHandlers = typeof handler.onRequestStart === 'function';
    const adapter = new HandlerAdapter(handler, { abort: () => undefined, resume: () => undefined });
    adapter.start();
    adapter.headers(200, FieldSection.of([{ name: 'content-encoding', value: 'zstd' }]));
    adapter.data(TWO_FRAMES);
    adapter.complete();
    return true;
  }
}

/** Asks the runtime's `fetch`: whether it undoes zstd, and rightly, depends on two version numbers and on how it was built. */
async function findZstd(): Promise<Zstd> {
  const dispatcher = new FramesDispatcher();
  const response = await globalThis.fetch('https://zstd.invalid/', { dispatcher } as unknown as RequestInit);
  const content = Buffer.from(await response.arrayBuffer());
  if (String(content) === 'a') return 'runtime';
  if (dispatcher.newHandlers) return 'nobody';
  return content.equals(TWO_FRAMES) ? 'kept' : 'hidden';
}
