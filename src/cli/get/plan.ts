/** What is to be fetched, from the command line. */

import { readFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import type { IdentityArguments, TrustArguments } from '../arguments.js';
import { CliError, EXIT } from '../failure.js';

export interface GetArguments extends TrustArguments, IdentityArguments {
  readonly request?: string | undefined;
  readonly header?: readonly string[] | undefined;
  readonly data?: readonly string[] | undefined;
  readonly output?: readonly string[] | undefined;
  readonly include: boolean;
  readonly verbose: boolean;
  readonly timing: boolean;
  readonly json: boolean;
  readonly compressed: boolean;
  readonly maxRedirects: number;
  readonly fresh: boolean;
  readonly earlyData: boolean;
  readonly http3Only: boolean;
  /** Milliseconds. */
  readonly fallbackAfter: number;
  /** Milliseconds. */
  readonly timeout: number;
}

/** A request, as far as all URLs have it in common. */
export interface Plan {
  readonly method: string;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Uint8Array | undefined;
  readonly compressed: boolean;
  readonly maxRedirects: number;
  /** How long QUIC may take to connect before TCP is tried, in milliseconds; undefined: TCP is not. */
  readonly fallbackAfter: number | undefined;
  readonly targets: readonly Target[];
}

export interface Target {
  readonly url: URL;
  /** File, `-` for standard output, `undefined` for nowhere. */
  readonly output: string | undefined;
}

/** Codings that can be undone here. */
const ACCEPTED = 'gzip, br, zstd';

/** @throws CliError for URLs that are none, and files that cannot be read */
export async function makePlan(urls: readonly string[], options: GetArguments): Promise<Plan> {
  const { output = [], json, compressed, maxRedirects } = options;
  if (options.key !== undefined && options.cert === undefined) {
    throw usage('--key needs --cert, the certificate that the key belongs to');
  }
  if (output.length > urls.length) throw usage(`there are ${output.length} files (-o) for ${urls.length} URLs`);
  const targets = urls.map((text, index) => ({
    url: parseUrl(text),
    output: output[index] ?? (json ? undefined : '-'),
  }));
  if (json && output.includes('-'))
    throw usage('--json prints reports on standard output: content cannot go there, too');
  const body = options.data && (await joined(options.data));
  const headers = defaults(body !== undefined, compressed);
  for (const line of options.header ?? []) addHeader(headers, line, options.header ?? []);
  const method = options.request ?? (body ? 'POST' : 'GET');
  // Over TCP nobody looks at pins.
  const fallbackAfter = options.http3Only || (options.pin?.length ?? 0) > 0 ? undefined : options.fallbackAfter;
  return { method, headers, body, compressed, maxRedirects, fallbackAfter, targets };
}

function usage(message: string): CliError {
  return new CliError(message, { exitCode: EXIT.usage });
}

/** `localhost:4433/x` and `example.org` are what people write. */
export function parseUrl(text: string): URL {
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (!url || url.hostname === '') throw usage(`${JSON.stringify(text)} is no URL`);
  if (url.protocol !== 'https:') throw usage(`${text} is not https, and nothing else goes over HTTP/3`);
  url.hash = '';
  return url;
}

async function joined(data: readonly string[]): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (const text of data) {
    if (parts.length > 0) parts.push(Buffer.from('&'));
    if (!text.startsWith('@')) parts.push(Buffer.from(text));
    else parts.push(text === '@-' ? await buffer(process.stdin) : await readFile(text.slice(1)));
  }
  return Buffer.concat(parts);
}

function defaults(hasBody: boolean, compressed: boolean): Map<string, string[]> {
  const headers = new Map<string, string[]>([
    ['user-agent', [`skein/${version()}`]],
    ['accept', ['*/*']],
  ]);
  if (compressed) headers.set('accept-encoding', [ACCEPTED]);
  if (hasBody) headers.set('content-type', ['application/x-www-form-urlencoded']);
  return headers;
}

function version(): string {
  const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/** What the person says replaces what is sent by default, and adds to what they have said before. */
function addHeader(headers: Map<string, string[]>, line: string, all: readonly string[]): void {
  const colon = line.indexOf(':');
  const name = line.slice(0, colon).toLowerCase();
  const value = line.slice(colon + 1).trim();
  if (name === 'host') throw usage('the host is that of the URL');
  const isFirst = all.find((other) => other.slice(0, other.indexOf(':')).toLowerCase() === name) === line;
  const before = isFirst ? [] : (headers.get(name) ?? []);
  if (value === '') headers.delete(name);
  else headers.set(name, [...before, value]);
}
