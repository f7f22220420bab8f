/** Between Fetch's `Headers` and the field lines of HTTP/3. */

import type { FieldLine, FieldSection } from './core/index.js';

/** Fields that speak of a connection of HTTP/1.1; HTTP/3 forbids them (RFC 9114 section 4.2). */
const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** Whether a field may not be sent over HTTP/2 and HTTP/3. */
export function isConnectionSpecific(name: string): boolean {
  return CONNECTION_SPECIFIC.has(name);
}

/** Appends what `headers` hold, without fields that HTTP/3 forbids. */
export function appendHeaders(fields: FieldLine[], headers: Iterable<readonly [string, string]>): void {
  for (const [name, value] of headers) {
    if (!CONNECTION_SPECIFIC.has(name)) fields.push({ name, value });
  }
}

/** A field section as `Headers`, which stay good. */
export function toHeaders(fields: FieldSection): Headers {
  const headers = new Headers();
  const { length } = fields;
  for (let index = 0; index < length; index++) headers.append(fields.name(index), fields.value(index));
  return headers;
}

/** Everything that `new Headers` takes, as field lines. @throws TypeError */
export function fromHeadersInit(init: HeadersInit): FieldLine[] {
  const fields: FieldLine[] = [];
  appendHeaders(fields, new Headers(init));
  return fields;
}

/** What `new Headers` takes. */
export type HeadersInit = ConstructorParameters<typeof Headers>[0];

let date: FieldLine = { name: 'date', value: '' };
let dateSecond = -1;

/** The Date field of now (RFC 9110 section 6.6.1), made once a second. */
export function dateLine(): FieldLine {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    date = { name: 'date', value: new Date(second * 1000).toUTCString() };
  }
  return date;
}
