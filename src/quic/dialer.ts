/** The dialling side of an endpoint: TLS profiles, name resolution, the race of addresses (RFC 8305). */

import { createHash } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { ClientProfile } from '../engine/config.js';
import type { Engine } from '../engine/engine.js';
import { AttemptSettings } from './attempt-settings.js';
import { fromRefusal, noAnswer } from './close-reason.js';
import type { ConnectionInit } from './connection-types.js';
import type { QuicConnection } from './connection.js';
import type { ConnectOptions } from './endpoint-options.js';
import { QuicError } from './errors.js';
import { checkAlpn, checkInteger, type ResolvedConnectionOptions } from './options.js';
import { loadTlsMaterial } from './tls/material.js';
import type { Clock, SocketAddress, UdpSocket } from './types/udp.js';
import { socketAddress } from './udp/address.js';

/** RFC 8305 5: the next address gets its chance when the one before has not connected after this time. */
const ATTEMPT_DELAY = 250;

/** How long certificates read from files are used without looking at the files again, in milliseconds. */
const PROFILE_LIFETIME = 10_000;

/** Names whose last address is remembered; the engine remembers tickets for as many servers. */
const REMEMBERED_NAMES = 256;

/** The options that make a TLS profile. */
const PROFILE_OPTIONS = [
  'verifyPeer',
  'rejectUnauthorized',
  'ca',
  'caPath',
  'cert',
  'key',
  'certPath',
  'keyPath',
  'passphrase',
  'certificatePins',
  'publicKeyPins',
  'ciphers',
] as const satisfies readonly (keyof ConnectOptions)[];

interface RecentProfile {
  /** Values of {@link PROFILE_OPTIONS}, compared by identity. */
  readonly key: readonly unknown[];
  readonly madeAt: number;
  readonly profile: Promise<number>;
}

function isProfileOf(key: readonly unknown[], given: ConnectOptions, options: ResolvedConnectionOptions): boolean {
  for (let index = 0; index < PROFILE_OPTIONS.length; index++) {
    const name = PROFILE_OPTIONS[index];
    if (name !== undefined && key[index] !== given[name]) return false;
  }
  return key[PROFILE_OPTIONS.length] === options.enableEarlyData;
}

/** What the dialer asks of its endpoint. */
export interface DialerHost {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly keyLog: boolean;
  /** @throws QuicError `ERR_QUIC_ENDPOINT_CLOSED`, `ERR_QUIC_TOO_MANY_CONNECTIONS` */
  assertRoom(): void;
  /** The socket to dial from: the endpoint's own, or a new one connected to the remote. */
  socketTo(remote: SocketAddress, own: boolean): Promise<UdpSocket>;
  /** A socket of an attempt that came to nothing before a connection was made of it. */
  discard(socket: UdpSocket): void;
  mtuBoundTowards(remote: SocketAddress, options: ResolvedConnectionOptions): number;
  adoptDialled(dialled: Omit<ConnectionInit, 'id' | 'isClient'>): QuicConnection;
}

export class Dialer {
  readonly #host: DialerHost;
  /** Engine profiles by the hash of their content. */
  readonly #profiles = new Map<string, number>();
  /** Made a moment ago: many connections in a row read their files once. */
  #recent: RecentProfile[] = [];
  readonly #settings = new AttemptSettings();
  /** The address that worked last for a name; a return visit with early data goes there at once. */
  readonly #lastAddress = new Map<string, SocketAddress>();

  constructor(host: DialerHost) {
    this.#host = host;
  }

  async connect(
    host: string,
    port: number,
    given: ConnectOptions,
    options: ResolvedConnectionOptions,
  ): Promise<QuicConnection> {
    checkInteger('port', port, 1, 65_535);
    checkAlpn(given.alpn);
    given.signal?.throwIfAborted();
    this.#host.assertRoom();
    const profile = await this.#profile(given, options);
    const addresses = await this.#resolve(host, port, given);
    given.signal?.throwIfAborted();
    this.#host.assertRoom();
    const plan: Plan = { host, port, given, options, profile };
    return addresses.length === 1 ? this.#alone(plan, addresses) : this.#race(plan, addresses);
  }

  // TLS.

