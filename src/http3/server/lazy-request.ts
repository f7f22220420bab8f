/**
 * The `Request` that a handler gets. Making one, and tying a signal to it above all, costs more than carrying the request did, and many
 * handlers want its URL and method only: where the runtime allows it, the rest is made at the first look at it.
 */

import { FieldSection } from '../core/index.js';
import { toHeaders } from '../fields.js';
import { internalSymbols } from './runtime-symbols.js';

/** Has the signal of a request, made when it is asked for. */
export interface SignalOwner {
  readonly signal: AbortSignal;
}

/** What requests are made of. */
export interface RequestParts {
  /** As `URL` writes it. */
  readonly url: string;
  readonly method: string;
  /** Released once the headers have been made of them. */
  readonly fields: FieldSection;
  readonly body?: ReadableStream<Uint8Array> | undefined;
}

/** Makes a request whose signal is the owner's. @throws TypeError as the constructor of `Request` */
export type RequestFactory = (parts: RequestParts, owner: SignalOwner) => Request;

const eager: RequestFactory = ({ url, method, fields, body }, { signal }) => {
  const request = new Request(url, {
    method,
    signal,
    ...(fields.length > 0 && { headers: toHeaders(fields) }),
    ...(body && { body, duplex: 'half' as const }),
  });
  fields.release();
  return request;
};

let factory: RequestFactory | undefined;

export const makeRequest: RequestFactory = (parts, owner) => {
  factory ??= lazyFactory() ?? eager;
  return factory(parts, owner);
};

/** Methods of which `Request` neither refuses nor changes any. */
const PLAIN_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/**
 * In Node 20 and 22 everything that `Request` does, and whatever takes a request, gets to what the request holds by symbols. Here they
 * lead to a request that is made when the first of them is followed. Undefined where a runtime does it in another way.
 */
function lazyFactory(): RequestFactory | undefined {
  const symbols = internalSymbols(new Request('https://localhost/'));
  if (symbols.length === 0) return undefined;

  class LazyRequest {
    readonly #parts: RequestParts;
    readonly #url: string;
    readonly #owner: SignalOwner;
    #real: Request | undefined;

    constructor(parts: RequestParts, owner: SignalOwner) {
      this.#parts = parts;
      this.#url = parts.url;
      this.#owner = owner;
    }

    get url(): string {
      return this.#url;
    }

    get method(): string {
      return this.#parts.method;
    }

    static real(lazy: LazyRequest): Request {
      lazy.#real ??= eager(lazy.#parts, lazy.#owner);
      return lazy.#real;
    }
  }
  const prototype: object = LazyRequest.prototype;
  Object.setPrototypeOf(prototype, Request.prototype);
  Object.defineProperty(prototype, 'constructor', { value: Request, configurable: true, writable: true });
  for (const symbol of symbols) {
    Object.defineProperty(prototype, symbol, {
      get(this: LazyRequest): unknown {
        return (LazyRequest.real(this) as unknown as Record<symbol, unknown>)[symbol];
      },
    });
  }
  const lazy: RequestFactory = (parts, owner) =>
    PLAIN_METHODS.has(parts.method) ? (new LazyRequest(parts, owner) as unknown as Request) : eager(parts, owner);
  return isSound(lazy) ? lazy : undefined;
}

/** Whether such a request is one to all who take requests, and its signal reaches those that are made of it. */
function isSound(make: RequestFactory): boolean {
  try {
    const controller = new AbortController();
    let looks = 0;
    const parts = {
      url: 'https://localhost/b',
      method: 'PUT',
      fields: FieldSection.of([{ name: 'a', value: 'b' }]),
      body: new ReadableStream<Uint8Array>(),
    };
    const request = make(parts, {
      get signal() {
        looks++;
        return controller.signal;
      },
    });
    if (request.url !== 'https://localhost/b' || request.method !== 'PUT' || looks > 0) return false;
    const cloned = request.clone();
    const made = new Request(request, { headers: { d: 'e' } });
    const kept =
      request instanceof Request &&
      request.headers.get('a') === 'b' &&
      cloned.headers.get('a') === 'b' &&
      made.url === request.url &&
      made.method === 'PUT' &&
      made.headers.get('d') === 'e' &&
      made.body !== null &&
      request.bodyUsed;
    controller.abort();
    return kept && looks === 1 && request.signal.aborted && made.signal.aborted && cloned.signal.aborted;
  } catch {
    return false;
  }
}
