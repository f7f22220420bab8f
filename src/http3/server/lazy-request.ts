/**
 * The `Request` that a handler gets. Tying a signal of one's own to each costs more than everything else about it, and few handlers look
 * at it: where the runtime lets one, it is made at the first look.
 */

import { internalSymbol } from './runtime-symbols.js';

/** Has the signal of a request, made when it is asked for. */
export interface SignalOwner {
  readonly signal: AbortSignal;
}

/** Makes a request whose signal is the owner's. @throws TypeError as the constructor of `Request` */
export type RequestFactory = (url: string, init: RequestInit, owner: SignalOwner) => Request;

const eager: RequestFactory = (url, init, owner) => new Request(url, { ...init, signal: owner.signal });

let factory: RequestFactory | undefined;

export function makeRequest(url: string, init: RequestInit, owner: SignalOwner): Request {
  factory ??= lazyFactory() ?? eager;
  return factory(url, init, owner);
}

/** Undefined where the runtime keeps the signals of its requests where nobody else gets to. */
function lazyFactory(): RequestFactory | undefined {
  const key = internalSymbol(new Request('https://localhost/'), 'signal');
  if (key === undefined) return undefined;
  class LazyRequest extends Request {
    readonly #owner: SignalOwner;
    /** A request of the runtime's own that follows the owner's signal: clones are told of an abort by that of a request only. */
    #tied: Request | undefined;

    constructor(url: string, init: RequestInit, owner: SignalOwner) {
      super(url, init);
      this.#owner = owner;
    }

    static signalOf(request: object): AbortSignal | undefined {
      if (!(#owner in request)) return undefined;
      request.#tied ??= new Request('https://localhost/', { signal: request.#owner.signal });
      return request.#tied.signal;
    }
  }
  // The runtime reads it here for the request itself and for whatever is made of it.
  Object.defineProperty(LazyRequest.prototype, key, {
    get(this: object): AbortSignal | undefined {
      return LazyRequest.signalOf(this);
    },
    // What the constructor of the runtime would put there.
    set(): void {},
  });
  const lazy: RequestFactory = (url, init, owner) => new LazyRequest(url, init, owner);
  return isSound(lazy) ? lazy : undefined;
}

/** Whether signals work as they should: nobody looks too early, and requests made of others follow. */
function isSound(make: RequestFactory): boolean {
  try {
    const controller = new AbortController();
    let looks = 0;
    const request = make(
      'https://localhost/',
      {},
      {
        get signal() {
          looks++;
          return controller.signal;
        },
      },
    );
    if (looks > 0) return false;
    const made = new Request(request);
    const cloned = request.clone();
    controller.abort();
    return request.signal.aborted && made.signal.aborted && cloned.signal.aborted;
  } catch {
    return false;
  }
}
