/** Streams of the remote, and the receiving halves of requests: from QUIC into the core, and its events to whoever they are for. */

import type { QuicStreamLike } from '../quic/types/connection.js';
import type { ConnectionState, Unsorted } from './connection-state.js';
import type { CoreOutput } from './core-output.js';
import { H3, type Http3Error, type Http3Event } from './core/index.js';
import { fromTransport } from './errors.js';
import { type RawStreamGate, newGate, sortStream } from './raw-streams.js';
import type { Http3Stream } from './stream.js';

/** What one read takes from QUIC, in bytes. */
const READ_BYTES = 256 * 1024;

export class StreamInput {
  readonly #state: ConnectionState;
  readonly #output: CoreOutput;
  readonly #handle: (event: Http3Event) => void;
  /** Events are being told, or streams read. */
  #busy = false;
  /** Streams whose receivers have asked for more meanwhile; those before `#next` are done. */
  readonly #toRead: Http3Stream[] = [];
  #next = 0;

  /** @param handle takes each event of the core */
  constructor(state: ConnectionState, output: CoreOutput, handle: (event: Http3Event) => void) {
    this.#state = state;
    this.#output = output;
    this.#handle = handle;
  }

  /** The remote has opened a stream. */
  opened(quic: QuicStreamLike): void {
    const entry: Unsorted = { quic, reading: false, unread: false, since: 0 };
    this.#state.unsorted.set(quic.id, entry);
    if (quic.id % 4 === 0) {
      this.#state.sending.set(quic.id, quic);
      this.watchSending(quic);
      if (this.#state.options.enableRawStreams === true) {
        const gate = newGate();
        quic.onReadable = () => this.#sort(entry, gate);
        return;
      }
    }
    quic.onReadable = () => this.readable(entry);
  }

  /** Learns when the sending half of a stream ends, with or without its FIN. */
  watchSending(quic: QuicStreamLike): void {
    const { sending } = this.#state;
    quic.onSent = (error) => {
      sending.delete(quic.id);
      if (error) this.#sendingEnded(quic.id, error);
    };
  }

