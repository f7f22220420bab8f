import type { UnblockedSection } from '../../qpack/index.js';
import { StreamIndex } from '../../wire/index.js';
import type { Context } from './context.js';
import { H3, Http3Error, failConnection } from './errors.js';
import type { Priority } from './events.js';
import { OpeningStream } from './opening-stream.js';
import { RequestStream } from './request-stream.js';

/** Priorities that are kept for requests that have not come yet. */
const MAX_EARLY_PRIORITIES = 128;

const nothing = new Uint8Array(0);

/** The bidirectional streams of a connection: requests, and those that may become streams of an extension. */
export class RequestTable {
  readonly #context: Context;
  readonly #requests = new StreamIndex<RequestStream>();
  /** Bidirectional streams whose first integer is not complete; only where signals of extensions may come. */
  readonly #opening = new Map<number, OpeningStream>();
  readonly #earlyPriorities = new Map<number, Priority>();
  /** One after the highest request that has come: 0, 4, 8, ... */
  #next = 0;
  /** Server: requests from this ID on are rejected. */
  #limit = Number.POSITIVE_INFINITY;

  constructor(context: Context) {
    this.#context = context;
  }

  get size(): number {
    return this.#requests.size;
  }

  get(streamId: number): RequestStream | undefined {
    return this.#requests.get(streamId);
  }

  /** Client: the driver has opened a stream for a request. */
  open(streamId: number): void {
    if (!Number.isSafeInteger(streamId) || streamId % 4 !== 0 || this.#requests.has(streamId)) {
      throw new Http3Error('ERR_HTTP3_INVALID_STATE', `Stream ${streamId} cannot become a request`);
    }
    this.#requests.set(streamId, new RequestStream(this.#context, streamId));
  }

  receive(streamId: number, bytes: Uint8Array, fin: boolean): void {
    const request = this.#requests.get(streamId);
    if (request) this.#deliver(request, bytes, fin);
    else this.#receiveNew(streamId, bytes, fin);
  }

  receiveReset(streamId: number, errorCode: number): void {
    this.#opening.delete(streamId);
    // A request that is reset before anything came of it has another half that must end.
    const request = this.#requests.get(streamId) ?? this.#accept(streamId);
    if (!request) return;
    request.receiveReset(errorCode);
    this.settle(request);
  }

  receiveStopSending(streamId: number, errorCode: number): void {
    // With extensions, what the stream is may still be open; then the stream itself will say that it was stopped.
    const isKnown = this.#context.limits.signals.size === 0;
    const request = this.#requests.get(streamId) ?? (isKnown ? this.#accept(streamId) : undefined);
    if (!request) return;
    request.receiveStopSending(errorCode);
    this.settle(request);
  }

  unblock(section: UnblockedSection): void {
    const request = this.#requests.get(section.streamId);
    if (!request) {
      section.fields?.release();
      return;
    }
    request.unblock(section);
    this.settle(request);
  }

  /** Forgets a request of which nothing is left to send or receive. */
  settle(request: RequestStream): void {
    if (request.isOver) this.#requests.delete(request.id);
  }

  /** Whether a request is open that HTTP datagrams can belong to. */
  takesDatagrams(streamId: number): boolean {
    const request = this.#requests.get(streamId);
    if (!request || request.receiver.isOver) return false;
    return !this.#context.isServer || request.receiver.hasHead;
  }

