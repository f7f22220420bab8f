/** A request that is answered on its stream. */

import { Http3Error } from '../core/index.js';
import type { FieldLine, FieldSection } from '../core/index.js';
import { toHeaders } from '../fields.js';
import { bytesOf as encodeContent, fitsWhole } from '../whole-message.js';
import { Exchange } from './exchange.js';
import { isThenable } from './fetch-exchange.js';
import { fieldsOfStream, hasNoContent, stateLength, trailerFields } from './response-fields.js';
import { writeChunk, writeWhole } from './response-writer.js';
import type { ResponseFields, ServerStream } from './server-stream.js';

/** What was taken at once needs no promise of its own. */
const TAKEN = Promise.resolve();

export class StreamExchange extends Exchange implements ServerStream {
  /** `bare`: ended by itself, since there can be no content. */
  #stage: 'head' | 'content' | 'bare' | 'over' = 'head';
  /** Writes that QUIC has not taken: those after them wait. Never rejects. */
  #waiting: Promise<void> | undefined;
  /** Whether nothing is left to send. */
  #sent = false;
  #onSent: (() => void) | undefined;
  #fields: readonly FieldLine[] | undefined;
  #headers: Headers | undefined;

  // The request.

  get method(): string {
    return this.stream.head.method;
  }

  get scheme(): string {
    return this.stream.head.scheme ?? 'https';
  }

  get authority(): string | undefined {
    return this.stream.head.authority;
  }

  get path(): string {
    return this.stream.head.path ?? '/';
  }

  get fields(): readonly FieldLine[] {
    this.#fields ??= this.#section.toArray();
    return this.#fields;
  }

  get headers(): Headers {
    this.#headers ??= toHeaders(this.#section);
    return this.#headers;
  }

  field(name: string): string | undefined {
    return this.#section.get(name.toLowerCase());
  }

