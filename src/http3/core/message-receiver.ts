import { type FieldSection, QpackError } from '../../qpack/index.js';
import { ByteWriter } from '../../wire/index.js';
import type { Context } from './context.js';
import { H3, Http3Error, failConnection, failMessage } from './errors.js';
import { FRAME, FrameReader, isReservedFrame } from './frame-reader.js';
import { checkRequest, checkResponse, checkTrailers, hasNoContent } from './messages.js';
import { DEFAULT_PRIORITY, parsePriority } from './priority.js';
import type { Exchange } from './exchange.js';

/**
 * Where a message is: before its header section, in its content, behind its trailers, in a tunnel, or over (complete, aborted or
 * not wanted).
 */
type Stage = 'head' | 'content' | 'trailed' | 'tunnel' | 'over';

/** Interim responses to one request; more are no help to anybody. */
const MAX_INTERIM_RESPONSES = 64;

function tooLarge(message: string, cause?: unknown): Http3Error {
  // Malformed is what RFC 9114 section 10.5.1 has its sender expect.
  return new Http3Error('ERR_HTTP3_FIELD_SECTION_TOO_LARGE', message, {
    errorCode: H3.H3_MESSAGE_ERROR,
    scope: 'stream',
    cause,
  });
}

/** The receiving half of a request stream: frames in, events out. */
export class MessageReceiver {
  readonly #context: Context;
  readonly #exchange: Exchange;
  readonly #frames = new FrameReader();
  #stage: Stage = 'head';
  #isBlocked = false;
  /** What came while the stream was blocked. */
  #held: ByteWriter | undefined;
  /** Whether the stream has ended, though perhaps not all of it was read. */
  #hasFin = false;
  #interim = 0;
  /** Bytes of content that must still come; undefined when nobody said. */
  #contentLeft: number | undefined;

  constructor(context: Context, exchange: Exchange) {
    this.#context = context;
    this.#exchange = exchange;
  }

  get isOver(): boolean {
    return this.#stage === 'over';
  }

  /** Whether a header section was received that was not interim. */
  get hasHead(): boolean {
    return this.#stage !== 'head';
  }

