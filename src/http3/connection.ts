/**
 * An HTTP/3 connection: the one place where the state machine of `core/`, QUIC streams and promises meet. Bytes in -> events ->
 * application -> bytes out; nothing is read from QUIC that the application has not asked for.
 */

import type { QuicConnectionLike, QuicOpenOptionsLike, QuicStreamLike } from '../quic/types/connection.js';
import {
  type FieldLine,
  H3,
  Http3Core,
  type Http3CoreInterface,
  type Http3CoreOptions,
  Http3Error,
  type Http3Event,
  type Http3Output,
  type PeerSettings,
  type Priority,
  type RememberedSettings,
  type RequestHead,
} from './core/index.js';
import { fromTransport } from './errors.js';
import { CRITICAL_PRIORITY, streamPriority } from './priority.js';
import { type RawStreamGate, newGate, sortStream } from './raw-streams.js';
import { Http3Stream, type Http3StreamHost } from './stream.js';

/** What one read takes from QUIC, in bytes. */
const READ_BYTES = 64 * 1024;
/** Bytes of control and QPACK streams that may wait for the remote to read; more means that it does not. */
const MAX_CRITICAL_BACKLOG = 1024 * 1024;

/** What an {@link Http3Connection} tells of; what is absent is not accepted, or ignored. */
export interface Http3ConnectionHooks {
  /** Server: a request. Without it, requests are rejected. */
  readonly request?: ((stream: Http3Stream, priority: Priority) => void) | undefined;
  /** The remote opened a raw stream beside requests (docs/extensions.md). */
  readonly rawStream?: ((stream: QuicStreamLike) => void) | undefined;
  /** A stream of an extension that the options name; `bytes` follow its type. */
  readonly extensionStream?:
    | ((stream: QuicStreamLike, type: number, bytes: Uint8Array, fin: boolean) => void)
    | undefined;
  /** The remote's SETTINGS have come. */
  readonly settings?: ((settings: PeerSettings) => void) | undefined;
  /** The remote takes no new requests. */
  readonly goingAway?: (() => void) | undefined;
}

/** A stream of the remote that is no request stream, or not known to be one yet. */
interface Unsorted {
  readonly quic: QuicStreamLike;
  reading: boolean;
  unread: boolean;
  /** The look at which whoever watches saw it first; 0: not yet. */
  since: number;
}

/** One HTTP/3 connection (RFC 9114) over a QUIC connection whose ALPN is `h3`. */
export class Http3Connection {
  readonly quic: QuicConnectionLike;
  readonly #options: Omit<Http3CoreOptions, 'role' | 'rememberedSettings'>;
  readonly #hooks: Http3ConnectionHooks;
  readonly #knowsSettings: boolean;
  #core: Http3CoreInterface;
  readonly #host: Http3StreamHost;
  readonly #streams = new Map<number, Http3Stream>();
  readonly #unsorted = new Map<number, Unsorted>();
  readonly #own = new Map<number, QuicStreamLike>();
  readonly #drained: (() => void)[] = [];
  #settings: Deferred<PeerSettings> | undefined;
  /** Events are being told, or streams read. */
  #busy = false;
  readonly #toRead = new Set<Http3Stream>();
  #criticalBacklog = 0;
  #error: Http3Error | undefined;
  #started: Promise<void> | undefined;
  /** Requests ever begun, by either side. */
  totalRequests = 0;

