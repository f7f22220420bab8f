/** The streams of one connection: opening within limits, accepting, routing of events, watching over standstill. */

import { FAILURE } from '../engine/engine.js';
import { streamClose } from '../observe/channels.js';
import { StreamIndex } from '../wire/index.js';
import { QuicError } from './errors.js';
import { unidirectionalLimit } from './options.js';
import { ReceiveHalf } from './receive-half.js';
import { SendHalf } from './send-half.js';
import type { StreamHost } from './stream-host.js';
import { isUnidirectional, QuicStream, type WaitOptions } from './stream.js';
import type { Clock, ClockTimer } from './types/udp.js';
import { Waiter } from './waiter.js';

/** Options of opening a stream. */
export interface OpenStreamOptions extends WaitOptions {
  /** Wait until the limits allow the stream, instead of failing at once. Default false. */
  readonly waitForCredit?: boolean | undefined;
  /** See {@link QuicStream.setPriority}. Default 0. */
  readonly priority?: number | undefined;
}

interface Opener {
  readonly waiter: Waiter<QuicStream>;
  readonly priority: number;
}

/**
 * Watching over standstill looks this often per `streamTimeout`, and gives up what it sees for one time more. Looks are
 * counted, not milliseconds: a process that was held up has not yet taken what came meanwhile.
 */
const LOOKS_PER_TIMEOUT = 4;

export class StreamTable {
  readonly #host: StreamHost;
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #isClient: boolean;
  readonly #announce: (stream: QuicStream) => void;
  readonly #streams = new StreamIndex<QuicStream>();
  /** Streams of this side that are open, and those waiting for their turn; bidirectional, unidirectional. */
  readonly #open: [number, number] = [0, 0];
  readonly #openers: [Opener[], Opener[]] = [[], []];
  readonly #arrived: QuicStream[] = [];
  #accepters: Waiter<QuicStream | undefined>[] = [];
  #onStream: ((stream: QuicStream) => void) | undefined;
  readonly #watched = new Set<number>();
  #watchTimer: ClockTimer | undefined;
  #looks = 0;
  /** Streams ever opened, by either side. */
  total = 0;

  /** @param announce gets every stream that either side opens, before anybody else has it */
  constructor(
    host: StreamHost,
    clock: Clock,
    limit: number,
    isClient: boolean,
    announce: (stream: QuicStream) => void,
  ) {
    this.#announce = announce;
    this.#host = host;
    host.keepBy(this);
    this.#clock = clock;
    this.#limit = limit;
    this.#isClient = isClient;
  }

  /** Streams with at least one half that has not ended. */
  get active(): number {
    return this.#streams.size;
  }

