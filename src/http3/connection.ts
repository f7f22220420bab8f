/**
 * An HTTP/3 connection: the one place where the state machine of `core/`, QUIC streams and promises meet. Bytes in -> events ->
 * application -> bytes out; nothing is read from QUIC that the application has not asked for. What comes in is the matter of
 * `stream-input.ts`, what goes out beside requests that of `core-output.ts`.
 */

import type { QuicConnectionLike, QuicOpenOptionsLike, QuicStreamLike } from '../quic/types/connection.js';
import { ConnectionState, type Http3ConnectionHooks } from './connection-state.js';
import { CoreOutput } from './core-output.js';
import {
  type FieldLine,
  H3,
  type Http3CoreOptions,
  Http3Error,
  type PeerSettings,
  type Priority,
  type RememberedSettings,
  type RequestHead,
} from './core/index.js';
import { fromTransport } from './errors.js';
import { EventRouter } from './event-router.js';
import { CRITICAL_PRIORITY, streamPriority } from './priority.js';
import { StreamHost } from './stream-host.js';
import { StreamInput } from './stream-input.js';
import { Http3Stream, type Http3StreamHost } from './stream.js';

export type { Http3ConnectionHooks } from './connection-state.js';

/** One HTTP/3 connection (RFC 9114) over a QUIC connection whose ALPN is `h3`. */
export class Http3Connection {
  readonly quic: QuicConnectionLike;
  readonly #state: ConnectionState;
  readonly #output: CoreOutput;
  readonly #input: StreamInput;
  readonly #host: Http3StreamHost;
  readonly #router: EventRouter;
  readonly #knowsSettings: boolean;
  #settings: Deferred<PeerSettings> | undefined;
  #started: Promise<void> | undefined;
  /** Whether what `start` does is done. */
  #isReady = false;

