/** A request as undici's dispatchers get it, in the terms of HTTP/3. */

import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { FieldLine } from '../core/index.js';
import { isConnectionSpecific } from '../fields.js';
import type { OutgoingBody } from './outgoing-body.js';

/** What of a dispatch is sent. */
export interface DispatchRequest {
  readonly method: string;
  readonly path: string;
  /** From a Host field, else undefined. */
  readonly authority: string | undefined;
  /** Whom the certificate must name, where that is not the host of the origin: undici's `dns` interceptor gives it. */
  readonly servername: string | undefined;
  readonly fields: readonly FieldLine[];
  readonly body: OutgoingBody | undefined;
  /** Whether the same bytes can be sent a second time. */
  readonly replayable: boolean;
  /** RFC 9110 section 9.2.1. */
  readonly safe: boolean;
}

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** @throws TypeError when the body or the headers are of no known form */
export function toRequest(options: Dispatcher.DispatchOptions): DispatchRequest {
  const fields: FieldLine[] = [];
  let authority: string | undefined;
  for (const [given, value] of headerEntries(options.headers)) {
    const name = given.toLowerCase();
    if (name === 'host') authority = value;
    else if (!isConnectionSpecific(name) && name !== 'expect' && (name !== 'te' || value === 'trailers')) {
      fields.push({ name, value: value.trim() });
    }
  }
  const { body, contentType, replayable } = toBody(options.body);
  if (contentType !== undefined && !fields.some(({ name }) => name === 'content-type')) {
    fields.push({ name: 'content-type', value: contentType });
  }
  const method = String(options.method);
  const safe = SAFE.has(method) && body === undefined;
  return {
    method,
    path: pathOf(options),
    authority,
    servername: servernameOf(options),
    fields,
    body,
    replayable,
    safe,
  };
}

/** Whom the certificate must name, where a dispatch says so. */
export function servernameOf(options: Dispatcher.DispatchOptions): string | undefined {
  const { servername } = options as { readonly servername?: unknown };
  return typeof servername === 'string' && servername !== '' ? servername : undefined;
}

function pathOf({ path, query }: Dispatcher.DispatchOptions): string {
  if (!query || Object.keys(query).length === 0) return path;
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query as Record<string, unknown>)) {
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) search.append(name, asText(one));
  }
  return `${path}?${search.toString()}`;
}

function asText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

function* headerEntries(headers: Dispatcher.DispatchOptions['headers']): Generator<[string, string]> {
  if (!headers) return;
  if (Array.isArray(headers)) {
    for (let at = 0; at + 1 < headers.length; at += 2) yield* values(String(headers[at]), headers[at + 1]);
    return;
  }
  const entries: Iterable<readonly [string, unknown]> =
    Symbol.iterator in headers
      ? (headers as Iterable<readonly [string, unknown]>)
      : Object.entries(headers as Record<string, unknown>);
  for (const [name, value] of entries) yield* values(name, value);
}

function* values(name: string, value: unknown): Generator<[string, string]> {
  if (value === undefined || value === null) return;
  for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
    yield [name, typeof one === 'string' ? one : Buffer.isBuffer(one) ? one.toString('latin1') : String(one)];
  }
}

interface Body {
  readonly body: OutgoingBody | undefined;
  readonly contentType?: string | undefined;
  readonly replayable: boolean;
}

function toBody(body: unknown): Body {
  if (body === undefined || body === null) return { body: undefined, replayable: true };
  if (typeof body === 'string' || body instanceof Uint8Array || body instanceof ArrayBuffer) {
    return { body, replayable: true };
  }
  if (ArrayBuffer.isView(body)) {
    return { body: new Uint8Array(body.buffer, body.byteOffset, body.byteLength), replayable: true };
  }
  if (body instanceof Blob) return { body, contentType: body.type || undefined, replayable: true };
  if (body instanceof Readable) return { body: body as AsyncIterable<Uint8Array>, replayable: false };
  if (body instanceof FormData) {
    const encoded = new Response(body);
    return {
      body: encoded.body as unknown as AsyncIterable<Uint8Array>,
      contentType: encoded.headers.get('content-type') ?? undefined,
      replayable: false,
    };
  }
  if (typeof body === 'object' && (Symbol.asyncIterator in body || Symbol.iterator in body)) {
    return { body: body as AsyncIterable<Uint8Array>, replayable: false };
  }
  throw new TypeError('The body must be a string, bytes, Blob, FormData, Readable or an iterable of bytes');
}