  /** Whether it waits for QPACK's encoder stream. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** @throws Http3Error of scope `'stream'` or `'connection'` */
  receive(bytes: Uint8Array, fin: boolean): void {
    if (this.#stage === 'over') return;
    this.#hasFin ||= fin;
    if (this.#isBlocked) {
      this.#hold(bytes);
      return;
    }
    this.#frames.feed(bytes);
    this.#read();
    if (this.#hasFin && !this.#isBlocked && !this.isOver) this.#end();
  }

  /** QPACK has decoded the section for which the stream waited, or found an error. */
  unblock(fields: FieldSection | undefined, error: QpackError | undefined): void {
    if (!this.#isBlocked) {
      fields?.release();
      return;
    }
    this.#isBlocked = false;
    this.#context.emit({ kind: 'unblocked', streamId: this.#exchange.id });
    const held = this.#held?.take();
    this.#held = undefined;
    this.#context.blockedBytes -= held?.length ?? 0;
    if (fields === undefined) throw this.#qpackFailure(error);
    this.#section(fields);
    if (held) this.receive(held, false);
    else if (this.#hasFin && !this.isOver) this.#end();
  }

  /** Gives the rest up, on the wire too. */
  stop(errorCode: number): void {
    if (this.#stage === 'over') return;
    if (!this.#hasFin) this.#context.output({ kind: 'stopSending', streamId: this.#exchange.id, errorCode });
    this.drop();
  }

  /** The rest will not come. */
  drop(): void {
    if (this.#stage === 'over') return;
    this.#over();
    this.#context.decoder.cancelStream(this.#exchange.id);
  }

  #read(): void {
    const frames = this.#frames;
    while (this.#stage !== 'over') {
      const step = frames.next();
      switch (step) {
        case 'more':
          return;
        case 'type':
          // A signal stands at the beginning of a stream, and then nothing of the stream comes here.
          if (this.#context.limits.signals.has(frames.type)) {
            failConnection(
              'H3_FRAME_ERROR',
              `Stream ${this.#exchange.id} has the signal of an extension among its frames`,
            );
          }
          break;
        case 'header':
          this.#frameHeader(frames.type, frames.length);
          break;
        case 'chunk':
          this.#context.emit({ kind: 'data', streamId: this.#exchange.id, bytes: frames.bytes });
          break;
        case 'frame':
          this.#encodedSection(frames.bytes);
          if (this.#isBlocked) {
            this.#hold(frames.rest());
            return;
          }
          break;
        default:
          step satisfies never;
      }
    }
  }

  #frameHeader(type: number, length: number): void {
    switch (type) {
      case FRAME.DATA:
        this.#dataHeader(length);
        return;
      case FRAME.HEADERS:
        this.#headersHeader(length);
        return;
      case FRAME.PUSH_PROMISE:
        // @rfc 9114#7.2.5-7 clients do not promise
        if (this.#context.isServer) return this.#unexpected('PUSH_PROMISE');
        // @rfc 9114#7.2.5-2 this client never allows any push ID
        return failConnection('H3_ID_ERROR', 'The server promises a push, and none was allowed');
      // @rfc 9114#7.2.3-1 @rfc 9114#7.2.4-4 @rfc 9114#7.2.6-2 @rfc 9114#7.2.7-1 @rfc 9218#7.2-1 they belong on the control stream
      case FRAME.CANCEL_PUSH:
      case FRAME.SETTINGS:
      case FRAME.GOAWAY:
      case FRAME.MAX_PUSH_ID:
      case FRAME.PRIORITY_UPDATE_REQUEST:
      case FRAME.PRIORITY_UPDATE_PUSH:
        return this.#unexpected(`frame of type 0x${type.toString(16)}`);
      default:
        // @rfc 9114#7.2.8-2 frame types of HTTP/2
        if (isReservedFrame(type)) return this.#unexpected(`reserved frame of type 0x${type.toString(16)}`);
        // @rfc 9114#9-1 @rfc 9114#7.2.8-1 unknown frames are skipped, within reason
        if (length > this.#context.limits.maxUnknownFrameLength) {
          failConnection('H3_EXCESSIVE_LOAD', `A frame of the unknown type 0x${type.toString(16)} has ${length} bytes`);
        }
    }
  }

  #unexpected(what: string): never {
    return failConnection('H3_FRAME_UNEXPECTED', `Stream ${this.#exchange.id} has a ${what} where none is allowed`);
  }

  #dataHeader(length: number): void {
    // @rfc 9114#4.1-3 DATA before HEADERS, or after trailers
    if (this.#stage !== 'content' && this.#stage !== 'tunnel') this.#unexpected('DATA frame');
    if (this.#contentLeft !== undefined) {
      // @rfc 9114#4.1.2-2 more content than Content-Length says
      if (length > this.#contentLeft) failMessage('The content is longer than Content-Length, or there may be none');
      this.#contentLeft -= length;
    }
    this.#frames.pass();
  }

  #headersHeader(length: number): void {
    // @rfc 9114#4.1-3 HEADERS after trailers, @rfc 9114#4.4-2 or in a tunnel
    if (this.#stage === 'trailed' || this.#stage === 'tunnel') this.#unexpected('HEADERS frame');
    if (length > this.#context.limits.maxFieldSectionSize) {
      throw tooLarge(`A header section of ${length} bytes is larger than ${this.#context.limits.maxFieldSectionSize}`);
    }
    this.#frames.gather();
  }

  #encodedSection(section: Uint8Array): void {
    let fields: FieldSection | undefined;
    try {
      fields = this.#context.decoder.decode(this.#exchange.id, section);
    } catch (error) {
      throw this.#qpackFailure(error);
    }
    if (fields === undefined) this.#isBlocked = true;
    else this.#section(fields);
  }

  /** Errors of the connection go on as they are. */
  #qpackFailure(error: unknown): unknown {
    if (!QpackError.isQpackError(error) || error.scope !== 'stream') return error;
    return tooLarge(`The header section on stream ${this.#exchange.id} is too large`, error);
  }

  /** Checks a section and makes an event of it, whose reader it belongs to from then on. */
  #section(fields: FieldSection): void {
    try {
      if (this.#stage === 'content') this.#trailers(fields);
      else if (this.#context.isServer) this.#request(fields);
      else this.#response(fields);
    } catch (error) {
      fields.release();
      throw error;
    }
  }

  #request(fields: FieldSection): void {
    const checked = checkRequest(fields, this.#context.limits.enableConnectProtocol);
    const { head, first, contentLength } = checked;
    fields.skip(first);
    // @rfc 9114#4.2.1-1 outside of HTTP/2 and HTTP/3 there is only one cookie line
    if (checked.cookies > 1) fields.join('cookie', '; ');
    const exchange = this.#exchange;
    exchange.method = head.method;
    // @rfc 9218#7-1 an update that has come already overrides the field
    exchange.priority ??= checked.priority === undefined ? DEFAULT_PRIORITY : parsePriority(checked.priority);
    if (head.method === 'CONNECT') {
      this.#stage = 'tunnel';
    } else {
      this.#stage = 'content';
      this.#contentLeft = contentLength;
    }
    this.#context.emit({
      kind: 'request',
      streamId: exchange.id,
      head,
      fields,
      contentLength,
      priority: exchange.priority,
    });
  }

  #response(fields: FieldSection): void {
    const streamId = this.#exchange.id;
    // @rfc 9114#4.1.2-3 a malformed response never becomes an event
    const { status, first, contentLength } = checkResponse(fields);
    fields.skip(first);
    if (status < 200) {
      if (++this.#interim > MAX_INTERIM_RESPONSES) {
        const message = `More than ${MAX_INTERIM_RESPONSES} interim responses came on stream ${streamId}`;
        throw new Http3Error('ERR_HTTP3_EXCESSIVE_LOAD', message, { scope: 'stream' });
      }
      this.#context.emit({ kind: 'informational', streamId, status, fields });
      return;
    }
    const { method } = this.#exchange;
    if (method === 'CONNECT' && status < 300) {
      // Content-Length says nothing here (RFC 9110 section 9.3.6).
      this.#stage = 'tunnel';
    } else {
      this.#stage = 'content';
      this.#contentLeft = hasNoContent(method, status) ? 0 : contentLength;
    }
    this.#context.emit({ kind: 'response', streamId, status, fields, contentLength });
  }

  #trailers(fields: FieldSection): void {
    // @rfc 9114#4.1-2 another response would be here, and its :status makes it malformed
    checkTrailers(fields);
    this.#stage = 'trailed';
    this.#context.emit({ kind: 'trailers', streamId: this.#exchange.id, fields });
  }

