/** The HTTP/3 connections of one run: one for each server while it lasts, resumed when it does not. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Http3Connection, type RememberedSettings } from '../../http3.js';
import { type ConnectOptions, type QuicConnection, QuicEndpoint, QuicError } from '../../index.js';
import { CHANNELS } from '../../observe/index.js';
import { EXIT, exitCode } from '../failure.js';
import { sessionTicket } from '../session-ticket.js';

/** A connection with what was measured of its beginning. */
export interface Opened {
  readonly quic: QuicConnection;
  readonly http3: Http3Connection;
  /** Times of `performance.now()`. */
  readonly began: number;
  /** The name was resolved, and CA files read: the first packet could leave. */
  readonly resolved: number;
  /** The handshake was complete; `undefined` while it is not. */
  readonly connected: () => number | undefined;
  /** Whether requests went over it before. */
  reused: boolean;
}

export type ConnectionSettings = Omit<ConnectOptions, 'alpn' | 'ownSocket' | 'signal'>;

/** A server with which no QUIC connection came about in time. */
export interface NoQuic {
  /** Words for -v. */
  readonly why: string;
  /** What becomes of the attempt: it may still connect, or has failed. */
  readonly attempt: Promise<Opened>;
}

/** What TCP would do no better: names, trust, and this side's own faults. */
function isFinal(error: unknown): boolean {
  if (!QuicError.isQuicError(error)) return true;
  const { code } = error;
  return (
    code === 'ERR_QUIC_HOST_NOT_FOUND' || code.startsWith('ERR_QUIC_CERTIFICATE') || exitCode(error) !== EXIT.connection
  );
}

export class Connections {
  readonly #settings: ConnectionSettings;
  #endpoint: Promise<QuicEndpoint> | undefined;
  readonly #open = new Map<string, Opened>();
  /** Servers that go over TCP from now on, unless the attempt connects after all. */
  readonly #withoutQuic = new Map<string, NoQuic>();
  /** What early data has to keep to, by server. */
  readonly #remembered = new Map<string, RememberedSettings>();

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
  }

  /**
   * The connection to the server of a URL, or why there is none yet. A new one to a known server may still be shaking hands: what is
   * sent then is early data.
   *
   * @param patience how long QUIC may take, in milliseconds; undefined: as long as it takes, and a failure is thrown
   * @throws QuicError
   */
  async to(url: URL, patience: number | undefined, signal: AbortSignal): Promise<Opened | NoQuic> {
    const { host } = url;
    const open = this.#open.get(host);
    if (open && !open.quic.isClosed && open.http3.acceptsRequests) {
      open.reused = true;
      return open;
    }
    const known = this.#withoutQuic.get(host);
    if (known) return known;
    // The time that this side takes to get ready is not the server's.
    this.#endpoint ??= QuicEndpoint.create();
    const attempt = this.#connect(await this.#endpoint, url, signal).then((opened) => {
      this.#withoutQuic.delete(host);
      this.#open.set(host, opened);
      return opened;
    });
    if (patience === undefined) return attempt;
    const outcome = await within(attempt, patience);
    if (typeof outcome === 'object') return outcome;
    const noQuic = { why: outcome, attempt };
    this.#withoutQuic.set(host, noQuic);
    return noQuic;
  }

  async #connect(endpoint: QuicEndpoint, { hostname, host, port }: URL, signal: AbortSignal): Promise<Opened> {
    const began = performance.now();
    let resolved: number | undefined;
    const onStart = (): void => void (resolved ??= performance.now());
    subscribe(CHANNELS.connectionStart, onStart);
    try {
      const quic = await endpoint.connect(hostname, port === '' ? 443 : Number(port), {
        ...this.#settings,
        alpn: ['h3'],
        ownSocket: true,
        signal,
      });
      let connected: number | undefined;
      const onReady = (): void => void (connected = performance.now());
      // Without early data the handshake is over by now.
      if (quic.handshaking) quic.ready.then(onReady, () => undefined);
      else onReady();
      const http3 = new Http3Connection(quic, {
        rememberedSettings: this.#remembered.get(host),
        // A few requests gain nothing from QPACK's dynamic table, and without it none waits for another stream.
        qpackEncoderTableCapacity: 0,
      });
      http3.receivedSettings.then(
        () => {
          if (http3.rememberedSettings) this.#remembered.set(host, http3.rememberedSettings);
        },
        () => undefined,
      );
      return {
        quic,
        http3,
        began,
        resolved: resolved ?? began,
        connected: () => connected,
        reused: false,
      };
    } finally {
      unsubscribe(CHANNELS.connectionStart, onStart);
    }
  }

  /** Closes what is open, so that the next request makes a new connection: with what the server gave to resume this one. */
  async closeAll(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(
      open.map(async ({ quic, http3 }) => {
        if (!quic.isClosed) await Promise.all([sessionTicket(quic), http3.receivedSettings]).catch(() => undefined);
        await http3.close();
      }),
    );
  }

  /** @param timeout longest time in milliseconds */
  async shutdown(timeout: number): Promise<void> {
    const endpoint = await this.#endpoint?.catch(() => undefined);
    await endpoint?.close({ timeout, code: 0x100 });
  }
}

/** What an attempt leads to in so many milliseconds, or why to try something else. @throws what is final */
async function within(attempt: Promise<Opened>, patience: number): Promise<Opened | string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer over QUIC within ${patience} ms`), patience);
  });
  try {
    return await Promise.race([attempt, late]);
  } catch (error) {
    if (isFinal(error)) throw error;
    return (error as Error).message;
  } finally {
    clearTimeout(timer);
    attempt.catch(() => undefined);
  }
}
