/** A stream of the raw peer: it sends what it is told, and shows what came. */

import { QpackDecoder } from '../../qpack/index.js';
import type { QuicErrorLike, QuicStreamLike } from '../../quic/types/connection.js';
import { RAW_FRAME, rawBytes, type RawFields, rawHttp3 } from './bytes.js';
import { rawErrorName } from './codes.js';

/** A frame that came. */
export interface RawFrame {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** A response or request that came whole. */
export interface RawMessage {
  /** `:status` of the interim responses before it. */
  readonly interim: readonly number[];
  /** Field lines of the header section, pseudo-header fields included; of names that repeat, the last. */
  readonly fields: Readonly<Record<string, string>>;
  readonly content: Uint8Array;
  readonly trailers: Readonly<Record<string, string>>;
}

/**
 * How the remote ended its sending half (`'finished'`: FIN; `'reset'`: RESET_STREAM), or stopped this side's (`'stopped'`:
 * STOP_SENDING), or that the connection ended before either (`'lost'`).
 */
export interface RawStreamEnd {
  readonly kind: 'finished' | 'reset' | 'stopped' | 'lost';
  /** The error code of `'reset'` and `'stopped'` by its name, e.g. `H3_MESSAGE_ERROR`. */
  readonly name: string | undefined;
}

/** One stream of a {@link RawHttp3Peer}. What the remote sends is read only once somebody asks for it. */
export class RawHttp3Stream {
  readonly id: number;
  /** The QUIC stream underneath. */
  readonly quic: QuicStreamLike;
  readonly #canReceive: boolean;
  readonly #canSend: boolean;
  #bytes: Uint8Array = new Uint8Array(0);
  #reading = false;
  #end: RawStreamEnd | undefined;
  readonly #waiting: (() => void)[] = [];

