/** A request stream as the application holds it: one message in each direction (RFC 9114 section 4). */

import type { QuicStreamLike } from '../quic/types/connection.js';
import { FieldSection, H3, Http3Error } from './core/index.js';
import type { FieldLine, Priority, RequestHead } from './core/index.js';
import { fromTransport } from './errors.js';
import type { Http3Receiver, MessageEvent } from './receiver.js';
import { addContent, bytesOf, lengthOf, room } from './whole-message.js';

/** What a stream needs of its connection. */
export interface Http3StreamHost {
  readonly isClient: boolean;
  encodeHeaders(streamId: number, fields: readonly FieldLine[], fin: boolean): Uint8Array;
  encodeMessage(streamId: number, fields: readonly FieldLine[], length: number, target: Uint8Array): number;
  encodeData(streamId: number, length: number, fin: boolean): Uint8Array;
  reset(streamId: number, errorCode: number | undefined): void;
  stopSending(streamId: number, errorCode: number | undefined): void;
  read(stream: Http3Stream): void;
  /** A half is over. */
  settle(stream: Http3Stream): void;
}

/** A request stream (RFC 9114 section 4.1). Made by `Http3Connection`. */
export class Http3Stream {
  readonly id: number;
  /** The QUIC stream underneath. Its bytes belong to HTTP/3: do not read or write it. */
  readonly quic: QuicStreamLike;
  /** The request's control data. */
  readonly head: RequestHead;
  /** Server: Content-Length of the request, where there is one. */
  readonly contentLength: number | undefined;
  readonly #host: Http3StreamHost;
  #fields: FieldSection | undefined;
  #receiver: Http3Receiver | undefined;
  #flowing: boolean;
  /** What came before there was a receiver, or while it rests: at most what one read brought. */
  #waiting: MessageEvent[] = [];
  #delivering = false;
  #sendOver = false;
  #receiveOver = false;
  #goneWith: Http3Error | undefined;
  #onGone: ((error: Http3Error) => void) | undefined;
  /** Server: tells that the client changed the priority of the response. */
  onPriority: ((priority: Priority) => void) | undefined;
  /** An HTTP datagram of this request (RFC 9297). */
  onDatagram: ((bytes: Uint8Array) => void) | undefined;
  /** Bytes of content received and sent so far. */
  contentReceived = 0;
  contentSent = 0;
  /** @internal The connection is in the middle of reading the stream. */
  reading = false;
  /** @internal It is among the streams that are to be read. */
  toRead = false;
  /** @internal The connection reads the stream no more. */
  unread = false;

  constructor(
    host: Http3StreamHost,
    quic: QuicStreamLike,
    head: RequestHead,
    fields: FieldSection | undefined = undefined,
    contentLength: number | undefined = undefined,
  ) {
    this.#host = host;
    this.id = quic.id;
    this.quic = quic;
    this.head = head;
    this.#fields = fields;
    this.contentLength = contentLength;
    // A client waits for the response's head whoever takes it; a server's application asks for the content.
    this.#flowing = host.isClient;
  }

  /**
   * Server: the fields of the request, without pseudo-header fields; they belong to whoever serves it, who may `release` them once nobody looks at
   * them any more. Client: none.
   */
  get fields(): FieldSection {
    this.#fields ??= FieldSection.of([]);
    return this.#fields;
  }

  // Receiving.

  /** Whether the remote's message is over: complete, aborted, or given up. */
  get receiveOver(): boolean {
    return this.#receiveOver;
  }

  /** Whether the whole message has come with nothing in it but its header section. */
  get isBare(): boolean {
    return this.#receiveOver && this.#waiting.length === 1 && this.#waiting[0]?.kind === 'end';
  }

  /** Whether more is wanted from QUIC now. */
  get flowing(): boolean {
    return this.#flowing;
  }

