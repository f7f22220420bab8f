/**
 * Handlers of undici's dispatchers in both their forms: that of undici 7 (`onRequestStart`), and the older one (`onConnect`), which
 * the `fetch` of Node 20 and 22 uses.
 */

import type { IncomingHttpHeaders } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Dispatcher } from 'undici';
import type { FieldSection } from '../core/index.js';

/** What a handler may do to its request. */
export interface DispatchControl {
  abort(reason: Error): void;
  resume(): void;
}

type LegacyHeaders = (status: number, headers: Buffer[], resume: () => void, statusText: string) => boolean | undefined;
type LegacyComplete = (trailers: Buffer[]) => void;

/** One handler, however it wants to be told. */
export class HandlerAdapter {
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #control: DispatchControl;
  readonly #controller: Controller | undefined;
  #started = false;
  #rawTrailers: Buffer[] = [];
  #trailers: IncomingHttpHeaders = {};

  constructor(handler: Dispatcher.DispatchHandler, control: DispatchControl) {
    this.#handler = handler;
    this.#control = control;
    if (typeof handler.onRequestStart === 'function') this.#controller = new Controller(control);
  }

  /** The request is about to be sent. Once, however often it is tried. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    if (this.#controller) this.#handler.onRequestStart?.(this.#controller, {});
    else {
      const abort = (reason?: Error): void => this.#control.abort(reason ?? abortError());
      (this.#handler.onConnect as ((abort: (reason?: Error) => void, context: object) => void) | undefined)?.(
        abort,
        {},
      );
    }
  }

  /** A header section. False: content is to wait until `resume`. */
  headers(status: number, fields: FieldSection): boolean {
    const text = STATUS_CODES[status] ?? '';
    if (this.#controller) {
      this.#controller.rawHeaders = rawFields(fields);
      this.#handler.onResponseStart?.(this.#controller, status, asObject(fields), text);
      return !this.#controller.paused;
    }
    if (status >= 200) this.#handler.onResponseStarted?.();
    const onHeaders = this.#handler.onHeaders?.bind(this.#handler) as LegacyHeaders | undefined;
    return onHeaders?.(status, rawFields(fields), () => this.#control.resume(), text) !== false;
  }

  /** Content. False: no more for now. */
  data(bytes: Uint8Array): boolean {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#controller) {
      this.#handler.onResponseData?.(this.#controller, chunk);
      return !this.#controller.paused;
    }
    return this.#handler.onData?.(chunk) !== false;
  }

  /** The trailer section, which the handler gets when all is complete. */
  trailers(fields: FieldSection): void {
    this.#rawTrailers = rawFields(fields);
    if (this.#controller) this.#trailers = asObject(fields);
  }

  complete(): void {
    if (this.#controller) {
      this.#controller.rawTrailers = this.#rawTrailers;
      this.#handler.onResponseEnd?.(this.#controller, this.#trailers);
      return;
    }
    (this.#handler.onComplete?.bind(this.#handler) as LegacyComplete | undefined)?.(this.#rawTrailers);
  }

  error(error: Error): void {
    if (this.#controller) this.#handler.onResponseError?.(this.#controller, error);
    else this.#handler.onError?.(error);
  }
}

class Controller implements Dispatcher.DispatchController {
  rawHeaders: Buffer[] | null = null;
  rawTrailers: Buffer[] | null = null;
  paused = false;
  aborted = false;
  reason: Error | null = null;
  readonly #control: DispatchControl;

  constructor(control: DispatchControl) {
    this.#control = control;
  }

  abort(reason: Error): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.#control.abort(reason);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.#control.resume();
  }
}

function abortError(): Error {
  return new DOMException('The request was aborted', 'AbortError');
}

function rawFields(fields: FieldSection): Buffer[] {
  const raw: Buffer[] = [];
  for (let index = 0; index < fields.length; index++) {
    raw.push(Buffer.from(fields.name(index), 'latin1'), Buffer.from(fields.value(index), 'latin1'));
  }
  return raw;
}

/** Names with several values have an array, as undici makes them of HTTP/1.1. */
function asObject(fields: FieldSection): IncomingHttpHeaders {
  const headers: Record<string, string | string[]> = {};
  for (let index = 0; index < fields.length; index++) {
    const name = fields.name(index);
    const value = fields.value(index);
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else headers[name] = [before, value];
  }
  return headers;
}
