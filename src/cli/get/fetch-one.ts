/** One URL: its request, those that its redirects lead to, and the content of the last. */

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ClientRequest, type ClientResponse, exchange, type FieldLine, Http3Error } from '../../http3.js';
import { CliError } from '../failure.js';
import type { Connections, Opened } from './connections.js';
import { NoTcp, type TcpRequests } from './tcp.js';
import { decoders } from './decoding.js';
import type { Output } from './output.js';
import type { Plan } from './plan.js';
import { parseUrl } from './plan.js';
import type { Reporter } from './report.js';
import type { Result } from './result.js';

export interface Fetching {
  readonly url: URL;
  readonly plan: Plan;
  readonly connections: Connections;
  readonly tcp: TcpRequests;
  readonly reporter: Reporter;
  readonly output: Output;
  readonly signal: AbortSignal;
}

/** A message as it is sent, which redirects may change. */
interface Message {
  readonly url: URL;
  readonly method: string;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Uint8Array | undefined;
}

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Fields about content, which have to go when the content goes. */
const ABOUT_CONTENT = ['content-type', 'content-length', 'content-encoding', 'content-language'];
/** Fields that are a secret between this side and one server. */
const SECRETS = ['authorization', 'cookie', 'proxy-authorization'];

/** @throws QuicError, Http3Error, CliError */
export async function fetchOne(fetching: Fetching): Promise<Result> {
  const { plan } = fetching;
  let message: Message = withCredentials({
    url: fetching.url,
    method: plan.method,
    headers: plan.headers,
    body: plan.body,
  });
  for (let redirects = 0; ; redirects++) {
    const answered = await send(fetching, message);
    const next = plan.maxRedirects > 0 ? redirected(message, answered.response) : undefined;
    if (!next) return receive(fetching, message, answered, redirects);
    await answered.response.body.cancel();
    if (redirects === plan.maxRedirects)
      throw new CliError(`${fetching.url.href} leads through more than ${redirects} redirects`);
    message = next;
  }
}

/** `https://name:password@host/` asks by name and password, and is not sent as it is. */
function withCredentials(message: Message): Message {
  const { username, password } = message.url;
  if (username === '' && password === '') return message;
  const url = new URL(message.url);
  url.username = url.password = '';
  if (message.headers.has('authorization')) return { ...message, url };
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const basic = `Basic ${Buffer.from(pair).toString('base64')}`;
  return { ...message, url, headers: new Map([...message.headers, ['authorization', [basic]]]) };
}

interface Answered {
  /** Undefined: it came over TCP. */
  readonly opened: Opened | undefined;
  readonly protocol: Result['protocol'];
  /** When the connection was there, if it was made for this request. */
  readonly connected: (() => number | undefined) | undefined;
  readonly response: ClientResponse;
  readonly began: number;
  readonly firstByte: number;
  readonly reused: boolean;
  readonly sentEarly: boolean;
}

async function send(fetching: Fetching, message: Message): Promise<Answered> {
  const { connections, reporter, signal } = fetching;
  const began = performance.now();
  let patience = fetching.plan.fallbackAfter;
  for (let attempt = 1; ; attempt++) {
    let opened = await connections.to(message.url, patience, signal);
    if ('why' in opened) {
      const answered = await sendOverTcp(fetching, message, opened.why, began);
      if (answered) return answered;
      opened = await opened.attempt;
      patience = undefined;
    }
    const { quic, http3, reused } = opened;
    // Whoever records a first flight can send it again (RFC 8470): only what does no harm twice goes early.
    if (!SAFE.has(message.method) || attempt > 1) await quic.ready;
    const sentEarly = quic.earlyData === 'pending';
    reporter.sending(message.method, message.url, fieldsOf(message), 'h3');
    try {
      const response = await exchange(http3, requestOf(fetching, message, 'h3'));
      // RFC 8470 section 5.2: the server would rather see it after the handshake.
      if (response.status !== 425 || !sentEarly || attempt > 1) {
        const { connected } = opened;
        return { opened, protocol: 'h3', connected, response, began, firstByte: performance.now(), reused, sentEarly };
      }
      reporter.note('425: sent again after the handshake');
      await response.body.cancel();
    } catch (error) {
      if (attempt > 1 || signal.aborted || !canRepeat(error, message, reused)) throw error;
      reporter.note(`sent again: ${(error as Error).message}`);
    }
  }
}

