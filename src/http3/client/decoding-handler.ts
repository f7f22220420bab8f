/** Content codings that the runtime's `fetch` does not undo, or not rightly (zstd before Node 26), undone between it and the dispatcher. */

import { pipeline, type Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import { codingsOf, createDecoders } from './codings/index.js';

/** As many as the `fetch` of Node takes: each is memory, and each may blow up what the one before it gave. */
const MOST_CODINGS = 5;
/** Responses that have no content (RFC 9110 section 6.4.1). */
const WITHOUT_CONTENT: ReadonlySet<number> = new Set([204, 205, 304]);

type Handler = Dispatcher.DispatchHandler;

/** A handler of the older form, which the runtimes have that need this. */
export class DecodingHandler implements Dispatcher.DispatchHandler {
  readonly #handler: Handler;
  readonly #options: Dispatcher.DispatchOptions;
  readonly #hide: boolean;
  #decoders: readonly Duplex[] = [];
  #abort: (reason?: Error) => void = () => undefined;
  /** All of the content has come. */
  #ended = false;
  /** The handler has been told the end. */
  #over = false;

  /** @param hide whether the runtime must not see that content was coded, because it would decode it again */
  constructor(options: Dispatcher.DispatchOptions, handler: Handler, hide: boolean) {
    this.#options = options;
    this.#handler = handler;
    this.#hide = hide;
  }

  onConnect(abort: (reason?: Error) => void): void {
    this.#abort = abort;
    this.#handler.onConnect?.((reason) => {
      abort(reason);
      // Who has sent everything hears of no abort, but here it may not be decoded yet.
      if (this.#ended) this.onError(reason ?? new DOMException('The request was aborted', 'AbortError'));
    });
  }

  onResponseStarted(): void {
    this.#handler.onResponseStarted?.();
  }

  onBodySent(chunkSize: number, totalBytesSent: number): void {
    this.#handler.onBodySent?.(chunkSize, totalBytesSent);
  }

  onUpgrade(...parameters: Parameters<NonNullable<Handler['onUpgrade']>>): void {
    this.#handler.onUpgrade?.(...parameters);
  }

  onHeaders(status: number, headers: Buffer[], resume: () => void, statusText: string): boolean {
    const coded = status >= 200 && !WITHOUT_CONTENT.has(status) && this.#options.method !== 'HEAD';
    const decoders = coded ? this.#decodersFor(headers) : [];
    const [first] = decoders;
    const last = decoders.at(-1);
    if (!first || !last) return this.#handler.onHeaders?.(status, headers, resume, statusText) ?? true;
    this.#decoders = decoders;
    first.on('drain', resume);
    last.on('data', (bytes: Buffer) => {
      if (!this.#over && this.#handler.onData?.(bytes) === false) last.pause();
    });
    last.on('error', (error) => this.#fail(error));
    if (first !== last) pipeline(decoders, (error) => error && this.#fail(error));
    const shown = this.#hide ? withoutCoding(headers) : headers;
    if (this.#handler.onHeaders?.(status, shown, () => last.resume(), statusText) === false) last.pause();
    return true;
  }

  onData(chunk: Buffer): boolean {
    const [first] = this.#decoders;
    if (!first) return this.#handler.onData?.(chunk) ?? true;
    return this.#over || first.write(chunk);
  }

  onComplete(trailers: string[] | null): void {
    this.#ended = true;
    const [first] = this.#decoders;
    const complete = (): void => {
      if (this.#over) return;
      this.#over = true;
      this.#handler.onComplete?.(trailers);
    };
    if (!first) complete();
    else {
      this.#decoders.at(-1)?.once('end', complete);
      first.end();
    }
  }

  onError(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    for (const decoder of this.#decoders) decoder.destroy();
    this.#handler.onError?.(error);
  }

  #fail(cause: Error): void {
    if (this.#over) return;
    const { origin, path } = this.#options;
    const error = new Error(
      `${String(origin)}${path}: content does not decode as its Content-Encoding says: ${cause.message}`,
      {
        cause,
      },
    );
    if (!this.#ended) this.#abort(error);
    this.onError(error);
  }

  /** Empty where nothing is to be done here: the runtime's `fetch` undoes what it knows, and leaves alone what nobody knows. */
  #decodersFor(headers: readonly Buffer[]): Duplex[] {
    const given: string[] = [];
    for (let at = 0; at + 1 < headers.length; at += 2) {
      if (String(headers[at]).toLowerCase() === 'content-encoding') given.push(String(headers[at + 1]));
    }
    const codings = codingsOf(given.join(','));
    if (!codings.includes('zstd') || codings.length > MOST_CODINGS) return [];
    const made = createDecoders(codings);
    return typeof made === 'string' ? [] : made;
  }
}

/** Header fields but for those that speak of the coded content. */
function withoutCoding(headers: readonly Buffer[]): Buffer[] {
  return headers.filter((_, index) => {
    const name = String(headers[index - (index % 2)]).toLowerCase();
    return name !== 'content-encoding' && name !== 'content-length';
  });
}