  /** @internal Streams come from a peer. */
  constructor(quic: QuicStreamLike, direction: 'both' | 'send' | 'receive') {
    this.quic = quic;
    this.id = quic.id;
    this.#canReceive = direction !== 'send';
    this.#canSend = direction !== 'receive';
    if (this.#canSend) quic.acknowledged.catch(() => undefined);
  }

  // Sending.

  /** Sends bytes as they are; strings as UTF-8. */
  async send(...parts: readonly (Uint8Array | string)[]): Promise<void> {
    await this.quic.send(rawBytes(...parts));
  }

  /** Sends a frame of any type. */
  frame(type: number | bigint, payload?: Uint8Array | string): Promise<void> {
    return this.send(rawHttp3.frame(type, payload));
  }

  /** Sends a HEADERS frame. */
  headers(fields: RawFields): Promise<void> {
    return this.send(rawHttp3.headers(fields));
  }

  /** Sends a DATA frame. */
  data(content: Uint8Array | string): Promise<void> {
    return this.send(rawHttp3.data(content));
  }

  /** FIN. */
  finish(): Promise<void> {
    return this.quic.finish();
  }

  /** RESET_STREAM. */
  reset(errorCode: number): void {
    this.quic.reset(errorCode);
  }

  /** STOP_SENDING. */
  stopSending(errorCode: number): void {
    this.quic.stopSending(errorCode);
  }

  /** How the sending half of this side ended: `'stopped'`, `'finished'` (acknowledged to its FIN), `'reset'` by this side, or `'lost'`. */
  async stopped(): Promise<RawStreamEnd> {
    if (!this.#canSend) throw new TypeError(`Stream ${this.id} sends nothing`);
    return this.quic.acknowledged.then(() => ({ kind: 'finished', name: undefined }) as const, endOf);
  }

  // Receiving.

  /** The next bytes, at least one; undefined at the end. */
  async receiveSome(): Promise<Uint8Array | undefined> {
    while (this.#bytes.length === 0 && !this.#end) await this.#more();
    if (this.#bytes.length === 0) return undefined;
    return this.#take(this.#bytes.length);
  }

  /** The next variable-length integer; undefined when the stream ends before it. */
  async receiveVarint(): Promise<number | undefined> {
    for (;;) {
      const size = this.#varintSize(0);
      if (size !== undefined) return readVarint(this.#take(size));
      if (this.#end) return undefined;
      await this.#more();
    }
  }

  /** The next frame; undefined when the stream ends before it is whole. */
  async receiveFrame(): Promise<RawFrame | undefined> {
    for (;;) {
      const typeSize = this.#varintSize(0);
      const lengthSize = typeSize === undefined ? undefined : this.#varintSize(typeSize);
      if (typeSize !== undefined && lengthSize !== undefined) {
        const begin = typeSize + lengthSize;
        const length = readVarint(this.#bytes.subarray(typeSize, begin));
        if (this.#bytes.length >= begin + length) {
          const frame = this.#take(begin + length);
          return { type: readVarint(frame.subarray(0, typeSize)), payload: frame.subarray(begin) };
        }
      }
      if (this.#end) return undefined;
      await this.#more();
    }
  }

  /**
   * All frames to the end of the stream as one message. Sections that use the dynamic table cannot be read, and come only if the peer
   * has announced one.
   *
   * @throws Error when the stream ends otherwise than by FIN
   */
  async receiveMessage(): Promise<RawMessage> {
    const sections: Record<string, string>[] = [];
    const content: Uint8Array[] = [];
    for (let frame = await this.receiveFrame(); frame !== undefined; frame = await this.receiveFrame()) {
      if (frame.type === RAW_FRAME.DATA) content.push(frame.payload);
      if (frame.type === RAW_FRAME.HEADERS) sections.push(decodeSection(this.id, frame.payload));
    }
    const { kind, name } = await this.ended();
    if (kind !== 'finished') throw new Error(`Stream ${this.id} was ${kind}${name === undefined ? '' : `: ${name}`}`);
    const isInterim = (fields: Record<string, string>): boolean => fields[':status']?.startsWith('1') === true;
    const [fields = {}, trailers = {}] = sections.filter((section) => !isInterim(section));
    const interim = sections.filter(isInterim).map((section) => Number(section[':status']));
    return { interim, fields, content: rawBytes(...content), trailers };
  }

  /** How the remote ends its sending half. Reads, and keeps, what comes before. */
  async ended(): Promise<RawStreamEnd> {
    while (!this.#end) await this.#more();
    return this.#end;
  }

  #take(length: number): Uint8Array {
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return taken;
  }

  #varintSize(at: number): number | undefined {
    const first = this.#bytes[at];
    if (first === undefined) return undefined;
    const size = 1 << (first >> 6);
    return this.#bytes.length >= at + size ? size : undefined;
  }

  /** Resolves when there is more, or the end. */
  #more(): Promise<void> {
    if (!this.#canReceive) return Promise.reject(new TypeError(`Nothing comes on stream ${this.id} of this side`));
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (!this.#reading) {
        this.#reading = true;
        this.quic.onReadable = () => this.#read();
      }
      this.#read();
    });
  }

  #read(): void {
    const before = this.#bytes.length;
    const pieces = [this.#bytes];
    try {
      while (!this.#end) {
        const bytes = this.quic.tryReceive();
        if (bytes === undefined) break;
        if (bytes.length === 0) this.#end = { kind: 'finished', name: undefined };
        else pieces.push(bytes);
      }
    } catch (error) {
      this.#end = endOf(error);
    }
    if (pieces.length > 1) this.#bytes = rawBytes(...pieces);
    if (this.#bytes.length > before || this.#end) for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

function endOf(error: unknown): RawStreamEnd {
  const { code, errorCode = 0 } = error as QuicErrorLike;
  if (code === 'ERR_QUIC_STREAM_RESET') return { kind: 'reset', name: rawErrorName(errorCode) };
  if (code === 'ERR_QUIC_STREAM_STOPPED') return { kind: 'stopped', name: rawErrorName(errorCode) };
  return { kind: code === 'ERR_QUIC_STREAM_CLOSED' ? 'reset' : 'lost', name: undefined };
}

function readVarint(bytes: Uint8Array): number {
  let value = (bytes[0] ?? 0) & 0x3f;
  for (const byte of bytes.subarray(1)) value = value * 256 + byte;
  return value;
}

function decodeSection(streamId: number, section: Uint8Array): Record<string, string> {
  const lines = new QpackDecoder({ maxTableCapacity: 0 }).decode(streamId, section)?.toArray() ?? [];
  return Object.fromEntries(lines.map(({ name, value }) => [name, value]));
}