  /** Looks at a bidirectional stream's first value only, so that a raw stream is handed on with all that follows. */
  #sort(entry: Unsorted, gate: RawStreamGate): void {
    if (entry.unread) return;
    try {
      const found = sortStream(entry.quic, gate);
      if (found === undefined) return;
      entry.quic.onReadable = () => this.readable(entry);
      if (found.raw) {
        this.#state.unsorted.delete(entry.quic.id);
        entry.unread = true;
        entry.quic.onReadable = undefined;
        this.#rawStream(entry.quic);
        return;
      }
      if (found.fin) entry.unread = true;
      this.#feed(entry.quic.id, found.bytes, found.fin);
      this.readable(entry);
    } catch (error) {
      this.#readFailed(entry.quic.id, error);
    }
  }

  #rawStream(quic: QuicStreamLike): void {
    const { rawStream } = this.#state.hooks;
    if (rawStream) {
      rawStream(quic);
      return;
    }
    quic.stopSending(H3.H3_STREAM_CREATION_ERROR);
    quic.reset(H3.H3_STREAM_CREATION_ERROR);
  }

  /** QUIC has something for a stream that was no request stream when last looked at. */
  readable(entry: Unsorted): void {
    const { streams, unsorted, core } = this.#state;
    const { id } = entry.quic;
    const stream = streams.get(id);
    if (stream) {
      this.read(stream);
      return;
    }
    this.#readUnsorted(entry);
    const became = streams.get(id);
    // A request that is all there may still wait for the QPACK encoder stream; the rest is over once it is read no more.
    const mayBegin = id % 4 === 0 && (core.isBlocked(id) || this.#busy);
    if (entry.unread && !mayBegin) unsorted.delete(id);
    if (became && entry.unread) became.unread = true;
    if (became) this.read(became);
  }

  /**
   * Reads a request stream as far as its receiver wants. While events are being told, it waits: a receiver that asks for more in the
   * middle of them would get what is new before the rest of what is old.
   */
  read(stream: Http3Stream): void {
    if (stream.reading) return;
    if (stream.unread) {
      this.#endWithConnection(stream);
      return;
    }
    if (this.#busy) {
      if (stream.toRead) return;
      stream.toRead = true;
      this.#toRead.push(stream);
      return;
    }
    this.#busy = true;
    try {
      this.#readStream(stream);
      this.#readWanted();
    } finally {
      this.#busy = false;
    }
  }

  /** Reads the streams whose receivers have asked for more meanwhile. Streams that are added during it are visited too. */
  #readWanted(): void {
    if (this.#toRead.length === 0) return;
    try {
      while (this.#next < this.#toRead.length) {
        const stream = this.#toRead[this.#next++];
        if (stream === undefined) break;
        stream.toRead = false;
        this.#readStream(stream);
      }
    } finally {
      this.#toRead.splice(0, this.#next);
      this.#next = 0;
    }
  }

  #readStream(stream: Http3Stream): void {
    this.#readLoop(stream, stream.quic, stream);
    if (stream.unread) this.#endWithConnection(stream);
  }

  /** Once the connection has ended, a message that has not come whole never will, although its stream was read to the end. */
  #endWithConnection(stream: Http3Stream): void {
    if (this.#state.error && !stream.receiveOver) this.abort(stream, this.#state.error);
  }

  /** Reads what may become a request stream, or is of another kind. */
  #readUnsorted(entry: Unsorted): void {
    const outermost = !this.#busy;
    this.#busy = true;
    try {
      this.#readLoop(entry, entry.quic, undefined);
      if (outermost) this.#readWanted();
    } finally {
      if (outermost) this.#busy = false;
    }
  }

  /** @param stream what is read; undefined: reads until it has become a request stream */
  #readLoop(
    reader: { reading: boolean; unread: boolean },
    quic: QuicStreamLike,
    stream: Http3Stream | undefined,
  ): void {
    if (reader.reading || reader.unread) return;
    reader.reading = true;
    try {
      while (!reader.unread && this.#isWanted(quic.id, stream)) {
        const bytes = quic.tryReceive(READ_BYTES);
        if (bytes === undefined) break;
        const fin = bytes.length === 0 || quic.receiveState === 'finished';
        if (fin) reader.unread = true;
        this.#feed(quic.id, bytes, fin);
      }
    } catch (error) {
      reader.unread = true;
      this.#readFailed(quic.id, error);
    } finally {
      reader.reading = false;
    }
  }

  #isWanted(streamId: number, stream: Http3Stream | undefined): boolean {
    if (stream === undefined ? this.#state.streams.has(streamId) : !stream.flowing) return false;
    return !this.#state.core.isBlocked(streamId);
  }

  /**
   * Server: cancels request streams whose header section has not come for so many looks.
   *
   * @param look the number of this look, from 1
   */
  expireHeaders(look: number, patience: number): void {
    const { unsorted, core } = this.#state;
    for (const entry of unsorted.values()) {
      if (entry.quic.id % 4 !== 0) continue;
      if (entry.since === 0) entry.since = look;
      if (look - entry.since <= patience) continue;
      unsorted.delete(entry.quic.id);
      entry.unread = true;
      core.reset(entry.quic.id, H3.H3_REQUEST_CANCELLED);
      core.stopSending(entry.quic.id, H3.H3_REQUEST_CANCELLED);
      this.#output.perform();
      entry.quic.reset(H3.H3_REQUEST_CANCELLED);
      entry.quic.stopSending(H3.H3_REQUEST_CANCELLED);
    }
  }

  #feed(streamId: number, bytes: Uint8Array, fin: boolean): void {
    this.#happened(this.#state.core.receive(streamId, bytes, fin));
  }

  #readFailed(streamId: number, error: unknown): void {
    const { streams, unsorted, core } = this.#state;
    const failure = this.#state.error ?? fromTransport(error, `Stream ${streamId} ended`);
    if (!this.#state.error && isReset(error)) {
      // The other half may have to be reset: until then the stream stays known.
      this.#happened(core.receiveReset(streamId, failure.errorCode ?? 0));
    } else {
      const stream = streams.get(streamId);
      if (stream) this.abort(stream, failure);
    }
    unsorted.delete(streamId);
  }

  /** Ends a request for a reason that the core does not know of. */
  abort(stream: Http3Stream, error: Http3Error): void {
    stream.unread = true;
    stream.handle({ kind: 'aborted', streamId: stream.id, error });
    stream.connectionLost(error);
    this.#state.streams.delete(stream.id);
  }

  /** A sending half ended without its FIN: the remote stopped it, or the connection is gone, or this side reset it. */
  #sendingEnded(streamId: number, error: unknown): void {
    if (this.#state.error || !isStopped(error)) return;
    this.#happened(this.#state.core.receiveStopSending(streamId, fromTransport(error, '').errorCode ?? 0));
  }

  /** A QUIC datagram has come. */
  datagram(bytes: Uint8Array): void {
    if (!this.#state.error) this.#happened(this.#state.core.receiveDatagram(bytes));
  }

  /** Does what the core wants done, then tells of what happened. */
  #happened(events: readonly Http3Event[]): void {
    this.#output.perform();
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
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as { code?: string }).code : undefined;
}

const isReset = (error: unknown): boolean => codeOf(error) === 'ERR_QUIC_STREAM_RESET';
const isStopped = (error: unknown): boolean => codeOf(error) === 'ERR_QUIC_STREAM_STOPPED';
