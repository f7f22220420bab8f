import { type FieldLine, fieldSectionSize, QpackError } from '../../qpack/index.js';
import { varintLength, writeVarint } from '../../wire/index.js';
import type { Context } from './context.js';
import { H3, Http3Error } from './errors.js';
import { ArrayLines } from './fields.js';
import { FRAME } from './frame-reader.js';
import { checkRequest, checkResponse, checkTrailers, hasNoContent } from './messages.js';
import type { Exchange } from './exchange.js';

/** Where this side's message is. `tunnel`: a CONNECT request, or its success. `over`: finished or reset. */
type Stage = 'head' | 'content' | 'tunnel' | 'over';

/** What follows a header or trailer section. */
interface AfterHeaders {
  readonly stage: Stage;
  readonly contentLeft: number | undefined;
  readonly method?: string;
}

const nothing = new Uint8Array(0);
/** What the beginnings of a HEADERS and a DATA frame take at most, and a field section beyond its size. */
const FRAME_ROOM = 64;

/** The sending half of a request stream: messages in, frames out. It refuses what the remote would find malformed. */
export class MessageSender {
  readonly #context: Context;
  readonly #exchange: Exchange;
  #stage: Stage = 'head';
  #isUnused = true;
  /** Bytes of content that must still be sent; undefined when nobody said. */
  #contentLeft: number | undefined;

  constructor(context: Context, exchange: Exchange) {
    this.#context = context;
    this.#exchange = exchange;
  }

  get isOver(): boolean {
    return this.#stage === 'over';
  }

  /** Whether nothing was sent yet, not even an interim response. */
  get isUnused(): boolean {
    return this.#isUnused && this.#stage === 'head';
  }

  /** Whether the remote will take it for a complete message: finished, and not reset. */
  #isComplete = false;

  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** See `Http3CoreInterface.sendHeaders`. */
  headers(fields: readonly FieldLine[], fin: boolean): Uint8Array {
    const next = this.#afterHeaders(fields, fin);
    this.#sizeOf(fields);
    const section = this.#encode(fields);
    const frame = new Uint8Array(1 + varintLength(section.length) + section.length);
    frame[0] = FRAME.HEADERS;
    frame.set(section, writeVarint(frame, 1, section.length));
    this.#sentHeaders(next);
    if (fin) this.#finish();
    return frame;
  }

  /** See `Http3CoreInterface.sendMessage`. */
  message(fields: readonly FieldLine[], length: number, target: Uint8Array): number {
    const next = this.#afterHeaders(fields, false);
    if (this.#stage !== 'head' || next.stage === 'head') this.#refuse('send a whole message');
    if (!Number.isSafeInteger(length) || length <= 0) throw this.#invalid(`${length} is no length of content`);
    const left = next.contentLeft;
    if (left !== undefined && length !== left) {
      throw this.#invalid(`The content of ${length} bytes is not as long as it is said to be, ${left} bytes`);
    }
    if (this.#sizeOf(fields) + FRAME_ROOM > target.length) return 0;
    // Most sections are so small that their length takes one byte.
    const end = this.#encodeTo(fields, target, 2);
    const size = end - 2;
    const begin = 1 + varintLength(size);
    if (begin !== 2) target.copyWithin(begin, 2, end);
    target[0] = FRAME.HEADERS;
    writeVarint(target, 1, size);
    this.#sentHeaders(next);
    this.#finish();
    target[begin + size] = FRAME.DATA;
    return writeVarint(target, begin + size + 1, length);
  }

  #encode(fields: readonly FieldLine[]): Uint8Array {
    try {
      return this.#context.encoder.encode(this.#exchange.id, fields);
    } catch (error) {
      throw this.#encodingFailure(error);
    }
  }

  #encodeTo(fields: readonly FieldLine[], target: Uint8Array, at: number): number {
    try {
      return this.#context.encoder.encodeTo(this.#exchange.id, fields, target, at);
    } catch (error) {
      throw this.#encodingFailure(error);
    }
  }

