/** Requests over TCP, for servers that do not answer over QUIC: HTTP/2 or HTTP/1.1 of undici. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { Agent, type Dispatcher } from 'undici';
import type { ClientRequest, ClientResponse, FieldLine } from '../../http3.js';
import { CliError, EXIT } from '../failure.js';

/** What of the command line counts over TCP, too. */
export interface TcpSettings {
  readonly caPath: string | undefined;
  readonly certPath: string | undefined;
  readonly keyPath: string | undefined;
  readonly verifyPeer: boolean;
  readonly servername: string | undefined;
  /** For connecting, and silence after which the server counts as gone, in milliseconds. */
  readonly timeout: number;
}

/** How a response came. */
export interface TcpAnswer {
  readonly response: ClientResponse;
  readonly protocol: 'h2' | 'http/1.1';
  /** Where a new connection was made for it: when that was there, as `performance.now()` has it. */
  readonly connected: number | undefined;
}

/** Nothing was sent: no connection came about. */
export class NoTcp extends CliError {}

/** What undici tells of a connection that it has made. */
interface Connected {
  readonly connectParams: { readonly host: string; readonly version: string };
}

export class TcpRequests {
  readonly #settings: TcpSettings;
  #agent: Promise<Agent> | undefined;
  readonly #protocols = new Map<string, TcpAnswer['protocol']>();

  constructor(settings: TcpSettings) {
    this.#settings = settings;
  }

  async #make(): Promise<Agent> {
    const { caPath, certPath, keyPath, verifyPeer, servername, timeout } = this.#settings;
    const read = (path: string | undefined): Promise<Buffer> | undefined =>
      path === undefined ? undefined : readFile(path);
    const [ca, cert, key] = await Promise.all([read(caPath), read(certPath), read(keyPath)]);
    return new Agent({
      allowH2: true,
      headersTimeout: timeout,
      bodyTimeout: timeout,
      connect: {
        timeout,
        rejectUnauthorized: verifyPeer,
        ...(ca && { ca }),
        ...(cert && { cert }),
        ...(key && { key }),
        ...(servername !== undefined && { servername }),
      },
    });
  }

  /** @throws NoTcp, CliError; AbortSignal's reason */
  async send(url: URL, request: ClientRequest): Promise<TcpAnswer> {
    this.#agent ??= this.#make();
    const agent = await this.#agent;
    let connected: number | undefined;
    const onConnected = (message: unknown): void => {
      const { connectParams } = message as Connected;
      if (connectParams.host !== url.host) return;
      connected = performance.now();
      this.#protocols.set(url.host, connectParams.version === 'h2' ? 'h2' : 'http/1.1');
    };
    subscribe('undici:client:connected', onConnected);
    try {
      const answer = await agent.request({
        origin: url.origin,
        path: request.path,
        method: request.method,
        headers: (request.fields ?? []).flatMap(({ name, value }) => [name, value]),
        body: (request.body as Uint8Array | undefined) ?? null,
        signal: request.signal,
        onInfo: ({ statusCode, headers }) => request.onInformational?.(statusCode, fieldLines(headers)),
      });
      return { response: asResponse(answer), protocol: this.#protocols.get(url.host) ?? 'http/1.1', connected };
    } catch (error) {
      request.signal?.throwIfAborted();
      throw inWords(error, url, this.#protocols.has(url.host));
    } finally {
      unsubscribe('undici:client:connected', onConnected);
    }
  }

  /** Closes connections, so that the next request makes a new one. */
  async closeAll(): Promise<void> {
    const agent = this.#agent;
    this.#agent = undefined;
    await (await agent?.catch(() => undefined))?.destroy();
  }
}

/** Names with several values have an array. */
function fieldLines(headers: Readonly<Record<string, string | readonly string[] | undefined>>): FieldLine[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : (value ?? [])).map((one) => ({ name: name.toLowerCase(), value: one })),
  );
}

function asResponse({ statusCode, headers, body, trailers }: Dispatcher.ResponseData): ClientResponse {
  return {
    status: statusCode,
    fields: fieldLines(headers),
    body: Readable.toWeb(body) as ReadableStream<Uint8Array>,
    // undici fills them in while the body is read.
    get trailers() {
      return Promise.resolve(new Headers(trailers));
    },
  };
}

function inWords(error: unknown, url: URL, hasConnected: boolean): CliError {
  const { message } = error as Error;
  const text = `${url.host} over TCP: ${message === '' ? String((error as { code?: unknown }).code) : message}`;
  const options = { exitCode: EXIT.connection, cause: error };
  return hasConnected ? new CliError(text, options) : new NoTcp(text, options);
}