  async #profile(given: ConnectOptions, options: ResolvedConnectionOptions): Promise<number> {
    const now = this.#host.clock.now();
    // The oldest come first.
    while (this.#recent[0] && now - this.#recent[0].madeAt >= PROFILE_LIFETIME) this.#recent.shift();
    for (const entry of this.#recent) if (isProfileOf(entry.key, given, options)) return entry.profile;
    const key: unknown[] = PROFILE_OPTIONS.map((name) => given[name]);
    key.push(options.enableEarlyData);
    const entry = { key, madeAt: now, profile: this.#makeProfile(given, options) };
    // What cannot be loaded is tried anew by the next attempt: the files may be there by then.
    entry.profile.catch(() => (this.#recent = this.#recent.filter((other) => other !== entry)));
    this.#recent.push(entry);
    return entry.profile;
  }

  async #makeProfile(given: ConnectOptions, options: ResolvedConnectionOptions): Promise<number> {
    const verifyPeer = given.verifyPeer ?? given.rejectUnauthorized ?? true;
    const material = await loadTlsMaterial(given, { identity: false, trust: verifyPeer });
    const [identity] = material.identities;
    const profile: ClientProfile = {
      ca: material.ca ?? null,
      verifyPeer,
      certificatePins: material.certificatePins,
      publicKeyPins: material.publicKeyPins,
      certificate: identity?.certificate ?? null,
      key: identity?.key ?? null,
      ciphers: given.ciphers ?? [],
      enableEarlyData: options.enableEarlyData,
      enableSni: true,
      keyLog: this.#host.keyLog,
    };
    const hash = createHash('sha256').update(JSON.stringify(profile)).digest('hex');
    let id = this.#profiles.get(hash);
    if (id === undefined) {
      try {
        id = this.#host.engine.addProfile(profile);
      } catch (error) {
        throw fromRefusal(error);
      }
      this.#profiles.set(hash, id);
    }
    return id;
  }

  // Names.

  async #resolve(host: string, port: number, given: ConnectOptions): Promise<SocketAddress[]> {
    const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
    const literal = socketAddress(bare, port);
    if (literal) return [literal];
    let found;
    try {
      found = await lookup(bare, { all: true, family: given.family ?? 0 });
    } catch (cause) {
      throw new QuicError(
        'ERR_QUIC_HOST_NOT_FOUND',
        `Cannot connect to ${host}:${port}: the name does not resolve (${(cause as NodeJS.ErrnoException).code ?? 'unknown'}). Check its spelling and the DNS`,
        { cause },
      );
    }
    const addresses = found.flatMap(({ address }) => socketAddress(address, port) ?? []);
    const ordered = interleave(addresses);
    const last = this.#lastAddress.get(`${host}:${port}`);
    if (!last) return ordered;
    return [
      ...ordered.filter((address) => address.address === last.address),
      ...ordered.filter((address) => address.address !== last.address),
    ];
  }

  // Attempts.

  async #alone(plan: Plan, addresses: readonly SocketAddress[]): Promise<QuicConnection> {
    const [address] = addresses;
    if (!address) throw new QuicError('ERR_QUIC_HOST_NOT_FOUND', `Cannot connect to ${plan.host}: it has no address`);
    const connection = await this.#attempt(plan, address);
    await this.#wait(plan, connection);
    return connection;
  }

  /** Until the handshake is complete, or early data can be sent. */
  async #wait(plan: Plan, connection: QuicConnection): Promise<void> {
    const { signal } = plan.given;
    const onAbort = (): void => connection.destroy();
    if (signal?.aborted) onAbort();
    signal?.throwIfAborted();
    if (connection.earlyData === 'pending') return;
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await connection.ready;
      this.#remember(`${plan.host}:${plan.port}`, connection.remoteAddress);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #remember(name: string, address: SocketAddress): void {
    this.#lastAddress.delete(name);
    this.#lastAddress.set(name, address);
    for (const oldest of this.#lastAddress.keys()) {
      if (this.#lastAddress.size <= REMEMBERED_NAMES) return;
      this.#lastAddress.delete(oldest);
    }
  }

  async #attempt(plan: Plan, address: SocketAddress): Promise<QuicConnection> {
    const { given, options } = plan;
    const socket = await this.#host.socketTo(address, given.ownSocket === true);
    // @rfc 9114#3.1-1 @rfc 9114#3.1-2 whom the certificate must name: without that the handshake fails, and nothing is asked
    // @rfc 9114#3.2-1 @rfc 9114#3.2-2 names go out as SNI
    const servername =
      given.servername ??
      plan.host
        .replace(/^\[|\]$/g, '')
        .replace(/%.*$/, '')
        .replace(/\.$/, '');
    const bound = this.#host.mtuBoundTowards(address, options);
    try {
      // Binding takes a turn of the event loop, in which the endpoint may close and the caller change their mind.
      this.#host.assertRoom();
      given.signal?.throwIfAborted();
      const settings = this.#settings.of({
        profile: plan.profile,
        serverName: servername,
        port: plan.port,
        address,
        alpn: given.alpn,
        resumption: given.resumption !== false,
        options,
        mtuBound: bound,
        receiveBuffer: socket.receiveBufferBytes,
      });
      const handle = this.#host.engine.connect(this.#host.clock.now(), settings);
      return this.#host.adoptDialled({
        handle,
        remote: address,
        remoteName: remoteName(plan, address),
        // An IP address is no server name (RFC 6066 3).
        serverName: isIP(servername) === 0 ? servername : undefined,
        options,
        socket,
      });
    } catch (error) {
      this.#host.discard(socket);
      throw fromRefusal(error);
    }
  }

  /** Happy Eyeballs: one address after the other, each with a head start; the first complete handshake wins. */
  #race(plan: Plan, addresses: readonly SocketAddress[]): Promise<QuicConnection> {
    const { clock } = this.#host;
    const waiting = [...addresses];
    const running = new Set<QuicConnection>();
    const errors: unknown[] = [];
    let settled = false;
    return new Promise((resolve, reject) => {
      const next = (): void => {
        const address = waiting.shift();
        if (settled || !address) return;
        const headStart = clock.setTimer(ATTEMPT_DELAY, next);
        const lose = (error: unknown): void => {
          errors.push(error);
          headStart.cancel();
          if (settled) return;
          if (plan.given.signal?.aborted) {
            settled = true;
            reject(plan.given.signal.reason);
          } else if (waiting.length > 0) next();
          else if (errors.length === addresses.length) {
            settled = true;
            reject(raceError(plan, errors));
          }
        };
        this.#attempt(plan, address).then((connection) => {
          running.add(connection);
          if (settled) connection.destroy();
          this.#wait(plan, connection).then(
            () => {
              headStart.cancel();
              if (settled) return;
              settled = true;
              for (const other of running) if (other !== connection) other.destroy();
              resolve(connection);
            },
            (error: unknown) => {
              running.delete(connection);
              lose(error);
            },
          );
        }, lose);
      };
      next();
    });
  }
}