  /** Gives what comes to `receiver`, beginning with what has come already. */
  receive(receiver: Http3Receiver): void {
    this.#receiver = receiver;
    this.#flowing = true;
    this.#deliver();
    if (this.#flowing) this.#host.read(this);
  }

  /** The receiver wants more, after its `data` has returned false. */
  resume(): void {
    if (this.#flowing && this.#waiting.length === 0) return;
    this.#flowing = true;
    this.#deliver();
    if (this.#flowing) this.#host.read(this);
  }

  /** The receiver wants no content for now, as if `data` had returned false. */
  rest(): void {
    this.#flowing = false;
  }

  /** Gives up receiving: STOP_SENDING. Nothing is delivered any more. */
  stopSending(errorCode?: number): void {
    this.#receiver = undefined;
    for (const event of this.#waiting) if ('fields' in event) event.fields.release();
    this.#waiting = [];
    this.#flowing = false;
    if (this.#receiveOver) return;
    this.#receiveOver = true;
    this.#host.stopSending(this.id, errorCode);
    this.#host.settle(this);
  }

  /** @internal An event of the core. */
  handle(event: MessageEvent): void {
    if (event.kind === 'data') this.contentReceived += event.bytes.length;
    if (event.kind === 'end' || event.kind === 'aborted') {
      if (this.#receiveOver) return;
      this.#receiveOver = true;
      if (event.kind === 'aborted') this.gone(event.error);
    }
    this.#waiting.push(event);
    this.#deliver();
  }

  #deliver(): void {
    if (this.#delivering || this.#receiver === undefined) return;
    this.#delivering = true;
    // A receiver that rests still gets the head of the message, and its failure.
    while (this.#receiver !== undefined && this.#waiting.length > 0) {
      const event = this.#waiting[0] as MessageEvent;
      if (!this.#flowing && event.kind === 'data') break;
      this.#waiting.shift();
      this.#give(this.#receiver, event);
    }
    this.#delivering = false;
  }

  #give(receiver: Http3Receiver, event: MessageEvent): void {
    switch (event.kind) {
      case 'informational':
        receiver.informational?.(event.status, event.fields);
        event.fields.release();
        return;
      case 'response':
        receiver.response?.(event.status, event.fields, event.contentLength);
        event.fields.release();
        return;
      case 'data':
        if (!receiver.data(event.bytes)) this.#flowing = false;
        return;
      case 'trailers':
        receiver.trailers(event.fields);
        event.fields.release();
        return;
      case 'end':
        receiver.end();
        return;
      case 'aborted':
        receiver.aborted(event.error);
        return;
    }
  }

  // Sending.

  /** Whether nothing more can be sent: finished, reset, stopped by the remote, or the connection is gone. */
  get sendOver(): boolean {
    return this.#sendOver;
  }

  /**
   * Sends a header or trailer section. Server: interim responses (1xx), the response, then trailers. Client: trailers.
   *
   * @param fin whether the message ends with it
   * @throws Http3Error `ERR_HTTP3_INVALID_MESSAGE`, `ERR_HTTP3_FIELD_SECTION_TOO_LARGE`, `ERR_HTTP3_INVALID_STATE`; or why the
   *   sending half is over
   */
  sendHeaders(fields: readonly FieldLine[], fin = false): void {
    this.#assertSendable();
    void this.#push(this.#host.encodeHeaders(this.id, fields, fin), fin);
    if (fin) this.#finish();
  }

  /**
   * Sends content as one DATA frame. Undefined when QUIC has taken all of it; else a promise for when it has, which is when
   * the next should be given. The array must not be changed before.
   *
   * @throws Http3Error as {@link sendHeaders}; the promise rejects with what ended the sending half
   */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (bytes.length === 0) return undefined;
    this.beginFrame(bytes.length);
    return this.continueFrame(bytes);
  }

  /** @internal Begins a DATA frame of so many bytes, of which all have to follow. @throws Http3Error as {@link sendHeaders} */
  beginFrame(length: number): void {
    this.#assertSendable();
    void this.#push(this.#host.encodeData(this.id, length, false));
  }

  /** @internal Goes on with the DATA frame. As {@link write}. */
  continueFrame(bytes: Uint8Array): Promise<void> | undefined {
    this.#assertSendable();
    this.contentSent += bytes.length;
    return this.#push(bytes);
  }

  /**
   * Sends a whole message that has content but no trailers, in one piece. Undefined when QUIC has taken all of it; else a promise for
   * when it has. Bytes must not be changed before.
   *
   * @param content at most {@link WHOLE_BYTES} bytes, a string as UTF-8 at most a third as many characters; not empty
   * @throws Http3Error as {@link sendHeaders}; then nothing of it has left
   */
  sendMessage(fields: readonly FieldLine[], content: string | Uint8Array): Promise<void> | undefined {
    this.#assertSendable();
    const length = lengthOf(content);
    const begin = this.#host.encodeMessage(this.id, fields, length, room);
    if (begin === 0) return this.#sendLarge(fields, bytesOf(content));
    this.contentSent += length;
    const sent = this.#pushLastView(addContent(begin, content, length));
    this.#finish();
    return sent;
  }

  /** A header section for which there is no room beside others. */
  #sendLarge(fields: readonly FieldLine[], content: Uint8Array): Promise<void> | undefined {
    this.sendHeaders(fields);
    const sent = this.write(content);
    this.end();
    return sent;
  }

  /** Ends the message, with trailers where some are given. @throws Http3Error as {@link sendHeaders} */
  end(trailers?: readonly FieldLine[]): void {
    if (trailers !== undefined && trailers.length > 0) {
      this.sendHeaders(trailers, true);
      return;
    }
    this.#assertSendable();
    const bytes = this.#host.encodeData(this.id, 0, true);
    if (bytes.length > 0) void this.#push(bytes);
    this.#finish();
  }

  /** Abandons the sending half (RESET_STREAM). No effect once it is over. */
  reset(errorCode?: number): void {
    if (this.#sendOver) return;
    this.#sendOver = true;
    this.#host.reset(this.id, errorCode);
    this.#host.settle(this);
  }

  /** Abandons both halves. */
  cancel(errorCode: number = H3.H3_REQUEST_CANCELLED): void {
    this.reset(errorCode);
    this.stopSending(errorCode);
  }

  #assertSendable(): void {
    if (!this.#sendOver) return;
    throw (
      this.#goneWith ??
      new Http3Error('ERR_HTTP3_INVALID_STATE', `Cannot send on request stream ${this.id}: its message is over`)
    );
  }

  /** With `last`, FIN goes along if QUIC takes all at once. */
  #push(bytes: Uint8Array, last = false): Promise<void> | undefined {
    const accepted = this.#trySend(bytes, last);
    if (accepted === bytes.length) return undefined;
    return this.#sendRest(accepted === 0 ? bytes : bytes.subarray(accepted));
  }

  /** As {@link #push} of the last bytes, which change as soon as this returns. */
  #pushLastView(bytes: Uint8Array): Promise<void> | undefined {
    const accepted = this.#trySend(bytes, true);
    return accepted === bytes.length ? undefined : this.#sendRest(new Uint8Array(bytes.subarray(accepted)));
  }

  #trySend(bytes: Uint8Array, last: boolean): number {
    try {
      return last ? this.quic.trySendLast(bytes) : this.quic.trySend(bytes);
    } catch (error) {
      throw this.#sendFailed(error);
    }
  }

  #sendRest(bytes: Uint8Array): Promise<void> {
    const rest = this.quic.send(bytes).catch((error: unknown) => {
      throw this.#sendFailed(error);
    });
    // The caller may look at the promise of the last piece only.
    rest.catch(() => undefined);
    return rest;
  }

  #sendFailed(error: unknown): Http3Error {
    this.#sendOver = true;
    const failure = this.#goneWith ?? fromTransport(error, `Request stream ${this.id} cannot be sent on`);
    this.gone(failure);
    return failure;
  }

