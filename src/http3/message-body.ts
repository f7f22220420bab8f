/** The content of a message as a WHATWG stream: QUIC is read as fast as the reader reads, no faster. */

import type { FieldSection, Http3Error } from './core/index.js';
import { toHeaders } from './fields.js';
import type { Http3Receiver } from './receiver.js';
import type { Http3Stream } from './stream.js';

/** What becomes of content beside being read. */
export interface MessageBodyOptions {
  /** Most bytes; 0: any number. Default 0. */
  readonly maxBytes?: number | undefined;
  /** There are more than `maxBytes`. */
  readonly tooLarge?: (() => void) | undefined;
  /** The reader wants no more. Default: STOP_SENDING. */
  readonly cancelled?: ((reason: unknown) => void) | undefined;
}

/** Receives the content and the trailers of a message. */
export class MessageBody implements Http3Receiver {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #stream: Http3Stream;
  readonly #options: MessageBodyOptions;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #begun = false;
  #over = false;
  #error: unknown;
  #failed = false;
  #trailers: Headers | undefined;
  #waiting: { resolve(trailers: Headers): void; reject(error: unknown): void } | undefined;
  #trailersPromise: Promise<Headers> | undefined;
  /** Whether the reader waits for bytes that have not come. */
  wanted = false;

  constructor(stream: Http3Stream, options: MessageBodyOptions = {}) {
    this.#stream = stream;
    this.#options = options;
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => void (this.#controller = controller),
        pull: () => this.#pull(),
        cancel: (reason) => this.#cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }

  /** Begins to receive although nobody reads yet. */
  begin(): void {
    this.#begun = true;
  }

  #pull(): void {
    this.wanted = true;
    if (this.#begun) this.#stream.resume();
    else {
      this.#begun = true;
      this.#stream.receive(this);
    }
  }

  #cancel(reason: unknown): void {
    this.#over = true;
    if (this.#options.cancelled) this.#options.cancelled(reason);
    else this.#stream.stopSending();
    this.#waiting?.reject(reason);
  }

  /** Trailers, once the content has been read to its end; empty when there were none. */
  get receivedTrailers(): Promise<Headers> {
    if (!this.#trailersPromise) {
      this.#trailersPromise = new Promise((resolve, reject) => (this.#waiting = { resolve, reject }));
      this.#trailersPromise.catch(() => undefined);
      if (this.#over) this.#settle();
    }
    return this.#trailersPromise;
  }

  data(bytes: Uint8Array): boolean {
    this.wanted = false;
    if (this.#over) return true;
    const { maxBytes = 0, tooLarge } = this.#options;
    if (maxBytes > 0 && this.#stream.contentReceived > maxBytes) {
      tooLarge?.();
      return false;
    }
    this.#controller?.enqueue(bytes);
    return (this.#controller?.desiredSize ?? 0) > 0;
  }

  trailers(fields: FieldSection): void {
    this.#trailers = toHeaders(fields);
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.wanted = false;
    this.#settle();
    this.#controller?.close();
  }

  aborted(error: Http3Error): void {
    this.fail(error);
  }

  /** Ends the content with an error. */
  fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.wanted = false;
    this.#failed = true;
    this.#error = error;
    this.#settle();
    this.#controller?.error(error);
  }

  #settle(): void {
    if (this.#failed) this.#waiting?.reject(this.#error);
    else this.#waiting?.resolve(this.#trailers ?? new Headers());
  }
}