interface Plan {
  readonly host: string;
  readonly port: number;
  readonly given: ConnectOptions;
  readonly options: ResolvedConnectionOptions;
  readonly profile: number;
}

function remoteName(plan: Plan, address: SocketAddress): string {
  const host = isIP(plan.host) === 6 ? `[${plan.host}]` : plan.host;
  return plan.host === address.address ? `${host}:${plan.port}` : `${host}:${plan.port} (${address.address})`;
}

/** Families in turns, in the order of the resolver (RFC 8305 4). */
function interleave(addresses: readonly SocketAddress[]): SocketAddress[] {
  const [first] = addresses;
  const same = addresses.filter(({ family }) => family === first?.family);
  const other = addresses.filter(({ family }) => family !== first?.family);
  const ordered: SocketAddress[] = [];
  for (let index = 0; index < Math.max(same.length, other.length); index++) {
    ordered.push(...same.slice(index, index + 1), ...other.slice(index, index + 1));
  }
  return ordered;
}

/** When all addresses fail, an error that says more than "no answer" goes first. */
function raceError(plan: Plan, errors: readonly unknown[]): unknown {
  const telling = errors.find((error) => QuicError.isQuicError(error) && error.code !== 'ERR_QUIC_CONNECTION_TIMEOUT');
  if (telling !== undefined) return telling;
  return errors[0] ?? noAnswer({ remote: `${plan.host}:${plan.port}` });
}