  #end(): void {
    const { isServer } = this.#context;
    // @rfc 9114#7.1-4 the last frame is truncated
    if (!this.#frames.atBoundary) failConnection('H3_FRAME_ERROR', `Stream ${this.#exchange.id} ends inside a frame`);
    if (this.#stage === 'head') {
      const what = `Stream ${this.#exchange.id} ends before ${isServer ? 'a request' : 'a final response'} came`;
      // RFC 9114 section 4.1: the server resets its half with H3_REQUEST_INCOMPLETE
      throw new Http3Error(isServer ? 'ERR_HTTP3_REQUEST_INCOMPLETE' : 'ERR_HTTP3_MESSAGE_ERROR', what, {
        scope: 'stream',
      });
    }
    // @rfc 9114#4.1.2-2 less content than Content-Length says
    if (this.#contentLeft !== undefined && this.#contentLeft > 0)
      failMessage('The content is shorter than Content-Length');
    this.#over();
    this.#context.emit({ kind: 'end', streamId: this.#exchange.id });
  }

  #over(): void {
    this.#stage = 'over';
    this.#isBlocked = false;
    this.#context.blockedBytes -= this.#held?.length ?? 0;
    this.#held = undefined;
  }

  #hold(bytes: Uint8Array): void {
    const { limits } = this.#context;
    if (bytes.length === 0) return;
    this.#context.blockedBytes += bytes.length;
    if (this.#context.blockedBytes > limits.maxBlockedBytes) {
      failConnection('H3_EXCESSIVE_LOAD', `Blocked streams hold more than ${limits.maxBlockedBytes} bytes`);
    }
    this.#held ??= new ByteWriter(bytes.length);
    this.#held.bytes(bytes);
  }
}
