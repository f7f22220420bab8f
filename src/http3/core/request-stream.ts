import type { UnblockedSection } from '../../qpack/index.js';
import { H3, Http3Error, remoteError } from './errors.js';
import type { Context } from './context.js';
import type { Priority } from './events.js';
import type { Exchange } from './exchange.js';
import { MessageReceiver } from './message-receiver.js';
import { MessageSender } from './message-sender.js';

/** A request stream (RFC 9114 section 4.1): one request, its responses. */
export class RequestStream implements Exchange {
  readonly id: number;
  method: string | undefined;
  priority: Priority | undefined;
  readonly receiver: MessageReceiver;
  readonly sender: MessageSender;
  readonly #context: Context;

  constructor(context: Context, id: number) {
    this.#context = context;
    this.id = id;
    this.receiver = new MessageReceiver(context, this);
    this.sender = new MessageSender(context, this);
  }

  /** Whether both halves are over: the connection may forget the stream. */
  get isOver(): boolean {
    return this.receiver.isOver && this.sender.isOver;
  }

  /** Runs what reads from the remote: what it throws of scope `'stream'` ends here. */
  receive(bytes: Uint8Array, fin: boolean): void {
    try {
      this.receiver.receive(bytes, fin);
    } catch (error) {
      this.fail(error);
    }
  }

  /** QPACK has decoded the section for which the stream waited, or found an error. */
  unblock(section: UnblockedSection): void {
    try {
      this.receiver.unblock(section.fields, section.error);
    } catch (error) {
      this.fail(error);
    }
  }

  /** The remote's message broke a rule, or a limit of this side. Errors of another scope are thrown on. */
  fail(error: unknown): void {
    if (!Http3Error.isHttp3Error(error) || error.scope !== 'stream') throw error;
    if (this.#refuseLarge(error)) return;
    this.abort(error.errorCode ?? H3.H3_MESSAGE_ERROR);
    this.#context.emit({ kind: 'aborted', streamId: this.id, error });
  }

  /** Ends both halves on the wire. */
  abort(errorCode: number): void {
    this.receiver.stop(errorCode);
    this.sender.reset(errorCode);
  }

  /** The remote reset its half. */
  receiveReset(errorCode: number): void {
    if (this.receiver.isOver) return;
    const wasSeen = this.receiver.hasHead;
    this.receiver.drop();
    // RFC 9114 section 4.1: too little of the request came to answer it
    if (this.#context.isServer && !wasSeen) this.sender.reset(H3.H3_REQUEST_INCOMPLETE);
    const error = remoteError(errorCode, `The remote reset stream ${this.id}`);
    this.#context.emit({ kind: 'aborted', streamId: this.id, error });
  }

  /** The remote wants no more of this side's half. */
  receiveStopSending(errorCode: number): void {
    if (this.sender.isOver) return;
    // @rfc 9114#4.1-9 the response is received as ever
    // As QUIC wants it: the code comes back in RESET_STREAM (RFC 9000 section 3.5).
    this.sender.reset(errorCode);
    const error = remoteError(errorCode, `The remote stopped reading stream ${this.id}`);
    this.#context.emit({ kind: 'stopped', streamId: this.id, error });
  }

  /** Answers a request whose header section is too large, which the application never sees (RFC 9114 section 4.2.2). */
  #refuseLarge(error: Http3Error): boolean {
    if (error.code !== 'ERR_HTTP3_FIELD_SECTION_TOO_LARGE' || !this.#context.isServer) return false;
    if (this.receiver.hasHead || !this.sender.isUnused) return false;
    const bytes = this.sender.headers([{ name: ':status', value: '431' }], true);
    this.#context.output({ kind: 'write', streamId: this.id, bytes, fin: true });
    // RFC 9114 section 4.1: H3_NO_ERROR asks the client to stop sending after a complete response
    this.receiver.stop(H3.H3_NO_ERROR);
    return true;
  }
}
