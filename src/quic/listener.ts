/** The listening side of an endpoint: settings for the engine, and the decision on each attempt. */

import type { ServerSettings } from '../engine/config.js';
import type { Engine } from '../engine/engine.js';
import { FAILURE } from '../engine/engine.js';
import { errorChannel } from '../observe/channels.js';
import { fromRefusal } from './close-reason.js';
import type { QuicConnection } from './connection.js';
import type { IncomingVerdict, ListenOptions, RetryPolicy } from './endpoint-options.js';
import { QuicError } from './errors.js';
import { checkAlpn, checkInteger, transportSettings, type ResolvedConnectionOptions } from './options.js';
import { TlsMaterialStore } from './tls/material.js';
import type { SocketAddress } from './types/udp.js';
import { parseSocketAddress, wordsToAddress } from './udp/address.js';

/** Takes connections of one application protocol. A rejected promise destroys the connection. */
export type ConnectionHandler = (connection: QuicConnection) => void | Promise<void>;

/** One handler for all protocols, or one per protocol. */
export type ConnectionHandlers = ConnectionHandler | Readonly<Record<string, ConnectionHandler>>;

const VALIDATED = 1;
const MAY_RETRY = 2;

const DEFAULT_RETRY: RetryPolicy = { fromHandshakes: 100 };
const TWO_WEEKS = 14 * 24 * 3600 * 1000;

/** What the listener asks of its endpoint. */
export interface ListenerHost {
  readonly engine: Engine;
  now(): number;
  /** Connections held, and room for them. */
  readonly connections: number;
  readonly maxConnections: number;
  /** Handshakes of clients under way. */
  readonly handshakes: number;
  readonly receiveBuffer: number;
  readonly keyLog: boolean;
  /** Upper bound of the path MTU search towards a remote. */
  mtuBoundTowards(remote: SocketAddress, options: ResolvedConnectionOptions): number;
  adopt(handle: number, remote: SocketAddress, options: ResolvedConnectionOptions): void;
}

export class Listener {
  readonly options: ResolvedConnectionOptions;
  readonly alpn: readonly string[];
  readonly #host: ListenerHost;
  readonly #given: ListenOptions;
  readonly #handlers: ConnectionHandlers;
  readonly #material: TlsMaterialStore;
  readonly #retry: RetryPolicy;
  readonly #maxHandshakes: number;
  /** Attempts turned away, by verdict. */
  readonly turnedAway = { refused: 0, retried: 0, ignored: 0 };

  private constructor(
    host: ListenerHost,
    given: ListenOptions,
    handlers: ConnectionHandlers,
    options: ResolvedConnectionOptions,
    material: TlsMaterialStore,
  ) {
    this.#host = host;
    this.#given = given;
    this.#handlers = handlers;
    this.#material = material;
    this.options = options;
    this.alpn = given.alpn ?? (typeof handlers === 'function' ? [] : Object.keys(handlers));
    this.#retry = given.retry ?? DEFAULT_RETRY;
    this.#maxHandshakes = given.maxHandshakes ?? 1000;
    this.#check();
  }

  /** @throws QuicError about options, certificates and keys */
  static async start(
    host: ListenerHost,
    given: ListenOptions,
    handlers: ConnectionHandlers,
    options: ResolvedConnectionOptions,
  ): Promise<Listener> {
    const verifies = given.requestCert === true && given.rejectUnauthorized !== false;
    const material = await TlsMaterialStore.load(given, { identity: true, trust: verifies });
    const listener = new Listener(host, given, handlers, options, material);
    listener.#apply();
    return listener;
  }

  #check(): void {
    const { alpn } = this;
    if (alpn.length === 0) {
      throw new QuicError(
        'ERR_QUIC_INVALID_OPTION',
        'listen needs the application protocols that it speaks: give alpn, or handlers by protocol, e.g. { echo: connection => {} }',
      );
    }
    checkAlpn(alpn);
    for (const name of alpn) {
      if (typeof this.#handlers !== 'function' && !Object.hasOwn(this.#handlers, name)) {
        throw new QuicError(
          'ERR_QUIC_INVALID_OPTION',
          `alpn names ${JSON.stringify(name)}, for which there is no handler`,
        );
      }
    }
    for (const family of ['ipv4', 'ipv6'] as const) {
      const preferred = this.#given.preferredAddress?.[family];
      if (preferred === undefined || parseSocketAddress(preferred)?.family.toLowerCase() === family) continue;
      const example = family === 'ipv4' ? '192.0.2.1:4433' : '[2001:db8::1]:4433';
      throw new QuicError(
        'ERR_QUIC_INVALID_OPTION',
        `preferredAddress.${family}: ${JSON.stringify(preferred)} is no address of that family with a port, like ${example}`,
      );
    }
    const { sessionTickets = 2, validationTokens = 2 } = this.#given;
    checkInteger('sessionTickets', sessionTickets, 0, 16);
    checkInteger('validationTokens', validationTokens, 0, 16);
    checkInteger('maxHandshakes', this.#maxHandshakes, 1, 1_000_000);
    if (typeof this.#retry === 'object') checkInteger('retry.fromHandshakes', this.#retry.fromHandshakes, 0, 1_000_000);
    else if (this.#retry !== 'never' && this.#retry !== 'always') {
      throw new QuicError('ERR_QUIC_INVALID_OPTION', "retry must be 'never', 'always' or { fromHandshakes: n }");
    }
  }

  #apply(): void {
    try {
      this.#host.engine.listen(this.#settings());
    } catch (error) {
      throw fromRefusal(error);
    }
  }