  constructor(
    quic: QuicConnectionLike,
    options: Omit<Http3CoreOptions, 'role'> = {},
    hooks: Http3ConnectionHooks = {},
  ) {
    const { rememberedSettings, ...rest } = options;
    this.quic = quic;
    this.#options = rest;
    this.#hooks = hooks;
    this.#host = this.#makeHost();
    this.#knowsSettings = rememberedSettings !== undefined;
    this.#core = this.#makeCore(quic.earlyData === 'pending' ? rememberedSettings : undefined);
    void quic.closed.then(({ error }) => this.#lost(fromTransport(error, 'The HTTP/3 connection ended')));
  }

  #makeCore(rememberedSettings?: RememberedSettings): Http3CoreInterface {
    const role = this.quic.isClient ? 'client' : 'server';
    return new Http3Core({ ...this.#options, role, rememberedSettings });
  }

  // What it is.

  /** The remote's settings as they are to be kept to now. */
  get peerSettings(): PeerSettings {
    return this.#core.peerSettings;
  }

  /** The remote's settings, once they have come. */
  get receivedSettings(): Promise<PeerSettings> {
    if (this.#error) return Promise.reject(this.#error);
    if (this.#core.peerSettings.received) return Promise.resolve(this.#core.peerSettings);
    this.#settings ??= deferred<PeerSettings>();
    return this.#settings.promise;
  }

  /** Client: what to remember beside a session ticket for early data. */
  get rememberedSettings(): RememberedSettings | undefined {
    return this.#core.rememberedSettings;
  }

  /** Whether a new request may be opened. */
  get acceptsRequests(): boolean {
    return this.#error === undefined && this.#core.acceptsRequests;
  }

  /** Requests of which a half is still open. */
  get openRequests(): number {
    return this.#core.openRequests;
  }

  /** Open request streams, in the order of their beginning. */
  get streams(): ReadonlyMap<number, Http3Stream> {
    return this.#streams;
  }

  /** Smoothed round-trip time in milliseconds. */
  get rttMs(): number {
    return this.quic.stats().rttMs;
  }

  /** Why the connection has ended, once it has. */
  get error(): Http3Error | undefined {
    return this.#error;
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
      this.quic.on('stream', (stream) => this.#incoming(stream));
      if (this.#options.enableDatagrams === true) this.quic.on('datagram', (bytes) => this.#datagram(bytes));
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
      this.#own.set(stream.id, stream);
      stream.acknowledged.catch((error: unknown) => this.#sendingEnded(stream.id, error));
    }
    this.#core.start({ control: control.id, qpackEncoder: encoder.id, qpackDecoder: decoder.id });
    this.#drain();
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
    for (const stream of [...this.#streams.values()]) this.#abort(stream, error);
    this.#streams.clear();
    this.#unsorted.clear();
    this.#own.clear();
    this.#core = this.#makeCore();
    this.#started = this.#openCritical();
    await this.#started;
  }

  // Streams of the remote.

  #incoming(quic: QuicStreamLike): void {
    const entry: Unsorted = { quic, reading: false, unread: false, since: 0 };
    this.#unsorted.set(quic.id, entry);
    const isRequest = quic.id % 4 === 0;
    if (isRequest) {
      quic.acknowledged.catch((error: unknown) => this.#sendingEnded(quic.id, error));
      if (this.#options.enableRawStreams === true) {
        const gate = newGate();
        quic.onReadable = () => this.#sort(entry, gate);
        return;
      }
    }
    quic.onReadable = () => this.#readable(entry);
  }

  /** Looks at a bidirectional stream's first value only, so that a raw stream is handed on with all that follows. */
  #sort(entry: Unsorted, gate: RawStreamGate): void {
    if (entry.unread) return;
    try {
      const found = sortStream(entry.quic, gate);
      if (found === undefined) return;
      entry.quic.onReadable = () => this.#readable(entry);
      if (found.raw) {
        this.#unsorted.delete(entry.quic.id);
        entry.unread = true;
        entry.quic.onReadable = undefined;
        if (this.#hooks.rawStream) this.#hooks.rawStream(entry.quic);
        else {
          entry.quic.stopSending(H3.H3_STREAM_CREATION_ERROR);
          entry.quic.reset(H3.H3_STREAM_CREATION_ERROR);
        }
        return;
      }
      this.#feed(entry.quic.id, found.bytes, found.fin);
      if (!found.fin) this.#readable(entry);
    } catch (error) {
      this.#readFailed(entry.quic.id, error);
    }
  }

  /** QUIC has something for a stream that is not a request stream yet. */
  #readable(entry: Unsorted): void {
    const stream = this.#streams.get(entry.quic.id);
    if (stream) {
      this.#read(stream);
      return;
    }
    this.#readUnsorted(entry);
    const became = this.#streams.get(entry.quic.id);
    // A request that is all there may still wait for the QPACK encoder stream; other streams are over with their FIN.
    if (entry.unread && entry.quic.id % 4 !== 0) this.#unsorted.delete(entry.quic.id);
    if (became && entry.unread) became.unread = true;
    else if (became) this.#read(became);
  }

  /**
   * Reads a request stream as far as its receiver wants. While events are being told, it waits: a receiver that asks for more in the
   * middle of them would get what is new before the rest of what is old.
   */
  #read(stream: Http3Stream): void {
    if (stream.reading || stream.unread) return;
    this.#toRead.add(stream);
    if (this.#busy) return;
    this.#busy = true;
    try {
      this.#readWanted();
    } finally {
      this.#busy = false;
    }
  }

  /** Reads the streams whose receivers have asked for more meanwhile. Streams that are added during it are visited too. */
  #readWanted(): void {
    for (const stream of this.#toRead) {
      this.#toRead.delete(stream);
      this.#readLoop(stream, stream.quic, () => stream.flowing);
    }
  }

  /** Reads what may become a request stream, or is of another kind. */
  #readUnsorted(entry: Unsorted): void {
    const outermost = !this.#busy;
    this.#busy = true;
    try {
      this.#readLoop(entry, entry.quic, () => !this.#streams.has(entry.quic.id));
      if (outermost) this.#readWanted();
    } finally {
      if (outermost) this.#busy = false;
    }
  }

  #readLoop(state: { reading: boolean; unread: boolean }, quic: QuicStreamLike, wanted: () => boolean): void {
    if (state.reading || state.unread) return;
    state.reading = true;
    try {
      while (!state.unread && wanted() && !this.#core.isBlocked(quic.id)) {
        const bytes = quic.tryReceive(READ_BYTES);
        if (bytes === undefined) break;
        const fin = bytes.length === 0 || quic.receiveState === 'finished';
        if (fin) state.unread = true;
        this.#feed(quic.id, bytes, fin);
      }
    } catch (error) {
      state.unread = true;
      this.#readFailed(quic.id, error);
    } finally {
      state.reading = false;
    }
  }

  /**
   * Server: cancels request streams whose header section has not come for so many looks.
   *
   * @param look the number of this look, from 1
   */
  expireHeaders(look: number, patience: number): void {
    for (const entry of [...this.#unsorted.values()]) {
      if (entry.quic.id % 4 !== 0) continue;
      if (entry.since === 0) entry.since = look;
      if (look - entry.since <= patience) continue;
      this.#unsorted.delete(entry.quic.id);
      entry.unread = true;
      this.#core.reset(entry.quic.id, H3.H3_REQUEST_CANCELLED);
      this.#core.stopSending(entry.quic.id, H3.H3_REQUEST_CANCELLED);
      this.#drain();
      entry.quic.reset(H3.H3_REQUEST_CANCELLED);
      entry.quic.stopSending(H3.H3_REQUEST_CANCELLED);
    }
  }

  #feed(streamId: number, bytes: Uint8Array, fin: boolean): void {
    const events = this.#core.receive(streamId, bytes, fin);
    this.#drain();
    this.#dispatch(events);
  }

  #readFailed(streamId: number, error: unknown): void {
    this.#unsorted.delete(streamId);
    if (this.#error) {
      const stream = this.#streams.get(streamId);
      if (stream) this.#abort(stream, this.#error);
      return;
    }
    const failure = fromTransport(error, `Stream ${streamId} ended`);
    if (isReset(error)) {
      const events = this.#core.receiveReset(streamId, failure.errorCode ?? 0);
      this.#drain();
      this.#dispatch(events);
      return;
    }
    const stream = this.#streams.get(streamId);
    if (stream) this.#abort(stream, failure);
  }

  #abort(stream: Http3Stream, error: Http3Error): void {
    stream.unread = true;
    stream.handle({ kind: 'aborted', streamId: stream.id, error });
    stream.connectionLost(error);
    this.#forget(stream);
  }

  /** A sending half ended without its FIN: the remote stopped it, or the connection is gone, or this side reset it. */
  #sendingEnded(streamId: number, error: unknown): void {
    if (this.#error || !isStopped(error)) return;
    const events = this.#core.receiveStopSending(streamId, fromTransport(error, '').errorCode ?? 0);
    this.#drain();
    this.#dispatch(events);
  }

  #datagram(bytes: Uint8Array): void {
    if (this.#error) return;
    const events = this.#core.receiveDatagram(bytes);
    this.#drain();
    this.#dispatch(events);
  }

  // Events and outputs of the core.

  #dispatch(events: readonly Http3Event[]): void {
    if (events.length === 0) return;
    const outermost = !this.#busy;
    this.#busy = true;
    try {
      for (const event of events) this.#handle(event);
      if (outermost) this.#readWanted();
    } finally {
      if (outermost) this.#busy = false;
    }
  }

  #handle(event: Http3Event): void {
    switch (event.kind) {
      case 'request':
        this.#request(event);
        return;
      case 'informational':
      case 'response':
      case 'data':
      case 'trailers':
      case 'end':
      case 'aborted': {
        const stream = this.#streams.get(event.streamId);
        if (event.kind === 'aborted') this.#unsorted.delete(event.streamId);
        if (!stream) return;
        if (event.kind === 'aborted') stream.unread = true;
        stream.handle(event);
        this.#forgetIfOver(stream);
        return;
      }
      case 'stopped': {
        const stream = this.#streams.get(event.streamId);
        stream?.stopped(event.error);
        if (stream) this.#forgetIfOver(stream);
        return;
      }
      case 'unblocked': {
        const stream = this.#streams.get(event.streamId);
        const unsorted = this.#unsorted.get(event.streamId);
        if (stream) this.#read(stream);
        else if (unsorted) this.#readable(unsorted);
        return;
      }
      case 'priority': {
        const stream = this.#streams.get(event.streamId);
        if (!stream || stream.sendOver) return;
        stream.quic.setPriority(streamPriority(event.priority, event.streamId));
        stream.onPriority?.(event.priority);
        return;
      }
      case 'datagram':
        this.#streams.get(event.streamId)?.onDatagram?.(event.bytes);
        return;
      case 'extensionStream':
        this.#extensionStream(event.streamId, event.type, event.bytes, event.fin);
        return;
      case 'settings':
        this.#settings?.resolve(event.settings);
        this.#hooks.settings?.(event.settings);
        return;
      case 'goaway':
        this.#hooks.goingAway?.();
        return;
      case 'failed':
        this.#lost(event.error);
        return;
    }
  }

