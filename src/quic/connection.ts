/** A QUIC connection (RFC 9000 5). */

import { EventEmitter } from 'node:events';
import type { Engine } from '../engine/engine.js';
import { FAILURE } from '../engine/engine.js';
import { EVENT } from '../engine/layout.js';
import { pathChange, streamOpen } from '../observe/channels.js';
import type { ConnectionHost } from './connection-host.js';
import { closeError, noAnswer } from './close-reason.js';
import { DatagramQueue, type SendDatagramOptions } from './datagrams.js';
import { QuicError } from './errors.js';
import { checkInteger, type ResolvedConnectionOptions } from './options.js';
import { PathControl } from './path-control.js';
import type { PathStatus, QuicPath } from './paths.js';
import { readStats, type ConnectionStats } from './stats.js';
import type { QuicStream, WaitOptions } from './stream.js';
import { StreamTable, type OpenStreamOptions } from './streams.js';
import type {
  CloseInfo,
  CloseOptions,
  ConnectionInit,
  EarlyData,
  HandshakeDetails,
  MigrateOptions,
  OpenPathOptions,
  QuicConnectionEvents,
} from './connection-types.js';
import type { StreamHost } from './stream-host.js';
import type { SocketAddress, UdpSocket } from './types/udp.js';
import { Waiter } from './waiter.js';

const MAX_CODE = Number.MAX_SAFE_INTEGER;
const DRAIN_TIMEOUT = 5000;
const DRAIN_LOOK = 10;

/** A connection. Made by `QuicEndpoint.connect`, or handed to the handler of `QuicEndpoint.listen`. */
export class QuicConnection extends EventEmitter<QuicConnectionEvents> implements AsyncDisposable {
  /** Names the connection within this process. */
  readonly id: string;
  readonly isClient: boolean;
  readonly options: ResolvedConnectionOptions;
  readonly #host: ConnectionHost;
  readonly #engine: Engine;
  readonly #handle: number;
  readonly #remoteName: string;
  readonly #serverName: string | undefined;
  readonly #streams: StreamTable;
  readonly #datagrams: DatagramQueue;
  readonly #ready = new Waiter<void>();
  readonly #confirmed = new Waiter<void>();
  readonly #closed = new Waiter<CloseInfo>();
  readonly #paths: PathControl;
  #earlyData: EarlyData = 'none';
  #handshaking = true;
  #closeError: QuicError | undefined;
  #details: HandshakeDetails | undefined;
  #certificates: readonly Uint8Array[] | undefined;
  #finalStats: ConnectionStats | undefined;