  /**
   * Reads certificates, keys and CA files again; connections to come see the new ones, those there are go on. Resolves
   * to whether anything had changed.
   *
   * @throws QuicError `ERR_QUIC_TLS_*`; what was in use stays in use then
   */
  async reload(): Promise<boolean> {
    const changed = await this.#material.reload();
    if (changed) this.#apply();
    return changed;
  }

  #clientAuth(): ServerSettings['tls']['clientAuth'] {
    const { requestCert, rejectUnauthorized } = this.#given;
    if (requestCert !== true) return 'none';
    return rejectUnauthorized === false ? 'requestAny' : 'require';
  }

  #settings(): ServerSettings {
    const given = this.#given;
    const { current } = this.#material;
    const clientAuth = this.#clientAuth();
    return {
      tls: {
        identities: current.identities.map(({ names, certificate, key }) => ({ names, certificate, key })),
        alpn: this.alpn,
        clientAuth,
        clientCa: clientAuth === 'require' ? (current.ca ?? null) : null,
        ciphers: given.ciphers ?? [],
        enableEarlyData: this.options.enableEarlyData,
        tickets: given.sessionTickets ?? 2,
        keyLog: this.#host.keyLog,
      },
      transport: transportSettings(this.options, this.options.maxDatagramSize, this.#host.receiveBuffer, false),
      migration: given.migration ?? true,
      retryTokenLifetimeMs: given.retryTokenLifetime ?? 15_000,
      validationTokenLifetimeMs: given.validationTokenLifetime ?? TWO_WEEKS,
      validationTokens: given.validationTokens ?? 2,
      maxIncoming: this.#maxHandshakes,
      incomingBuffer: 1024 * 1024,
      incomingBufferTotal: 16 * 1024 * 1024,
      preferredAddressV4: given.preferredAddress?.ipv4 ?? null,
      preferredAddressV6: given.preferredAddress?.ipv6 ?? null,
    };
  }

  /** An attempt of a client; `flags` as described for `EventKind::Incoming` in engine/src/abi.rs. */
  incoming(incoming: number, flags: number): void {
    const { engine } = this.#host;
    const remote = wordsToAddress(engine.incomingAddress(incoming));
    if (!remote) {
      engine.incomingIgnore(incoming);
      return;
    }
    const verdict = this.#verdict(remote, (flags & VALIDATED) !== 0, (flags & MAY_RETRY) !== 0);
    switch (verdict) {
      case 'accept':
        this.#accept(incoming, remote);
        return;
      case 'refuse':
        this.turnedAway.refused++;
        engine.incomingRefuse(incoming);
        return;
      case 'retry':
        this.turnedAway.retried++;
        engine.incomingRetry(incoming);
        return;
      case 'ignore':
        this.turnedAway.ignored++;
        engine.incomingIgnore(incoming);
        return;
    }
  }

  #verdict(remote: SocketAddress, addressValidated: boolean, mayRetry: boolean): IncomingVerdict {
    const { connections, maxConnections, handshakes } = this.#host;
    const asked = this.#given.onIncoming?.({ remote, addressValidated, handshakes });
    if (asked !== undefined && (asked !== 'retry' || mayRetry)) return asked;
    if (connections >= maxConnections) return 'refuse';
    const retry =
      this.#retry === 'always' || (typeof this.#retry === 'object' && handshakes >= this.#retry.fromHandshakes);
    if (retry && mayRetry && !addressValidated) return 'retry';
    return handshakes >= this.#maxHandshakes ? 'ignore' : 'accept';
  }

  #accept(incoming: number, remote: SocketAddress): void {
    const { engine } = this.#host;
    const bound = this.#host.mtuBoundTowards(remote, this.options);
    const handle = engine.incomingAccept(this.#host.now(), incoming, bound);
    // Refused: the first packet did not authenticate, or was stale. The engine has answered where an answer is due.
    if (handle === FAILURE.refused || handle < 0) return;
    this.#host.adopt(handle, remote, this.options);
  }

  /** Gives an established connection to its handler. */
  dispatch(connection: QuicConnection): void {
    const { alpn } = connection;
    const handlers = this.#handlers;
    const handler = typeof handlers === 'function' ? handlers : alpn === undefined ? undefined : handlers[alpn];
    if (!handler) {
      connection.destroy(new QuicError('ERR_QUIC_ALPN', `No handler for the application protocol ${String(alpn)}`));
      return;
    }
    const failed = (error: unknown): void => {
      const cause = error instanceof Error ? error : new Error(String(error));
      process.emitWarning(`A connection handler failed: ${cause.stack ?? cause.message}`, { code: 'SKEIN_HANDLER' });
      errorChannel.publish({ error: cause, connection });
      connection.destroy(
        new QuicError('ERR_QUIC_CONNECTION_CLOSED', `The connection handler failed: ${cause.message}`, { cause }),
      );
    };
    try {
      void Promise.resolve(handler(connection)).catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}