  #request(event: Extract<Http3Event, { kind: 'request' }>): void {
    const entry = this.#unsorted.get(event.streamId);
    if (!entry) return;
    this.#unsorted.delete(event.streamId);
    this.totalRequests++;
    const stream = new Http3Stream(this.#host, entry.quic, event.head, event.fields, event.contentLength);
    stream.unread = entry.unread;
    this.#streams.set(event.streamId, stream);
    entry.quic.setPriority(streamPriority(event.priority, event.streamId));
    if (this.#hooks.request) this.#hooks.request(stream, event.priority);
    else stream.cancel(H3.H3_REQUEST_REJECTED);
  }

  #extensionStream(streamId: number, type: number, bytes: Uint8Array, fin: boolean): void {
    const entry = this.#unsorted.get(streamId);
    if (!entry) return;
    this.#unsorted.delete(streamId);
    entry.unread = true;
    entry.quic.onReadable = undefined;
    this.#hooks.extensionStream?.(entry.quic, type, bytes, fin);
  }

  /** Does what the core wants done on QUIC. */
  #drain(): void {
    for (const output of this.#core.take()) this.#perform(output);
    if (this.#drained.length > 0 && this.#core.drained) for (const resolve of this.#drained.splice(0)) resolve();
  }

  #perform(output: Http3Output): void {
    if (output.kind === 'close') {
      void this.quic.close({ code: output.errorCode, reason: output.reason, drainTimeout: 0 });
      return;
    }
    const own = this.#own.get(output.streamId);
    const quic = own ?? this.#streams.get(output.streamId)?.quic ?? this.#unsorted.get(output.streamId)?.quic;
    if (!quic) return;
    switch (output.kind) {
      case 'write':
        this.#write(quic, output.bytes, output.fin, own !== undefined);
        return;
      case 'reset':
        quic.reset(output.errorCode);
        return;
      case 'stopSending': {
        const entry = this.#streams.get(output.streamId) ?? this.#unsorted.get(output.streamId);
        if (entry) entry.unread = true;
        this.#unsorted.delete(output.streamId);
        quic.stopSending(output.errorCode);
        return;
      }
    }
  }