  /** @throws Http3Error when the exchange is over: its memory is used for others */
  get #section(): FieldSection {
    const { fields } = this.stream;
    if (!fields.isReleased) return fields;
    const { method, path } = this;
    const message = `The fields of ${method} ${path} are gone with its exchange: look at fields or headers before it is over, from then on they stay`;
    throw new Http3Error('ERR_HTTP3_INVALID_STATE', message);
  }

  get body(): ReadableStream<Uint8Array> {
    return this.receive().readable;
  }

  get bytesSent(): number {
    return this.stream.contentSent;
  }

  get responded(): boolean {
    return this.answered;
  }

  // Its course.

  protected override finish(): void {
    super.finish();
    this.stream.fields.release();
  }

  protected override serve(): Promise<void> | undefined {
    let given: unknown;
    try {
      given = this.handling.requestStream?.(this);
    } catch (error) {
      this.#threw(error);
      return undefined;
    }
    if (given === TAKEN || !isThenable(given)) return this.#whenSent();
    return Promise.resolve(given).then(
      () => this.#whenSent(),
      (error: unknown) => this.#threw(error),
    );
  }

  #threw(error: unknown): void {
    if (this.#stage === 'head') this.handlerFailed(error);
    else this.failed(error);
  }

  /** The handler has returned; the response may come later. */
  #whenSent(): Promise<void> | undefined {
    if (this.#sent || this.aborted) return undefined;
    return new Promise((resolve) => {
      this.#onSent = resolve;
      this.progress.giveUp = () => resolve();
    });
  }

  #over(): void {
    this.#sent = true;
    this.#onSent?.();
  }

  // The response.

  respond(status: number, fields?: ResponseFields, content?: string | Uint8Array): Promise<void> {
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      throw new TypeError(`The status of a response is 200 to 599, not ${String(status)}`);
    }
    if (this.#stage !== 'head') this.#refuse('respond', 'the response has begun');
    const isBare = hasNoContent(status) || this.stream.head.method === 'HEAD';
    const isEmpty = content !== undefined && checked(content).length === 0;
    const lines = fieldsOfStream(status, fields, isEmpty && !isBare);
    // Given up meanwhile, or answered by the server itself: nobody is left to take the response.
    if (this.answered || this.aborted || this.stream.sendOver) return this.#refused();
    if (content === undefined || isBare || isEmpty) {
      this.stream.sendHeaders(lines, isBare || isEmpty);
      this.begin();
      this.#stage = content !== undefined ? 'over' : isBare ? 'bare' : 'content';
      if (isBare || isEmpty) this.#over();
      return TAKEN;
    }
    if (fitsWhole(content)) {
      const accepted = writeWhole(this.stream, lines, content, this.progress);
      this.begin();
      this.#stage = 'over';
      if (accepted !== undefined) return this.#wait(accepted, true);
      this.#over();
      return TAKEN;
    }
    const bytes = bytesOf(content);
    stateLength(lines, bytes.length);
    this.stream.sendHeaders(lines);
    this.begin();
    this.#stage = 'content';
    return this.end(bytes);
  }

  write(content: string | Uint8Array): Promise<void> {
    const bytes = bytesOf(content);
    if (this.#stage === 'bare') return TAKEN;
    if (this.#stage !== 'content') this.#refuse('write', this.#stage === 'head' ? 'respond first' : 'it is over');
    if (this.#waiting === undefined) {
      if (this.stream.sendOver) return this.#refused();
      const accepted = writeChunk(this.stream, bytes, this.progress);
      return accepted === undefined ? TAKEN : this.#wait(accepted, false);
    }
    return this.#wait(
      this.#waiting.then(() => writeChunk(this.stream, bytes, this.progress)),
      false,
    );
  }

  end(content?: string | Uint8Array, trailers?: ResponseFields): Promise<void> {
    const bytes = content === undefined ? undefined : bytesOf(content);
    const lines = trailers && trailerFields(trailers);
    if (this.#stage === 'bare') {
      this.#stage = 'over';
      return TAKEN;
    }
    if (this.#stage !== 'content') this.#refuse('end', this.#stage === 'head' ? 'respond first' : 'it is over');
    if (bytes !== undefined) void this.write(bytes);
    this.#stage = 'over';
    if (this.#waiting === undefined) {
      if (this.stream.sendOver) return this.#refused();
      this.stream.end(lines);
      this.#over();
      return TAKEN;
    }
    return this.#wait(
      this.#waiting.then(() => this.stream.end(lines)),
      true,
    );
  }

  override reset(errorCode?: number): void {
    this.#stage = 'over';
    this.answered = true;
    super.reset(errorCode);
    this.#over();
  }

  /** What comes next has to wait until this is over, whichever way; and so has the end of the exchange where it `isLast`. */
  #wait(accepted: Promise<void>, isLast: boolean): Promise<void> {
    const over = (): void => {
      if (this.#waiting === waiting) this.#waiting = undefined;
      if (isLast) this.#over();
    };
    const waiting = accepted.then(over, over);
    this.#waiting = waiting;
    return accepted;
  }

  #refuse(what: string, why: string): never {
    const { method, path } = this;
    throw new Http3Error('ERR_HTTP3_INVALID_STATE', `Cannot ${what} for ${method} ${path}: ${why}`);
  }

  /** Nobody is left to take what is sent. */
  #refused(): Promise<void> {
    const { method, path } = this;
    const message = `The response to ${method} ${path} was ended before`;
    const refused = Promise.reject<void>(this.abortReason ?? new Http3Error('ERR_HTTP3_INVALID_STATE', message));
    refused.catch(() => undefined);
    return refused;
  }
}

function checked(content: unknown): string | Uint8Array {
  if (typeof content === 'string' || content instanceof Uint8Array) return content;
  throw new TypeError(`Content is a string or a Uint8Array, not ${content === null ? 'null' : typeof content}`);
}

function bytesOf(content: string | Uint8Array): Uint8Array {
  return encodeContent(checked(content));
}