  // @rfc 9114#4.1-6 @rfc 9114#4.1-7 @rfc 9114#4.1-8 the stream ends with the message, at once
  #finish(): void {
    this.#sendOver = true;
    try {
      // No effect where FIN went along with the last bytes.
      this.quic.end();
    } catch {
      // The connection is gone, which it tells by itself.
    }
    this.#host.settle(this);
  }

  // Its end.

  /**
   * Called once when the remote gives the exchange up before it is complete: it reset the stream, wants no more of what is
   * sent, or the connection ended.
   */
  set onGone(listener: ((error: Http3Error) => void) | undefined) {
    this.#onGone = listener;
    if (listener && this.#goneWith) listener(this.#goneWith);
  }

  /** @internal The remote wants no more (STOP_SENDING). */
  stopped(error: Http3Error): void {
    this.#sendOver = true;
    this.gone(error);
  }

  /** @internal The exchange will not become complete. */
  gone(error: Http3Error): void {
    if (this.#goneWith) return;
    this.#goneWith = error;
    this.#onGone?.(error);
  }

  /** @internal The connection has ended: nothing can be sent, and nothing more comes than what QUIC still holds. */
  connectionLost(error: Http3Error): void {
    const whole = this.#sendOver && this.#receiveOver;
    this.#sendOver = true;
    if (!whole) this.gone(error);
  }
}