  /** Connections are made by endpoints. */
  constructor(host: ConnectionHost, init: ConnectionInit) {
    super();
    this.id = init.id;
    this.isClient = init.isClient;
    this.options = init.options;
    this.#host = host;
    this.#engine = host.engine;
    this.#handle = init.handle;
    this.#remoteName = init.remoteName;
    this.#serverName = init.serverName;
    const { maxConcurrentStreams } = init.options;
    this.#streams = new StreamTable(this.#streamHost(), host.clock, maxConcurrentStreams, init.isClient, (stream) => {
      if (streamOpen.hasSubscribers) streamOpen.publish({ connection: this, stream });
    });
    this.#datagrams = new DatagramQueue(host.engine, init.handle, init.remoteName, () => host.wake());
    this.#paths = new PathControl(host, init, (event) => {
      if (pathChange.hasSubscribers) pathChange.publish({ connection: this, event });
      this.emit('path', event);
    });
    this.#ready.promise.catch(() => undefined);
    this.#confirmed.promise.catch(() => undefined);
    if (init.isClient && host.engine.hasEarlyData(init.handle)) this.#earlyData = 'pending';
    // Delivery by event begins with the first listener; what has arrived before comes first.
    (this as EventEmitter).on('newListener', (name: string) => {
      if (name === 'stream')
        queueMicrotask(() => (this.#streams.onStream = (stream) => void this.emit('stream', stream)));
      if (name === 'datagram')
        queueMicrotask(() => (this.#datagrams.onDatagram = (bytes) => void this.emit('datagram', bytes)));
    });
  }

  #streamHost(): StreamHost {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- the getters below look at the connection as it is then
    const connection = this;
    return {
      id: this.id,
      engine: this.#engine,
      handle: this.#handle,
      remoteName: this.#remoteName,
      streamTimeout: this.options.streamTimeout,
      get closeError(): QuicError | undefined {
        return connection.#closeError;
      },
      wake: () => this.#host.wake(),
      halfEnded: (id) => this.#streams.halfEnded(id, this.#isEarly),
      watch: (id) => this.#streams.watch(id),
    };
  }

  // What it is.

  /** Resolves when the handshake is complete; rejects when it fails. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Resolves when the connection has ended, however it did. */
  get closed(): Promise<CloseInfo> {
    return this.#closed.promise;
  }

  /** Whether the connection has ended or is ending. */
  get isClosed(): boolean {
    return this.#closeError !== undefined;
  }

  get handshaking(): boolean {
    return this.#handshaking;
  }

  get earlyData(): EarlyData {
    return this.#earlyData;
  }

  get #isEarly(): boolean {
    return this.#handshaking && this.#earlyData === 'pending';
  }

  /** Address of the remote; changes when the remote migrates. */
  get remoteAddress(): SocketAddress {
    return this.#paths.remote;
  }

  /** Address of the socket that the connection sends from. */
  get localAddress(): SocketAddress {
    return this.#paths.socket.local;
  }

  /** What the handshake has settled so far. */
  get details(): HandshakeDetails {
    if (this.#details) return this.#details;
    const info = this.#closeError && this.#engine.crash ? undefined : this.#engine.info(this.#handle);
    const details = {
      alpn: info?.alpn ?? undefined,
      serverName: this.#serverName ?? info?.serverName ?? undefined,
      cipher: info?.cipher ?? undefined,
      keyExchange: info?.keyExchange ?? undefined,
      resumed: info?.resumed ?? false,
      multipath: info?.multipath ?? false,
    };
    if (!this.#handshaking) this.#details = details;
    return details;
  }

  /** Certificates of the remote in DER, end-entity first; empty when it showed none. */
  get peerCertificates(): readonly Uint8Array[] {
    if (this.#certificates) return this.#certificates;
    const chain = this.#engine.crash ? [] : this.#engine.peerCertificates(this.#handle);
    if (!this.#handshaking) this.#certificates = chain;
    return chain;
  }

  /** What the engine has counted and measured; the last values once the connection has ended. */
  stats(): ConnectionStats {
    const streams = { totalStreams: this.#streams.total, activeStreams: this.#streams.active };
    const stats = this.#engine.crash ? undefined : readStats(this.#engine, this.#handle);
    if (stats) this.#finalStats = { ...stats, ...streams };
    if (this.#finalStats) return { ...this.#finalStats, ...streams };
    throw this.#closeError ?? new QuicError('ERR_QUIC_CONNECTION_CLOSED', 'The connection has ended before it began');
  }

  /**
   * Keying material that only the two ends know (RFC 8446 7.5).
   *
   * @param length bytes wanted, 1 to 8160
   * @throws QuicError `ERR_QUIC_INVALID_STATE` before the handshake is complete
   */
  exportKeyingMaterial(length: number, label: string, context: Uint8Array = new Uint8Array(0)): Uint8Array {
    checkInteger('length', length, 1, 8160);
    this.#assertOpen('export keying material');
    const material = this.#engine.exportKeyingMaterial(this.#handle, length, label, context);
    if (material) return material;
    throw new QuicError(
      'ERR_QUIC_INVALID_STATE',
      `Cannot export keying material: the handshake with ${this.#remoteName} is not complete`,
    );
  }

  // Streams.

  /** @throws QuicError `ERR_QUIC_STREAM_LIMIT`, `ERR_QUIC_STREAM_TIMEOUT`, or why the connection ended */
  openBidirectionalStream(options: OpenStreamOptions = {}): Promise<QuicStream> {
    return this.#open(false, options);
  }

  /** @throws QuicError as {@link openBidirectionalStream} */
  openUnidirectionalStream(options: OpenStreamOptions = {}): Promise<QuicStream> {
    return this.#open(true, options);
  }

  async #open(unidirectional: boolean, options: OpenStreamOptions): Promise<QuicStream> {
    if (this.#handshaking && this.#earlyData !== 'pending' && this.isClient) await this.ready;
    return this.#streams.open(unidirectional, this.#isEarly, options);
  }

  /** Streams, of either side, that have not ended. */
  get activeStreams(): number {
    return this.#streams.active;
  }

  /** The next stream that the remote opened; `undefined` once the connection has ended. */
  acceptStream(options: WaitOptions = {}): Promise<QuicStream | undefined> {
    return this.#streams.accept(options.signal);
  }

  /** Streams that the remote opens, until the connection ends. */
  async *incomingStreams(): AsyncGenerator<QuicStream, void, undefined> {
    for (let stream = await this.acceptStream(); stream; stream = await this.acceptStream()) yield stream;
  }

  /** Changes how many streams of each kind the remote may have open. */
  setMaxConcurrentStreams(kind: 'bidirectional' | 'unidirectional', count: number): void {
    checkInteger('the number of streams', count, 0, 1_000_000);
    this.#assertOpen('change limits');
    this.#engine.setMaxStreams(this.#handle, kind === 'unidirectional', count);
    this.#host.wake();
  }

  // Datagrams.

  /** Largest QUIC datagram that can be sent now; 0 when the remote takes none. Grows as the path MTU is found. */
  get maxDatagramSize(): number {
    return this.#closeError ? 0 : this.#datagrams.maxSize;
  }

  /**
   * Sends a QUIC datagram (RFC 9221): unreliable, unordered, in one packet. When more wait than `datagramSendBuffer`
   * holds, the oldest are dropped, or with `wait` this resolves when there is room.
   *
   * @throws QuicError `ERR_QUIC_DATAGRAM_TOO_LARGE`, `ERR_QUIC_DATAGRAMS_UNSUPPORTED`, or why the connection ended
   */
  async sendDatagram(bytes: Uint8Array, options: SendDatagramOptions = {}): Promise<void> {
    if (this.#handshaking && this.#earlyData !== 'pending') await this.ready;
    this.#assertOpen('send a datagram');
    return this.#datagrams.send(bytes, options);
  }

  /** The next QUIC datagram; `undefined` once the connection has ended. */
  receiveDatagram(options: WaitOptions = {}): Promise<Uint8Array | undefined> {
    return this.#datagrams.receive(options.signal);
  }

  // Keys, liveness.

  /** Has the remote acknowledge something, which also tells NATs that the connection lives. */
  ping(): void {
    this.#assertOpen('ping');
    this.#engine.ping(this.#handle);
    this.#host.wake();
  }

  /** Starts a key update (RFC 9001 6). @throws QuicError `ERR_QUIC_INVALID_STATE` before the handshake is complete */
  updateKeys(): void {
    this.#assertOpen('update keys');
    if (this.#engine.updateKeys(this.#handle) === FAILURE.illegalState) {
      throw new QuicError(
        'ERR_QUIC_INVALID_STATE',
        `Cannot update keys: the handshake with ${this.#remoteName} is not complete`,
      );
    }
    this.#engine.ping(this.#handle);
    this.#host.wake();
  }

  // Paths.

  /** The paths there are; one without multipath. */
  paths(): QuicPath[] {
    return this.#closeError ? [] : this.#paths.list();
  }

  /**
   * Moves a client's connection to another local address or port (RFC 9000 9.2); streams go on. Waits until the
   * handshake is confirmed. Resolves when the new socket is bound and the move has begun; the `path` event and the
   * traffic tell that it worked.
   *
   * @throws QuicError `ERR_QUIC_MIGRATION` for a server or before the handshake is complete; binding errors
   */
  async migrate(options: MigrateOptions = {}): Promise<void> {
    this.#assertMigratable();
    // RFC 9000 9 forbids it earlier: a server that still waits for our Finished drops what comes from elsewhere.
    await this.#confirmed.promise;
    const socket = await this.#host.bindFor(this.#handle, options);
    if (this.#closeError) this.#host.released(this.#handle, socket);
    this.#assertMigratable();
    this.moveTo(socket);
  }

  #assertMigratable(): void {
    this.#assertOpen('migrate');
    if (this.isClient && !this.#handshaking) return;
    const why = this.isClient ? 'the handshake is not complete' : 'only the client migrates (RFC 9000 9)';
    throw new QuicError('ERR_QUIC_MIGRATION', `Cannot migrate the connection with ${this.#remoteName}: ${why}`);
  }

  /** @internal Goes on over another socket. */
  moveTo(socket: UdpSocket): void {
    this.#paths.moveTo(socket);
  }

  /** @internal The socket that the connection sends from. */
  get socket(): UdpSocket {
    return this.#paths.socket;
  }

  /**
   * Opens a further path from a socket of its own (multipath, client). Resolves to its ID; the `path` event
   * `established` tells when it carries data.
   *
   * @throws QuicError `ERR_QUIC_MULTIPATH_UNSUPPORTED`, `ERR_QUIC_PATH`, binding errors
   */
  async openPath(options: OpenPathOptions = {}): Promise<number> {
    this.#assertOpen('open a path');
    return this.#paths.open(options, this.details.multipath);
  }

  /** Closes a path (multipath). @throws QuicError `ERR_QUIC_MULTIPATH_UNSUPPORTED`, `ERR_QUIC_PATH` */
  closePath(pathId: number, code = 0): void {
    checkInteger('the error code', code, 0, MAX_CODE);
    this.#assertOpen('close a path');
    this.#paths.close(pathId, code);
  }

  /** Uses a path for data, or keeps it as a backup (multipath). @throws QuicError as {@link closePath} */
  setPathStatus(pathId: number, status: PathStatus): void {
    this.#assertOpen('change a path');
    this.#paths.setStatus(pathId, status);
  }

  // The end.

  /**
   * Closes gracefully: waits until what finished streams have sent is acknowledged and, on a client, the handshake is
   * confirmed (at most `drainTimeout`), then sends CONNECTION_CLOSE. Streams that are not finished are cut off. Closing twice is no error.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    const { code = 0, reason = '', drainTimeout = DRAIN_TIMEOUT } = options;
    checkInteger('the error code', code, 0, MAX_CODE);
    const { clock } = this.#host;
    const end = clock.now() + drainTimeout;
    while (!this.#closeError && this.#streams.unacknowledged && clock.now() < end) {
      await new Promise<void>((resolve) => void clock.setTimer(DRAIN_LOOK, resolve));
    }
    if (this.isClient && !this.#handshaking) await this.#confirmation(end - clock.now());
    this.#closeNow(code, reason, undefined);
    await this.closed;
  }

  /**
   * Until the handshake is confirmed, at most so many milliseconds. Before, a server may not have the client's Finished
   * yet: then the close fails its handshake, and brings neither code nor reason (RFC 9000 10.2.3).
   */
  #confirmation(timeout: number): Promise<void> {
    if (timeout <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#host.clock.setTimer(timeout, resolve);
      const over = (): void => {
        timer.cancel();
        resolve();
      };
      this.#confirmed.promise.then(over, over);
    });
  }

  /** Closes at once; pending operations fail with `error`. */
  destroy(error?: QuicError, code = 0): void {
    this.#closeNow(code, '', error);
  }

  #closeNow(code: number, reason: string, error: QuicError | undefined): void {
    if (this.#closeError) return;
    if (!this.#engine.crash) this.#engine.close(this.#host.clock.now(), this.#handle, code, reason);
    const why = error ?? closeError({ kind: 'local' }, this.#context());
    this.#end({ errorCode: code, reason, remote: false, error: why });
    this.#host.wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #context(): { remote: string; handshaking: boolean; idleTimeout: number } {
    return { remote: this.#remoteName, handshaking: this.#handshaking, idleTimeout: this.options.idleTimeout };
  }

  #assertOpen(what: string): void {
    if (!this.#closeError) return;
    throw new QuicError('ERR_QUIC_CONNECTION_CLOSED', `Cannot ${what}: ${this.#closeError.message}`, {
      cause: this.#closeError,
    });
  }

  #end(info: CloseInfo): void {
    if (this.#closeError) return;
    try {
      this.stats();
      if (!this.#handshaking) void [this.details, this.peerCertificates];
    } catch {
      // The engine is gone; the last values stay.
    }
    this.#closeError = info.error;
    this.#streams.connectionClosed(info.error);
    this.#datagrams.connectionClosed(info.error);
    this.#ready.reject(info.error);
    this.#confirmed.reject(info.error);
    this.#host.ended(this.#handle, info);
    this.#closed.resolve(info);
    this.emit('close', info);
  }

  /** @internal The handshake took longer than `connectionTimeout`. */
  handshakeTimedOut(): void {
    if (this.#handshaking) this.#closeNow(0, '', noAnswer(this.#context(), this.options.connectionTimeout));
  }

  /** @internal The engine crashed, or the endpoint has no socket any more. */
  fail(error: QuicError): void {
    if (!this.#engine.crash && !this.#closeError) this.#engine.close(this.#host.clock.now(), this.#handle, 0, '');
    this.#end({ errorCode: error.errorCode ?? 0, reason: error.message, remote: false, error });
  }

  /** @internal An event of the engine; see `EventKind` in engine/src/abi.rs. */
  handleEvent(kind: number, a: number, b: number, c: number, d: number): void {
    switch (kind) {
      case EVENT.streamReadable:
        this.#streams.readable(wide(a, b));
        return;
      case EVENT.streamWritable:
        this.#streams.writable(wide(a, b));
        return;
      case EVENT.streamOpened:
        if (c === 1) this.#earlyStream();
        this.#streams.opened(wide(a, b), c === 1);
        return;
      case EVENT.streamFinished:
        this.#streams.acknowledged(wide(a, b));
        return;
      case EVENT.streamStopped:
        this.#streams.stopped(wide(a, b), wide(c, d));
        return;
      case EVENT.streamReset:
        this.#streams.resetByRemote(wide(a, b), wide(c, d));
        return;
      case EVENT.streamsAvailable:
        this.#streams.serveOpeners(this.#isEarly);
        return;
      case EVENT.datagramReceived:
        this.#datagrams.received();
        return;
      case EVENT.datagramsUnblocked:
        this.#datagrams.unblocked();
        return;
      default:
        this.#handleRareEvent(kind, a, b, c, d);
    }
  }

  #earlyStream(): void {
    if (this.isClient || !this.#handshaking) return;
    this.#earlyData = 'accepted';
    this.#host.established(this.#handle);
  }

  #handleRareEvent(kind: number, a: number, b: number, c: number, d: number): void {
    switch (kind) {
      case EVENT.connected:
        this.#connected((a & 2) !== 0);
        return;
      case EVENT.closed:
        this.#lost();
        return;
      case EVENT.handshakeConfirmed:
        this.#confirmed.resolve();
        this.emit('handshakeConfirmed');
        return;
      case EVENT.sessionTicket:
        this.emit('sessionTicket');
        return;
      case EVENT.qlog:
        this.#host.writeQlog(this.#handle, this.#engine.takeQlog(this.#handle));
        return;
      default:
        this.#paths.handleEvent(kind, a, b, wide(c, d));
    }
  }

  #connected(earlyAccepted: boolean): void {
    const wasPending = this.#earlyData === 'pending';
    this.#handshaking = false;
    if (wasPending) {
      this.#earlyData = earlyAccepted ? 'accepted' : 'rejected';
      if (!earlyAccepted) {
        this.#streams.rejectEarly(
          new QuicError(
            'ERR_QUIC_EARLY_DATA_REJECTED',
            `${this.#remoteName} rejected early data: what this stream sent was not delivered. Open a new stream and send it again`,
            { remote: true },
          ),
        );
      }
    }
    this.#ready.resolve();
    this.#host.established(this.#handle);
    this.#streams.serveOpeners(false);
  }

  #lost(): void {
    const reason = this.#engine.closeReason(this.#handle);
    const error = closeError(reason, this.#context());
    const text = 'reason' in reason ? reason.reason : error.message;
    this.#end({ errorCode: error.errorCode ?? 0, reason: text, remote: error.remote, error });
  }
}

/** A 62-bit number of two words; exact up to 2^53. */
function wide(low: number, high: number): number {
  return low + high * 2 ** 32;
}