  /** Whether data and FINs are on their way that the remote has not acknowledged. */
  get unacknowledged(): boolean {
    for (const { sendHalf } of this.#streams.values()) if (sendHalf?.unacknowledged) return true;
    return false;
  }

  // Opening.

  open(unidirectional: boolean, early: boolean, options: OpenStreamOptions): Promise<QuicStream> {
    try {
      options.signal?.throwIfAborted();
      const { closeError } = this.#host;
      if (closeError) throw closeError;
      const openers = this.#openers[unidirectional ? 1 : 0];
      const stream = openers.length > 0 ? undefined : this.#tryOpen(unidirectional, early);
      if (stream) {
        if (options.priority !== undefined) stream.setPriority(options.priority);
        return Promise.resolve(stream);
      }
      if (options.waitForCredit !== true) throw this.#limitError(unidirectional);
      const waiter = new Waiter<QuicStream>(options.signal, () => {
        const index = openers.findIndex((opener) => opener.waiter === waiter);
        if (index >= 0) openers.splice(index, 1);
      });
      openers.push({ waiter, priority: options.priority ?? 0 });
      this.#startWatch();
      return waiter.promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** As {@link open} without waiting; `undefined` when the limits allow no stream now, or others wait for one. @throws QuicError */
  openNow(unidirectional: boolean, early: boolean): QuicStream | undefined {
    const { closeError } = this.#host;
    if (closeError) throw closeError;
    return this.#openers[unidirectional ? 1 : 0].length > 0 ? undefined : this.#tryOpen(unidirectional, early);
  }

  #tryOpen(unidirectional: boolean, early: boolean): QuicStream | undefined {
    if (this.#open[unidirectional ? 1 : 0] >= this.#limitOf(unidirectional)) return undefined;
    const id = this.#host.engine.openStream(this.#host.handle, unidirectional);
    if (id === FAILURE.blocked) return undefined;
    if (id < 0) {
      throw (
        this.#host.closeError ??
        new QuicError(
          'ERR_QUIC_CONNECTION_CLOSED',
          `Cannot open a stream: the connection with ${this.#host.remoteName} is closed`,
        )
      );
    }
    this.#open[unidirectional ? 1 : 0]++;
    // STREAMS_BLOCKED and the first packet of the stream leave with the next flush.
    this.#host.wake();
    return this.#make(id, false, early);
  }

  #make(id: number, incoming: boolean, early: boolean): QuicStream {
    const unidirectional = isUnidirectional(id);
    const receive = unidirectional && !incoming ? undefined : new ReceiveHalf(this.#host, id, incoming);
    const send = unidirectional && incoming ? undefined : new SendHalf(this.#host, id);
    const stream = new QuicStream(this.#host, id, receive, send, incoming, early);
    this.#streams.set(id, stream);
    this.total++;
    this.#announce(stream);
    return stream;
  }

  #limitOf(unidirectional: boolean): number {
    return unidirectional ? unidirectionalLimit(this.#limit) : this.#limit;
  }

  #limitError(unidirectional: boolean): QuicError {
    const kind = unidirectional ? 'unidirectional' : 'bidirectional';
    const open = this.#open[unidirectional ? 1 : 0];
    const whose =
      open >= this.#limitOf(unidirectional)
        ? `maxConcurrentStreams of this side is ${this.#limit}`
        : 'the remote allows no more at the moment';
    return new QuicError(
      'ERR_QUIC_STREAM_LIMIT',
      `Cannot open another ${kind} stream with ${this.#host.remoteName}: ${open} are open and ${whose}. Close some, pass waitForCredit: true to wait, or raise maxConcurrentStreams`,
    );
  }

  /** Credit grew, or a stream of this side ended: those who wait get their turn. */
  serveOpeners(early: boolean): void {
    for (const unidirectional of [false, true]) {
      const openers = this.#openers[unidirectional ? 1 : 0];
      while (openers.length > 0) {
        let stream: QuicStream | undefined;
        try {
          stream = this.#tryOpen(unidirectional, early);
        } catch {
          return;
        }
        if (!stream) break;
        const opener = openers.shift();
        if (opener && opener.priority !== 0) stream.setPriority(opener.priority);
        opener?.waiter.resolve(stream);
      }
    }
  }

  // Accepting.

  /** Takes over delivery of incoming streams; those that wait are delivered first. */
  set onStream(listener: ((stream: QuicStream) => void) | undefined) {
    this.#onStream = listener;
    while (this.#onStream && this.#arrived.length > 0) {
      const stream = this.#arrived.shift();
      if (stream) this.#onStream(stream);
    }
  }

  /** The next stream that the remote opened, or `undefined` once the connection has ended. */
  accept(signal?: AbortSignal): Promise<QuicStream | undefined> {
    try {
      const stream = this.#arrived.shift();
      if (stream) return Promise.resolve(stream);
      if (this.#host.closeError) return Promise.resolve(undefined);
      const waiter = new Waiter<QuicStream | undefined>(signal, () => {
        this.#accepters = this.#accepters.filter((other) => other !== waiter);
      });
      this.#accepters.push(waiter);
      return waiter.promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The remote opened a stream. */
  opened(id: number, early: boolean): void {
    const stream = this.#make(id, true, early);
    if (this.#onStream) {
      this.#onStream(stream);
      return;
    }
    const accepter = this.#accepters.shift();
    if (accepter) accepter.resolve(stream);
    // What waits here is bounded by the stream credit that the remote was given.
    else this.#arrived.push(stream);
  }

  // Events of the engine.

  readable(id: number): void {
    this.#streams.get(id)?.receiveHalf?.wakeUp();
  }

  resetByRemote(id: number, code: number): void {
    this.#streams.get(id)?.receiveHalf?.resetByRemote(code);
  }

  writable(id: number): void {
    this.#streams.get(id)?.sendHalf?.drain();
  }

  acknowledged(id: number): void {
    this.#streams.get(id)?.sendHalf?.allAcknowledged();
  }

  stopped(id: number, code: number): void {
    this.#streams.get(id)?.sendHalf?.stopped(code);
  }

  /** A half ended; forgets the stream when it was the second. */
  halfEnded(id: number, early: boolean): void {
    const stream = this.#streams.get(id);
    if (!stream || stream.receiveState === 'open') return;
    const { sendState } = stream;
    if (sendState === 'open' || sendState === 'finishing') return;
    this.#streams.delete(id);
    this.#watched.delete(id);
    if (streamClose.hasSubscribers) streamClose.publish({ connectionId: this.#host.id, streamId: id });
    const own = (id % 2 === 0) === this.#isClient;
    if (!own) return;
    this.#open[isUnidirectional(id) ? 1 : 0]--;
    this.serveOpeners(early);
  }

  /** Early data was rejected: all streams opened so far are void, and their IDs will be used again. */
  rejectEarly(error: QuicError): void {
    for (const { receiveHalf, sendHalf } of this.#streams.values()) {
      receiveHalf?.fail(error);
      sendHalf?.fail(error);
    }
    this.#streams.clear();
    this.#open[0] = 0;
    this.#open[1] = 0;
  }

  /** The connection ended; what had arrived can still be read. */
  connectionClosed(error: QuicError): void {
    this.#watchTimer?.cancel();
    this.#watchTimer = undefined;
    for (const { receiveHalf, sendHalf } of this.#streams.values()) {
      receiveHalf?.connectionClosed(error);
      sendHalf?.fail(error);
    }
    for (const openers of this.#openers) for (const { waiter } of openers.splice(0)) waiter.reject(error);
    for (const accepter of this.#accepters.splice(0)) accepter.resolve(undefined);
  }

  // Standstill.

  watch(id: number): void {
    if (this.#host.streamTimeout === 0) return;
    this.#watched.add(id);
    this.#startWatch();
  }

  #startWatch(): void {
    const { streamTimeout } = this.#host;
    if (streamTimeout === 0 || this.#watchTimer) return;
    this.#watchTimer = this.#clock.setTimer(streamTimeout / LOOKS_PER_TIMEOUT, () => this.#look());
    this.#watchTimer.unref();
  }

  #look(): void {
    this.#watchTimer = undefined;
    const look = ++this.#looks;
    for (const id of [...this.#watched]) {
      const stream = this.#streams.get(id);
      const receiving = stream?.receiveHalf?.checkTimeout(look, LOOKS_PER_TIMEOUT) ?? false;
      const sending = stream?.sendHalf?.checkTimeout(look, LOOKS_PER_TIMEOUT) ?? false;
      if (!receiving && !sending) this.#watched.delete(id);
    }
    let opening = false;
    for (const [index, openers] of this.#openers.entries()) {
      for (const opener of [...openers]) {
        if (opener.waiter.since === 0) opener.waiter.since = look;
        if (look - opener.waiter.since < LOOKS_PER_TIMEOUT) opening = true;
        else {
          openers.splice(openers.indexOf(opener), 1);
          opener.waiter.reject(this.#creditTimeout(index === 1));
        }
      }
    }
    if (this.#watched.size > 0 || opening) this.#startWatch();
  }

  #creditTimeout(unidirectional: boolean): QuicError {
    return new QuicError(
      'ERR_QUIC_STREAM_TIMEOUT',
      `${this.#limitError(unidirectional).message}; waited ${this.#host.streamTimeout} ms for credit (streamTimeout)`,
    );
  }
}