  /** Server: the client has said how urgent a response is. */
  reprioritize(streamId: number, priority: Priority): void {
    const request = this.#requests.get(streamId);
    if (request) {
      request.priority = priority;
      if (request.receiver.hasHead) this.#context.emit({ kind: 'priority', streamId, priority });
      return;
    }
    // Perhaps the response is complete here, and QUIC still sends it.
    if (streamId < this.#next) this.#context.emit({ kind: 'priority', streamId, priority });
    // Perhaps the request is still to come, perhaps it is over: the newest are kept.
    this.#earlyPriorities.delete(streamId);
    this.#earlyPriorities.set(streamId, priority);
    if (this.#earlyPriorities.size <= MAX_EARLY_PRIORITIES) return;
    for (const oldest of this.#earlyPriorities.keys()) {
      this.#earlyPriorities.delete(oldest);
      return;
    }
  }

  /** Server: requests that have not come by now are rejected. Returns the first ID of those. */
  rejectFromNow(): number {
    this.#limit = this.#next;
    return this.#limit;
  }

  /** Client: the server will not process the requests from an ID on. */
  rejectedFrom(id: number): void {
    for (const request of this.#requests.values().sort((a, b) => a.id - b.id)) {
      if (request.id < id) continue;
      request.abort(H3.H3_REQUEST_CANCELLED);
      this.#requests.delete(request.id);
      const error = new Http3Error('ERR_HTTP3_REQUEST_REJECTED', `The server goes away before request ${request.id}`, {
        scope: 'stream',
        remote: true,
      });
      this.#context.emit({ kind: 'aborted', streamId: request.id, error });
    }
  }

  clear(): void {
    this.#requests.clear();
    this.#opening.clear();
    this.#earlyPriorities.clear();
  }

  #deliver(request: RequestStream, bytes: Uint8Array, fin: boolean): void {
    request.receive(bytes, fin);
    this.settle(request);
  }

  /** The first bytes of a stream that the remote has opened. */
  #receiveNew(streamId: number, bytes: Uint8Array, fin: boolean): void {
    const { signals } = this.#context.limits;
    const isServers = (streamId & 1) !== 0;
    if (isServers === this.#context.isServer) {
      throw new Http3Error('ERR_HTTP3_INVALID_STATE', `Stream ${streamId} is this side's own, and no open request`);
    }
    if (signals.size === 0) {
      // @rfc 9114#6.1-1 servers open no bidirectional streams unless an extension says what for
      if (isServers)
        failConnection('H3_STREAM_CREATION_ERROR', `The server opened the bidirectional stream ${streamId}`);
      const request = this.#accept(streamId);
      if (request) this.#deliver(request, bytes, fin);
      return;
    }
    const opening = this.#opening.get(streamId) ?? new OpeningStream();
    const end = opening.receive(bytes);
    if (end < 0 && !fin) {
      this.#opening.set(streamId, opening);
      return;
    }
    this.#opening.delete(streamId);
    if (end >= 0 && signals.has(opening.value)) {
      this.#note(streamId);
      this.#context.emit({ kind: 'extensionStream', streamId, type: opening.value, bytes: bytes.subarray(end), fin });
      return;
    }
    // @rfc 9114#6.1-1
    if (isServers) failConnection('H3_STREAM_CREATION_ERROR', `The server's stream ${streamId} has no known signal`);
    const request = this.#accept(streamId);
    if (!request) return;
    const before = opening.before();
    // An integer that is not complete has all its bytes there.
    if (before.length > 0) request.receive(before, end < 0 && fin);
    if (end >= 0) request.receive(bytes, fin);
    else if (before.length === 0) request.receive(nothing, fin);
    this.settle(request);
  }

  #note(streamId: number): void {
    if ((streamId & 3) === 0) this.#next = Math.max(this.#next, streamId + 4);
  }

  /** Server: a request has begun. Undefined when it is rejected, or is none. */
  #accept(streamId: number): RequestStream | undefined {
    if (!this.#context.isServer || (streamId & 3) !== 0) return undefined;
    if (streamId >= this.#limit) {
      // RFC 9114 section 5.2: requests that come after the final GOAWAY. @rfc 9114#4.1.1-1 nobody has seen anything of them
      this.#context.output({ kind: 'stopSending', streamId, errorCode: H3.H3_REQUEST_REJECTED });
      this.#context.output({ kind: 'reset', streamId, errorCode: H3.H3_REQUEST_REJECTED });
      return undefined;
    }
    this.#note(streamId);
    const request = new RequestStream(this.#context, streamId);
    request.priority = this.#earlyPriorities.get(streamId);
    this.#earlyPriorities.delete(streamId);
    this.#requests.set(streamId, request);
    return request;
  }
}
