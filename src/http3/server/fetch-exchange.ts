/** A request that is answered by a `Response`. */

import type { FieldLine } from '../core/index.js';
import { fromHeadersInit, type HeadersInit } from '../fields.js';
import { Exchange } from './exchange.js';
import type { FetchHandler, HandlerInfo } from './handler.js';
import { makeRequest } from './lazy-request.js';
import { requestUrl } from './request-url.js';
import { BodyError, writeResponse } from './response-writer.js';

type TrailersGiver = HeadersInit | (() => HeadersInit | Promise<HeadersInit>);

export class FetchExchange extends Exchange implements HandlerInfo {
  #trailers: TrailersGiver | undefined;
  #url = '';

  sendTrailers(trailers: TrailersGiver): void {
    this.#trailers = trailers;
  }

  protected override get url(): string {
    return this.#url === '' ? super.url : this.#url;
  }

  /** A request may outlive its exchange: what nobody has looked at yet must stay. */
  protected override finish(): void {
    super.finish();
    this.stream.fields.keep();
  }

  protected override serve(): Promise<void> | undefined {
    const { fetch } = this.handling;
    const request = this.#makeRequest();
    return request && fetch && this.#respond(fetch, request);
  }

  #makeRequest(): Request | undefined {
    const { head, fields } = this.stream;
    const path = head.path === '*' ? '/' : (head.path ?? '/');
    const url = requestUrl(head.scheme ?? 'https', head.authority ?? 'localhost', path);
    if (url === undefined) {
      this.#refuse();
      return undefined;
    }
    this.#url = url;
    const hasBody = head.method !== 'GET' && head.method !== 'HEAD' && !this.stream.isBare;
    try {
      const parts = { url, method: head.method, fields };
      return makeRequest(hasBody ? { ...parts, body: this.receive().readable } : parts, this);
    } catch {
      // The method is none that Fetch knows.
      this.#refuse();
      return undefined;
    }
  }

  #refuse(): void {
    this.answer(400, 'The request is not understood\n');
  }

  #respond(fetch: FetchHandler, request: Request): Promise<void> | undefined {
    let given: unknown;
    try {
      given = fetch(request, this);
    } catch (error) {
      this.handlerFailed(error);
      return undefined;
    }
    if (!isThenable(given)) return this.#answerWith(given);
    return Promise.resolve(given).then(
      (response) => this.#answerWith(response),
      (error: unknown) => this.handlerFailed(error),
    );
  }

  /** Sends what the handler has returned. */
  #answerWith(given: unknown): Promise<void> | undefined {
    let response: Response;
    try {
      response = checkResponse(given);
    } catch (error) {
      this.handlerFailed(error);
      return undefined;
    }
    if (this.answered || this.stream.sendOver) {
      // Given up meanwhile: nobody is left to take the response.
      return response.body?.cancel().catch(() => undefined);
    }
    this.begin();
    const trailers = this.#trailers === undefined ? undefined : () => this.#makeTrailers();
    return writeResponse(this.stream, response, this.progress, trailers);
  }

  async #makeTrailers(): Promise<readonly FieldLine[]> {
    const given = this.#trailers ?? {};
    try {
      return fromHeadersInit(typeof given === 'function' ? await given() : given);
    } catch (cause) {
      throw new BodyError('The trailers of the response failed', { cause });
    }
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return value instanceof Promise || (typeof value === 'object' && value !== null && 'then' in value);
}

/** Makes sure that a handler has returned a response that can be sent. @throws TypeError */
function checkResponse(response: unknown): Response {
  if (!isResponse(response)) throw new TypeError('The handler returned no Response');
  if (response.status < 200) throw new TypeError(`The handler returned a Response with status ${response.status}`);
  if (response.bodyUsed) throw new TypeError('The handler returned a Response whose body was used already');
  return response;
}

/** A Response, also one of another realm or package. */
function isResponse(value: unknown): value is Response {
  if (value instanceof Response) return true;
  if (typeof value !== 'object' || value === null) return false;
  return 'status' in value && 'headers' in value && 'body' in value && 'bodyUsed' in value;
}