  #write(quic: QuicStreamLike, bytes: Uint8Array, fin: boolean, critical: boolean): void {
    try {
      const accepted = quic.trySend(bytes);
      const left = bytes.length - accepted;
      if (left > 0) {
        if (critical) this.#criticalBacklog += left;
        const written = (): void => {
          if (critical) this.#criticalBacklog -= left;
        };
        quic.send(bytes.subarray(accepted)).then(written, written);
        if (this.#criticalBacklog > MAX_CRITICAL_BACKLOG) {
          void this.quic.close({ code: H3.H3_EXCESSIVE_LOAD, reason: 'control streams are not read', drainTimeout: 0 });
        }
      }
      if (fin) quic.finish().catch(() => undefined);
    } catch {
      // The remote stopped the stream, or the connection is gone: either is told by an event of its own.
    }
  }

  #makeHost(): Http3StreamHost {
    return {
      isClient: this.quic.isClient,
      encodeHeaders: (streamId, fields, fin) => {
        this.#assertAlive();
        const bytes = this.#core.sendHeaders(streamId, fields, fin);
        this.#drain();
        return bytes;
      },
      encodeData: (streamId, length, fin) => {
        this.#assertAlive();
        const bytes = this.#core.sendData(streamId, length, fin);
        if (fin) this.#drain();
        return bytes;
      },
      reset: (streamId, errorCode) => {
        if (this.#error) return;
        this.#core.reset(streamId, errorCode);
        this.#drain();
      },
      stopSending: (streamId, errorCode) => {
        if (this.#error) return;
        this.#core.stopSending(streamId, errorCode);
        this.#drain();
      },
      read: (stream) => this.#read(stream),
      settle: (stream) => this.#forgetIfOver(stream),
    };
  }

  #forgetIfOver(stream: Http3Stream): void {
    if (stream.sendOver && stream.receiveOver) this.#forget(stream);
  }

  #forget(stream: Http3Stream): void {
    this.#streams.delete(stream.id);
  }

  #assertAlive(): void {
    if (this.#error) throw this.#error;
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
    await this.start();
    this.#assertAlive();
    if (!this.acceptsRequests) {
      throw new Http3Error('ERR_HTTP3_GOING_AWAY', 'The connection is being shut down; connect again');
    }
    const quic = await this.#openRequestStream(options.signal);
    let stream: Http3Stream | undefined;
    try {
      this.#core.openRequest(quic.id);
      stream = new Http3Stream(this.#host, quic, head);
      this.#streams.set(quic.id, stream);
      this.totalRequests++;
      if (options.priority) quic.setPriority(streamPriority(options.priority, quic.id));
      stream.sendHeaders(fields, fin);
    } catch (error) {
      // Nothing of the request has left: the server sees a stream that begins with its reset.
      if (stream) stream.cancel(H3.H3_REQUEST_CANCELLED);
      quic.reset(H3.H3_REQUEST_CANCELLED);
      quic.stopSending(H3.H3_REQUEST_CANCELLED);
      this.#streams.delete(quic.id);
      throw error;
    }
    quic.acknowledged.catch((error: unknown) => this.#sendingEnded(quic.id, error));
    const opened = stream;
    quic.onReadable = () => this.#read(opened);
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

  /** Client: changes the priority of a response (RFC 9218 section 7). */
  updatePriority(streamId: number, priority: Priority): void {
    this.#assertAlive();
    this.#core.sendPriorityUpdate(streamId, priority);
    this.#drain();
  }

  /** Sends an HTTP datagram of a request. @throws Http3Error `ERR_HTTP3_UNSUPPORTED`; QuicError of `sendDatagram` */
  sendDatagram(streamId: number, payload: Uint8Array): Promise<void> {
    try {
      this.#assertAlive();
      return this.quic.sendDatagram(this.#core.encodeDatagram(streamId, payload));
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
    this.#assertAlive();
    const header = this.#core.rawStreamHeader();
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
    if (this.#error) return;
    this.#core.goAway(step);
    this.#drain();
  }

  /** Resolves when no request is left after `goAway` of either side, or the connection has ended. */
  get drained(): Promise<void> {
    if (this.#error || this.#core.drained) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** Closes at once what is open. Graceful: `goAway`, then `drained`, then this. */
  async close(errorCode: number = H3.H3_NO_ERROR, reason = ''): Promise<void> {
    await this.quic.close({ code: errorCode, reason });
  }

  #lost(error: Http3Error): void {
    if (this.#error) return;
    this.#error = error;
    for (const stream of [...this.#streams.values()]) {
      stream.connectionLost(error);
      // What QUIC still holds can be read; whoever rests finds the end when it goes on.
      this.#read(stream);
    }
    this.#unsorted.clear();
    this.#settings?.reject(error);
    for (const resolve of this.#drained.splice(0)) resolve();
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

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as { code?: string }).code : undefined;
}

const isReset = (error: unknown): boolean => codeOf(error) === 'ERR_QUIC_STREAM_RESET';
const isStopped = (error: unknown): boolean => codeOf(error) === 'ERR_QUIC_STREAM_STOPPED';