function requestOf({ reporter, signal }: Fetching, message: Message, protocol: Result['protocol']): ClientRequest {
  return {
    method: message.method,
    authority: message.url.host,
    path: message.url.pathname + message.url.search,
    fields: fieldsOf(message),
    body: message.body,
    signal,
    onInformational: (status, fields) => reporter.received(status, fields, protocol),
  };
}

/** Undefined: over TCP no connection came about either. */
async function sendOverTcp(
  fetching: Fetching,
  message: Message,
  why: string,
  began: number,
): Promise<Answered | undefined> {
  const { reporter, tcp } = fetching;
  reporter.note(`${why}: going over TCP`);
  reporter.sending(message.method, message.url, fieldsOf(message), undefined);
  try {
    const { response, protocol, connected } = await tcp.send(message.url, requestOf(fetching, message, 'http/1.1'));
    const firstByte = performance.now();
    const reused = connected === undefined;
    return {
      opened: undefined,
      protocol,
      connected: () => connected,
      response,
      began,
      firstByte,
      reused,
      sentEarly: false,
    };
  } catch (error) {
    if (!(error instanceof NoTcp)) throw error;
    reporter.note(`${error.message}: waiting for QUIC`);
    return undefined;
  }
}

/** Whether nothing has come of a request, or nothing that a second one would make worse. */
function canRepeat(error: unknown, { method }: Message, reused: boolean): boolean {
  if (!Http3Error.isHttp3Error(error)) return false;
  if (error.code === 'ERR_HTTP3_REQUEST_REJECTED' || error.code === 'ERR_HTTP3_GOING_AWAY') return true;
  // A connection that had been idle may have ended while the request was on its way.
  return error.code === 'ERR_HTTP3_CLOSED' && reused && SAFE.has(method);
}

function fieldsOf({ headers }: Message): FieldLine[] {
  return [...headers].flatMap(([name, values]) => values.map((value) => ({ name, value })));
}

function valueOf(fields: readonly FieldLine[], wanted: string): string | undefined {
  return fields.find(({ name }) => name === wanted)?.value;
}

/** What a redirect asks for instead (RFC 9110 section 15.4), if it is one. */
function redirected(message: Message, { status, fields }: ClientResponse): Message | undefined {
  const location = valueOf(fields, 'location');
  if (location === undefined || ![301, 302, 303, 307, 308].includes(status)) return undefined;
  if (!URL.canParse(location, message.url.href))
    throw new CliError(`${message.url.href} leads to ${JSON.stringify(location)}, which is no URL`);
  const url = parseUrl(new URL(location, message.url).href);
  const headers = new Map(message.headers);
  if (url.host !== message.url.host) for (const name of SECRETS) headers.delete(name);
  const becomesGet = status === 303 ? message.method !== 'HEAD' : status < 303 && message.method === 'POST';
  if (!becomesGet) return { ...message, url, headers };
  for (const name of ABOUT_CONTENT) headers.delete(name);
  return { url, method: 'GET', headers, body: undefined };
}

async function receive(
  { plan, reporter, output }: Fetching,
  message: Message,
  { opened, protocol, connected, response, began, firstByte, reused, sentEarly }: Answered,
  redirects: number,
): Promise<Result> {
  const { status, fields } = response;
  const decode = plan.compressed ? decoders(valueOf(fields, 'content-encoding')) : [];
  if (opened) reporter.connection(opened.quic, reused);
  await reporter.head(protocol, status, fields, output);
  const counter = { bytes: 0 };
  try {
    await pipeline([Readable.from(counted(response.body, counter)), ...decode, output.writable()]);
    await output.close();
  } catch (error) {
    throw await output.failed(error, counter.bytes);
  }
  const ended = performance.now();
  // In early data a response can be there before the handshake is over on this side.
  await opened?.quic.ready;
  const since = (time: number | undefined): number | undefined => (time === undefined ? undefined : time - began);
  const earlyData = opened?.quic.earlyData ?? 'none';
  return {
    url: message.url.href,
    status,
    headers: fields,
    trailers: [...(await response.trailers)],
    bytes: counter.bytes,
    redirects,
    protocol,
    connection: reused ? 'reused' : opened?.quic.details.resumed === true ? 'resumed' : 'new',
    earlyData: sentEarly && earlyData !== 'pending' ? earlyData : 'none',
    timing: {
      ...(!reused && { resolved: since(opened?.resolved), connected: since(connected?.()) }),
      firstByte: firstByte - began,
      total: ended - began,
    },
  };
}

async function* counted(body: ReadableStream<Uint8Array>, counter: { bytes: number }): AsyncGenerator<Uint8Array> {
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    counter.bytes += chunk.length;
    yield chunk;
  }
}
