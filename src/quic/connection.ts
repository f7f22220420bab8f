/** A QUIC connection (RFC 9000 5). */

import { EventEmitter } from 'node:events';
import type { Engine } from '../engine/engine.js';
import { FAILURE } from '../engine/engine.js';
import { pathChange, streamOpen } from '../observe/channels.js';
import { handleEvent, type EventParts } from './connection-events.js';
import type { ConnectionHost } from './connection-host.js';
import { ConnectionFacts } from './connection-facts.js';
import { ConnectionLife, MAX_CODE, type LifeHost } from './connection-life.js';
import { DatagramQueue, type SendDatagramOptions } from './datagrams.js';
import { QuicError } from './errors.js';
import { checkInteger, type ResolvedConnectionOptions } from './options.js';
import { PathControl } from './path-control.js';
import type { PathStatus, QuicPath } from './paths.js';
import type { ConnectionStats, StatsRecord } from './stats.js';
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
import { StreamHost } from './stream-host.js';
import type { SocketAddress, UdpSocket } from './types/udp.js';

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
  readonly #streams: StreamTable;
  readonly #datagrams: DatagramQueue;
  readonly #paths: PathControl;
  readonly #life: ConnectionLife;
  readonly #facts: ConnectionFacts;

  readonly #parts: EventParts;

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
    this.#life = new ConnectionLife(host, init, this.#lifeHost());
    this.#facts = new ConnectionFacts(host.engine, init, this.#life);
    const { maxConcurrentStreams, streamTimeout } = init.options;
    const streamHost = new StreamHost({ ...init, engine: host.engine, streamTimeout }, host, this.#life);
    this.#streams = new StreamTable(streamHost, host.clock, maxConcurrentStreams, init.isClient, (stream) => {
      if (streamOpen.hasSubscribers) streamOpen.publish({ connection: this, stream });
    });
    this.#datagrams = new DatagramQueue(host.engine, init.handle, init.remoteName, () => host.wake());
    this.#paths = new PathControl(host, init, this.#life, (event) => {
      if (pathChange.hasSubscribers) pathChange.publish({ connection: this, event });
      this.emit('path', event);
    });
    this.#parts = this.#makeParts();
    // Delivery by event begins with the first listener; what has arrived before comes first.
    (this as EventEmitter).on('newListener', (name: string) => {
      if (name === 'stream')
        queueMicrotask(() => (this.#streams.onStream = (stream) => void this.emit('stream', stream)));
      if (name === 'datagram')
        queueMicrotask(() => (this.#datagrams.onDatagram = (bytes) => void this.emit('datagram', bytes)));
    });
  }

  #lifeHost(): LifeHost {
    return {
      unacknowledged: () => this.#streams.unacknowledged,
      established: () => this.#streams.serveOpeners(false),
      earlyDataRejected: (error) => this.#streams.rejectEarly(error),
      ending: () => this.#facts.keep(),
      cutOff: (error) => {
        this.#streams.connectionClosed(error);
        this.#datagrams.connectionClosed(error);
      },
      ended: (info) => void this.emit('close', info),
    };
  }

  #makeParts(): EventParts {
    return {
      life: this.#life,
      streams: this.#streams,
      datagrams: this.#datagrams,
      paths: this.#paths,
      confirmed: () => {
        this.#life.confirmed.resolve();
        this.emit('handshakeConfirmed');
      },
      sessionTicket: () => {
        this.#life.resumable.resolve();
        this.emit('sessionTicket');
      },
      qlog: () => this.#host.writeQlog(this.#handle, this.#engine.takeQlog(this.#handle)),
    };
  }

  // What it is.

  /** Resolves when the handshake is complete; rejects when it fails. */
  get ready(): Promise<void> {
    return this.#life.ready.promise;
  }

  /**
   * Resolves when the first session ticket has come (client), a moment after the handshake where the server sends any:
   * the next connection can resume, and send early data. Rejects when the connection ends without one.
   */
  get resumable(): Promise<void> {
    return this.#life.resumable.promise;
  }

  /** Resolves when the connection has ended, however it did. */
  get closed(): Promise<CloseInfo> {
    return this.#life.closed.promise;
  }

  /** Whether the connection has ended or is ending. */
  get isClosed(): boolean {
    return this.#life.closeError !== undefined;
  }

  get handshaking(): boolean {
    return this.#life.handshaking;
  }

  get earlyData(): EarlyData {
    return this.#life.earlyData;
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
    return this.#facts.details;
  }

  /** @internal `details.alpn`, for less. */
  get alpn(): string | undefined {
    return this.#facts.alpn;
  }

  /** Certificates of the remote in DER, end-entity first; empty when it showed none. */
  get peerCertificates(): readonly Uint8Array[] {
    return this.#facts.peerCertificates;
  }

  /** What the engine has counted and measured; the last values once the connection has ended. */
  stats(): ConnectionStats {
    return this.#facts.stats(this.#streams);
  }

  /**
   * Keying material that only the two ends know (RFC 8446 7.5).
   *
   * @param length bytes wanted, 1 to 8160
   * @throws QuicError `ERR_QUIC_INVALID_STATE` before the handshake is complete
   */
  exportKeyingMaterial(length: number, label: string, context: Uint8Array = new Uint8Array(0)): Uint8Array {
    return this.#facts.exportKeyingMaterial(length, label, context);
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

  /**
   * Opens a stream if that is possible at once: `undefined` during the handshake, and while the limits allow no further one.
   *
   * @throws QuicError why the connection ended
   */
  tryOpenBidirectionalStream(): QuicStream | undefined {
    if (this.isClient && this.#life.handshaking && !this.#life.isEarly) return undefined;
    return this.#streams.openNow(false, this.#life.isEarly);
  }

  async #open(unidirectional: boolean, options: OpenStreamOptions): Promise<QuicStream> {
    if (this.isClient && this.#life.handshaking && !this.#life.isEarly) await this.ready;
    return this.#streams.open(unidirectional, this.#life.isEarly, options);
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
    this.#life.assertOpen('change limits');
    this.#engine.setMaxStreams(this.#handle, kind === 'unidirectional', count);
    this.#host.wake();
  }

  // Datagrams.

  /** Largest QUIC datagram that can be sent now; 0 when the remote takes none. Grows as the path MTU is found. */
  get maxDatagramSize(): number {
    return this.#life.closeError ? 0 : this.#datagrams.maxSize;
  }

  /**
   * Sends a QUIC datagram (RFC 9221): unreliable, unordered, in one packet. When more wait than `datagramSendBuffer`
   * holds, the oldest are dropped, or with `wait` this resolves when there is room.
   *
   * @throws QuicError `ERR_QUIC_DATAGRAM_TOO_LARGE`, `ERR_QUIC_DATAGRAMS_UNSUPPORTED`, or why the connection ended
   */
  async sendDatagram(bytes: Uint8Array, options: SendDatagramOptions = {}): Promise<void> {
    if (this.#life.handshaking && !this.#life.isEarly) await this.ready;
    this.#life.assertOpen('send a datagram');
    return this.#datagrams.send(bytes, options);
  }

  /** The next QUIC datagram; `undefined` once the connection has ended. */
  receiveDatagram(options: WaitOptions = {}): Promise<Uint8Array | undefined> {
    return this.#datagrams.receive(options.signal);
  }

  // Keys, liveness.

  /** Has the remote acknowledge something, which also tells NATs that the connection lives. */
  ping(): void {
    this.#life.assertOpen('ping');
    this.#engine.ping(this.#handle);
    this.#host.wake();
  }

  /**
   * Updates the keys (RFC 9001 6), as soon as that is allowed: once the handshake is confirmed, and the remote has
   * acknowledged something under the present keys. Until then the wish is kept; calls meanwhile change nothing.
   * `stats().keyUpdates` tells of it.
   *
   * @throws QuicError `ERR_QUIC_INVALID_STATE` before the handshake is complete
   */
  updateKeys(): void {
    this.#life.assertOpen('update keys');
    if (this.#engine.updateKeys(this.#handle) === FAILURE.illegalState) {
      throw new QuicError(
        'ERR_QUIC_INVALID_STATE',
        `Cannot update keys: the handshake with ${this.#remoteName} is not complete`,
      );
    }
    this.#host.wake();
  }

  // Paths.

  /** The paths there are; one without multipath. */
  paths(): QuicPath[] {
    return this.#life.closeError ? [] : this.#paths.list();
  }

  /**
   * Moves a client's connection to another local address or port (RFC 9000 9.2); streams go on. Waits until the
   * handshake is confirmed. Resolves when the new socket is bound and the move has begun; the `path` event and the
   * traffic tell that it worked.
   *
   * @throws QuicError `ERR_QUIC_MIGRATION` for a server or before the handshake is complete; binding errors
   */
  migrate(options: MigrateOptions = {}): Promise<void> {
    return this.#paths.migrate(options);
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
  openPath(options: OpenPathOptions = {}): Promise<number> {
    return this.#paths.open(options, () => this.details.multipath);
  }

  /** Closes a path (multipath). @throws QuicError `ERR_QUIC_MULTIPATH_UNSUPPORTED`, `ERR_QUIC_PATH` */
  closePath(pathId: number, code = 0): void {
    this.#paths.close(pathId, code);
  }

  /** Uses a path for data, or keeps it as a backup (multipath). @throws QuicError as {@link closePath} */
  setPathStatus(pathId: number, status: PathStatus): void {
    this.#paths.setStatus(pathId, status);
  }

  // The end.

  /**
   * Closes gracefully: lets what was sent leave, waits until what finished streams have sent is acknowledged and, on a client, the
   * handshake is confirmed (at most `drainTimeout`), then sends CONNECTION_CLOSE. Streams that are not finished are cut off. Closing twice is no error.
   */
  close(options: CloseOptions = {}): Promise<void> {
    return this.#life.close(options);
  }

  /** Closes at once; pending operations fail with `error`. */
  destroy(error?: QuicError, code = 0): void {
    checkInteger('the error code', code, 0, MAX_CODE);
    this.#life.closeNow(code, '', error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal What the engine had counted at the end; streams that were opened. */
  get lastCounts(): { readonly record: StatsRecord | undefined; readonly streams: number } {
    return { record: this.#facts.lastRecord, streams: this.#streams.total };
  }

  /** @internal The handshake took longer than `connectionTimeout`. */
  handshakeTimedOut(): void {
    this.#life.handshakeTimedOut();
  }

  /** @internal The engine crashed, or the endpoint has no socket any more. */
  fail(error: QuicError): void {
    this.#life.fail(error);
  }

  /** @internal An event of the engine; see `EventKind` in engine/src/abi.rs. */
  handleEvent(kind: number, a: number, b: number, c: number, d: number): void {
    handleEvent(this.#parts, kind, a, b, c, d);
  }
}