  constructor(
    quic: QuicConnectionLike,
    options: Omit<Http3CoreOptions, 'role'> = {},
    hooks: Http3ConnectionHooks = {},
  ) {
    const { rememberedSettings, ...rest } = options;
    this.quic = quic;
    this.#knowsSettings = rememberedSettings !== undefined;
    this.#state = new ConnectionState(quic, rest, hooks, quic.earlyData === 'pending' ? rememberedSettings : undefined);
    this.#output = new CoreOutput(this.#state);
    this.#input = new StreamInput(this.#state, this.#output, (event) => this.#router.handle(event));
    this.#host = new StreamHost(this.#state, this.#output, this.#input);
    this.#router = new EventRouter(this.#state, this.#input, this.#host, {
      settings: (settings) => this.#settings?.resolve(settings),
      failed: (error) => this.#lost(error),
    });
    void quic.closed.then(({ error }) => this.#lost(fromTransport(error, 'The HTTP/3 connection ended')));
  }

  // What it is.

  /** The remote's settings as they are to be kept to now. */
  get peerSettings(): PeerSettings {
    return this.#state.core.peerSettings;
  }

  /** The remote's settings, once they have come. */
  get receivedSettings(): Promise<PeerSettings> {
    if (this.#state.error) return Promise.reject(this.#state.error);
    if (this.#state.core.peerSettings.received) return Promise.resolve(this.#state.core.peerSettings);
    this.#settings ??= deferred<PeerSettings>();
    return this.#settings.promise;
  }

  /** Client: what to remember beside a session ticket for early data. */
  get rememberedSettings(): RememberedSettings | undefined {
    return this.#state.core.rememberedSettings;
  }

  /** Whether a new request may be opened. */
  get acceptsRequests(): boolean {
    return this.#state.error === undefined && this.#state.core.acceptsRequests;
  }

  /** Requests of which a half is still open. */
  get openRequests(): number {
    return this.#state.core.openRequests;
  }

  /** Requests ever begun, by either side. */
  get totalRequests(): number {
    return this.#state.totalRequests;
  }

  /** Open request streams, in the order of their beginning. */
  get streams(): Http3Stream[] {
    return this.#state.streams.values().sort((a, b) => a.id - b.id);
  }

  /** Smoothed round-trip time in milliseconds. */
  get rttMs(): number {
    return this.quic.stats().rttMs;
  }

  /** Why the connection has ended, once it has. */
  get error(): Http3Error | undefined {
    return this.#state.error;
  }

  // Its beginning.

  /**
   * Opens the control and QPACK streams and sends SETTINGS. Requests do it when needed.
   *
   * @throws Http3Error when the connection ends before
   */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  async #start(): Promise<void> {
    try {
      // Without the settings of the last time nothing may be sent early.
      if (this.quic.isClient && !this.#knowsSettings) await this.quic.ready;
      const isEarly = this.quic.isClient && this.quic.earlyData === 'pending';
      await this.#openCritical();
      this.#isReady = true;
      this.quic.on('stream', (stream) => this.#input.opened(stream));
      if (this.#state.options.enableDatagrams === true)
        this.quic.on('datagram', (bytes) => this.#input.datagram(bytes));
      if (isEarly) void this.quic.ready.then(() => this.#afterEarlyData()).catch(() => undefined);
    } catch (error) {
      throw fromTransport(error, 'HTTP/3 could not begin');
    }
  }

  async #openCritical(): Promise<void> {
    const options = { waitForCredit: true, priority: CRITICAL_PRIORITY };
    const [control, encoder, decoder] = await Promise.all([
      this.quic.openUnidirectionalStream(options),
      this.quic.openUnidirectionalStream(options),
      this.quic.openUnidirectionalStream(options),
    ]);
    for (const stream of [control, encoder, decoder]) {
      this.#state.own.set(stream.id, stream);
      this.#input.watchSending(stream);
    }
    this.#state.core.start({ control: control.id, qpackEncoder: encoder.id, qpackDecoder: decoder.id });
    this.#output.perform();
  }

  /** The handshake is complete: if the server has not taken the early data, everything begins anew. */
  async #afterEarlyData(): Promise<void> {
    if (this.quic.earlyData !== 'rejected') return;
    const error = new Http3Error(
      'ERR_HTTP3_REQUEST_REJECTED',
      'The server rejected early data: send the request again',
      {
        remote: true,
      },
    );
    for (const stream of this.#state.streams.values()) this.#input.abort(stream, error);
    this.#isReady = false;
    this.#state.beginAnew();
    this.#started = this.#openCritical();
    await this.#started;
    this.#isReady = true;
  }

  /**
   * Server: cancels request streams whose header section has not come for so many looks.
   *
   * @param look the number of this look, from 1
   */
  expireHeaders(look: number, patience: number): void {
    this.#input.expireHeaders(look, patience);
  }

  // Requests of this side.

  /**
   * Client: sends the head of a request. Waits for stream credit where the server gives none at the moment.
   *
   * @param fields pseudo-header fields first, names in lower case
   * @param fin whether the request has neither content nor trailers
   * @throws Http3Error `ERR_HTTP3_GOING_AWAY`, `ERR_HTTP3_CLOSED`, and as `Http3Stream.sendHeaders`; AbortSignal's reason
   */
  async request(
    head: RequestHead,
    fields: readonly FieldLine[],
    fin: boolean,
    options: { readonly priority?: Priority | undefined; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Http3Stream> {
    if (!this.#isReady) await this.start();
    this.#state.assertAlive();
    if (!this.acceptsRequests) {
      throw new Http3Error('ERR_HTTP3_GOING_AWAY', 'The connection is being shut down; connect again');
    }
    const quic = await this.#openRequestStream(options.signal);
    let stream: Http3Stream | undefined;
    try {
      this.#state.core.openRequest(quic.id);
      stream = new Http3Stream(this.#host, quic, head);
      this.#state.streams.set(quic.id, stream);
      this.#state.totalRequests++;
      if (options.priority) quic.setPriority(streamPriority(options.priority, quic.id));
      stream.sendHeaders(fields, fin);
    } catch (error) {
      // Nothing of the request has left: the server sees a stream that begins with its reset.
      if (stream) stream.cancel(H3.H3_REQUEST_CANCELLED);
      quic.reset(H3.H3_REQUEST_CANCELLED);
      quic.stopSending(H3.H3_REQUEST_CANCELLED);
      this.#state.streams.delete(quic.id);
      throw error;
    }
    this.#input.watchSending(quic);
    const opened = stream;
    quic.onReadable = () => this.#input.read(opened);
    return opened;
  }

  async #openRequestStream(signal: AbortSignal | undefined): Promise<QuicStreamLike> {
    try {
      return await this.quic.openBidirectionalStream({ waitForCredit: true, signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw fromTransport(error, 'The request cannot be sent');
    }
  }

  updatePriority(streamId: number, priority: Priority): void {
    this.#state.assertAlive();
    this.#state.core.sendPriorityUpdate(streamId, priority);
    this.#output.perform();
  }

  /** Sends an HTTP datagram of a request. @throws Http3Error `ERR_HTTP3_UNSUPPORTED`; QuicError of `sendDatagram` */
  sendDatagram(streamId: number, payload: Uint8Array): Promise<void> {
    try {
      this.#state.assertAlive();
      return this.quic.sendDatagram(this.#state.core.encodeDatagram(streamId, payload));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Opens a raw stream beside requests (docs/extensions.md).
   *
   * @throws Http3Error `ERR_HTTP3_UNSUPPORTED` when the remote has not announced that it takes them
   */
  async openRawStream(options: QuicOpenOptionsLike = {}): Promise<QuicStreamLike> {
    await this.start();
    await this.receivedSettings;
    this.#state.assertAlive();
    const header = this.#state.core.rawStreamHeader();
    const quic = await this.quic.openBidirectionalStream(options);
    await quic.send(header);
    return quic;
  }

  // The end.

  /**
   * Tells the remote that no new requests are taken (GOAWAY). A server says it in two steps: `announce` at first, `final` when
   * what is under way has come in.
   */
  goAway(step: 'announce' | 'final'): void {
    if (this.#state.error) return;
    this.#state.core.goAway(step);
    this.#output.perform();
  }

  /** Resolves when no request is left after `goAway` of either side, or the connection has ended. */
  get drained(): Promise<void> {
    return this.#output.drained;
  }

  /** Closes at once what is open. Graceful: `goAway`, then `drained`, then this. */
  async close(errorCode: number = H3.H3_NO_ERROR, reason = ''): Promise<void> {
    await this.quic.close({ code: errorCode, reason });
  }

  #lost(error: Http3Error): void {
    if (this.#state.error) return;
    this.#state.error = error;
    for (const stream of this.#state.streams.values()) {
      stream.connectionLost(error);
      // What QUIC still holds can be read; whoever rests finds the end when it goes on.
      this.#input.read(stream);
    }
    this.#state.unsorted.clear();
    this.#settings?.reject(error);
    this.#output.over();
  }
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: Http3Error): void;
}

function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: Http3Error) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