  /** What QPACK cannot encode is a message that cannot be sent. */
  #encodingFailure(error: unknown): unknown {
    return QpackError.isQpackError(error) ? this.#invalid(error.message, error) : error;
  }

  #sentHeaders(next: AfterHeaders): void {
    this.#isUnused = false;
    this.#stage = next.stage;
    this.#contentLeft = next.contentLeft;
    if (next.method !== undefined) this.#exchange.method = next.method;
  }

  /** @throws Http3Error where the remote would likely refuse the section (RFC 9114 section 4.2.2) */
  #sizeOf(fields: readonly FieldLine[]): number {
    const size = fieldSectionSize(fields);
    const most = this.#context.peer.maxFieldSectionSize;
    if (size <= most) return size;
    const message = `The header section of ${size} bytes is larger than the ${most} that the remote takes`;
    throw new Http3Error('ERR_HTTP3_FIELD_SECTION_TOO_LARGE', message);
  }

  /** See `Http3CoreInterface.sendData`. */
  data(length: number, fin: boolean): Uint8Array {
    const stage = this.#stage;
    if (stage !== 'content' && stage !== 'tunnel') this.#refuse('send content');
    if (!Number.isSafeInteger(length) || length < 0) throw this.#invalid(`${length} is no length of content`);
    const left = this.#contentLeft;
    if (left !== undefined && length > left)
      throw this.#invalid(`The content is ${length - left} bytes longer than it may be`);
    if (left !== undefined && fin && length < left)
      throw this.#invalid(`The content is ${left - length} bytes too short`);
    if (left !== undefined) this.#contentLeft = left - length;
    if (fin) this.#finish();
    if (length === 0) return nothing;
    // @rfc 9114#7.2.1-1 DATA is content of a request or response
    const header = new Uint8Array(1 + varintLength(length));
    header[0] = FRAME.DATA;
    writeVarint(header, 1, length);
    return header;
  }

  /** Gives the rest up, on the wire too. */
  reset(errorCode: number): void {
    if (this.#stage === 'over') return;
    this.#stage = 'over';
    this.#context.output({ kind: 'reset', streamId: this.#exchange.id, errorCode });
  }

  #finish(): void {
    this.#stage = 'over';
    this.#isComplete = true;
  }

  /** What follows a header or trailer section; nothing is changed. */
  #afterHeaders(fields: readonly FieldLine[], fin: boolean): AfterHeaders {
    try {
      if (this.#stage === 'content') return this.#afterTrailers(fields, fin);
      if (this.#stage !== 'head') this.#refuse('send headers');
      return this.#context.isServer ? this.#afterResponse(fields, fin) : this.#afterRequest(fields, fin);
    } catch (error) {
      if (!Http3Error.isHttp3Error(error) || error.scope !== 'stream') throw error;
      throw this.#invalid(error.message, error);
    }
  }

  // @rfc 9114#4.2-1 @rfc 9114#4.2-3 @rfc 9114#4.3-1 @rfc 9114#4.3-5 nothing malformed is generated
  #afterRequest(fields: readonly FieldLine[], fin: boolean): AfterHeaders {
    const { connectProtocol, received } = this.#context.peer;
    const { head, contentLength } = checkRequest(new ArrayLines(fields), true);
    if (head.protocol !== undefined && !connectProtocol) {
      const why = received ? 'has not announced extended CONNECT' : 'has not sent its SETTINGS yet';
      // @rfc 9114#7.2.4.2-1 @rfc 9220#3-1 not before the server has announced it
      throw new Http3Error('ERR_HTTP3_UNSUPPORTED', `The request has :protocol, and the server ${why}`);
    }
    const { method } = head;
    if (method === 'CONNECT') return { stage: 'tunnel', contentLeft: undefined, method };
    this.#checkWhole(contentLength, fin);
    return { stage: 'content', contentLeft: contentLength, method };
  }

  #afterResponse(fields: readonly FieldLine[], fin: boolean): AfterHeaders {
    const { status, contentLength } = checkResponse(new ArrayLines(fields));
    const { method } = this.#exchange;
    if (status < 200) {
      // RFC 9114 section 4.1: an interim response is followed by another one, or the final one
      if (fin) throw this.#invalid(`The response ${status} is interim: the stream cannot end with it`);
      return { stage: 'head', contentLeft: undefined };
    }
    if (method === 'CONNECT' && status < 300) return { stage: 'tunnel', contentLeft: undefined };
    const contentLeft = hasNoContent(method, status) ? 0 : contentLength;
    this.#checkWhole(contentLeft, fin);
    return { stage: 'content', contentLeft };
  }

  #afterTrailers(fields: readonly FieldLine[], fin: boolean): AfterHeaders {
    checkTrailers(new ArrayLines(fields));
    // @rfc 9114#4.1-3 nothing follows trailers
    if (!fin) throw this.#invalid('Trailers end the message: give fin');
    this.#checkWhole(this.#contentLeft, true);
    return { stage: 'content', contentLeft: undefined };
  }

  #checkWhole(contentLeft: number | undefined, fin: boolean): void {
    if (fin && contentLeft !== undefined && contentLeft > 0) {
      throw this.#invalid(`The message ends ${contentLeft} bytes before its Content-Length`);
    }
  }

  #refuse(what: string): never {
    const where = this.#stage === 'over' ? 'it is finished or reset' : `it is at its ${this.#stage}`;
    throw new Http3Error('ERR_HTTP3_INVALID_STATE', `Cannot ${what} on stream ${this.#exchange.id}: ${where}`);
  }

  #invalid(message: string, cause?: unknown): Http3Error {
    // The wire code of what the remote would have answered is not part of it: nothing went over the wire.
    return new Http3Error('ERR_HTTP3_INVALID_MESSAGE', message, { cause });
  }
}

/** Code with which a side gives up what the remote sends, when its driver names none. */
export function defaultStopCode(isServer: boolean, responseIsComplete: boolean): number {
  // RFC 9114 section 4.1: a server that has answered asks to stop with H3_NO_ERROR
  return isServer && responseIsComplete ? H3.H3_NO_ERROR : H3.H3_REQUEST_CANCELLED;
}
