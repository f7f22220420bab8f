import type { Context } from './context.js';
import { type ControlHandler, ControlStream } from './control-stream.js';
import { H3, failConnection } from './errors.js';
import { OpeningStream } from './opening-stream.js';

/** Stream types (RFC 9114 section 6.2, RFC 9204 section 4.2). */
export const STREAM_TYPE = { CONTROL: 0x00, PUSH: 0x01, QPACK_ENCODER: 0x02, QPACK_DECODER: 0x03 } as const;

/** What the connection does with instructions of QPACK's encoder stream. */
export interface UnidirectionalHandler extends ControlHandler {
  onEncoderStream(bytes: Uint8Array): void;
}

/** The unidirectional streams that the remote opens (RFC 9114 section 6.2). */
export class UnidirectionalStreams {
  readonly #context: Context;
  readonly #handler: UnidirectionalHandler;
  readonly #control: ControlStream;
  readonly #opening = new Map<number, OpeningStream>();
  /** Stream IDs of the critical streams, by type. */
  readonly #critical = new Map<number, number>();

  constructor(context: Context, handler: UnidirectionalHandler) {
    this.#context = context;
    this.#handler = handler;
    this.#control = new ControlStream(context.limits, handler);
  }

  /** @throws Http3Error of scope `'connection'` */
  receive(streamId: number, bytes: Uint8Array, fin: boolean): void {
    const type = this.#critical.get(streamId);
    if (type === undefined) {
      this.#receiveOpening(streamId, bytes, fin);
      return;
    }
    this.#receiveCritical(type, bytes);
    if (fin) this.#failClosed(type);
  }

  /** The remote reset the stream. */
  receiveReset(streamId: number): void {
    const type = this.#critical.get(streamId);
    if (type !== undefined) this.#failClosed(type);
    // @rfc 9114#6.2-5 before its type has come, a stream may be closed or reset
    this.#opening.delete(streamId);
  }

  #receiveOpening(streamId: number, bytes: Uint8Array, fin: boolean): void {
    const opening = this.#opening.get(streamId) ?? new OpeningStream();
    const end = opening.receive(bytes);
    if (end < 0) {
      // @rfc 9114#6.2-5
      if (fin) this.#opening.delete(streamId);
      else this.#opening.set(streamId, opening);
      return;
    }
    this.#opening.delete(streamId);
    this.#begin(streamId, opening.value, bytes.subarray(end), fin);
  }

  #begin(streamId: number, type: number, bytes: Uint8Array, fin: boolean): void {
    const { isServer, limits } = this.#context;
    switch (type) {
      case STREAM_TYPE.CONTROL:
      case STREAM_TYPE.QPACK_ENCODER:
      case STREAM_TYPE.QPACK_DECODER:
        for (const other of this.#critical.values()) {
          // @rfc 9114#6.2.1-3 @rfc 9204#4.2-2 one of each
          if (other === type) failConnection('H3_STREAM_CREATION_ERROR', `The remote opened stream type ${type} twice`);
        }
        // @rfc 9204#4.2-5 whatever the settings say
        this.#critical.set(streamId, type);
        this.receive(streamId, bytes, fin);
        return;
      case STREAM_TYPE.PUSH:
        // @rfc 9114#6.2.2-1 clients do not push
        if (isServer) failConnection('H3_STREAM_CREATION_ERROR', 'The client opened a push stream');
        // @rfc 9114#4.6-1 without MAX_PUSH_ID nobody pushes
        return failConnection('H3_ID_ERROR', 'The server pushes, and no push was allowed');
      default:
        if (limits.extensionStreamTypes.has(type)) {
          this.#context.emit({ kind: 'extensionStream', streamId, type, bytes, fin });
        } else if (!fin) {
          // @rfc 9114#6.2.3-1 @rfc 9114#6.2-2 @rfc 9114#6.2-3 @rfc 9114#9-2 unknown and reserved types are not read, and are no error of the connection
          this.#context.output({ kind: 'stopSending', streamId, errorCode: H3.H3_STREAM_CREATION_ERROR });
        }
    }
  }

  #receiveCritical(type: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (type === STREAM_TYPE.CONTROL) this.#control.receive(bytes);
    else if (type === STREAM_TYPE.QPACK_ENCODER) this.#handler.onEncoderStream(bytes);
    else this.#context.encoder.receiveDecoderStream(bytes);
  }

  #failClosed(type: number): never {
    // @rfc 9114#6.2.1-5 @rfc 9204#4.2-4 critical streams stay open
    const name = type === STREAM_TYPE.CONTROL ? 'control stream' : 'QPACK stream';
    return failConnection('H3_CLOSED_CRITICAL_STREAM', `The remote closed its ${name}`);
  }
}
