/** A QUIC stream as a row of frames, both ways. */

import type { QuicStream } from '../../quic/index.js';
import { QuicError } from '../../quic/index.js';
import { SwarmError } from '../errors.js';
import { FRAME, STREAM_CODE, errorOfStreamCode } from '../wire/codes.js';
import { encodeValue } from '../wire/codec.js';
import { copyOf, FrameReader, frameHeader, writeFrame, writeTextFrame, type Frame } from '../wire/frames.js';

/** Frames that fit are put together here, so that they cross into the engine at once. It is empty again before anybody waits. */
const scratch = Buffer.allocUnsafeSlow(16 * 1024);
/** The same bytes: parts of an array are made faster than parts of a Buffer. */
const scratchBytes = new Uint8Array(scratch.buffer);
/**
 * Where streams read to that have nothing unread yet: most exchanges are read whole from here, and leave nothing to collect. Whoever needs
 * it has the reader before it copy what that has left.
 */
const inbox = Buffer.allocUnsafeSlow(16 * 1024);
let reading: FrameReader | undefined;
/** Bytes that one read takes out of the engine. */
const READ_BYTES = 256 * 1024;

/** Nothing to read at the moment. */
export const PENDING = Symbol('pending');

/** What {@link FrameStream.step} has come to. */
export const STEP = { frame: 1, pending: 0, end: -1 } as const;
export type Step = (typeof STEP)[keyof typeof STEP];

/** A frame to be written; a string stands for a `value` frame of it, which is put into bytes where it is written to. */
export type Outgoing = Frame | string;

/** Who hears of frames. */
export interface FrameListener {
  /** `poll` may have something new. */
  framesReady(): void;
}

/**
 * Frames of one stream. One reader at a time: either `read`, or `poll` with `onFrames`. Nothing is taken out of QUIC before
 * somebody asks, so that an application that stops reading stops the sender.
 */
export class FrameStream {
  readonly stream: QuicStream;
  /** Whom the stream leads to, for messages. */
  readonly #remote: string;
  /** Where {@link step} leaves a frame. */
  readonly reader: FrameReader;
  #ended = false;
  #polling = false;
  #listener: FrameListener | undefined;
  #error: SwarmError | undefined;

  constructor(stream: QuicStream, remote: string, maxMessageBytes: number, maxControlBytes?: number) {
    this.stream = stream;
    this.#remote = remote;
    this.reader = new FrameReader(maxMessageBytes, maxControlBytes);
  }

  // Reading.

  /** The next frame, `undefined` at the end of the stream, or {@link PENDING}. @throws SwarmError */
  poll(): Frame | undefined | typeof PENDING {
    switch (this.step()) {
      case STEP.frame:
        return this.reader.take();
      case STEP.pending:
        return PENDING;
      case STEP.end:
        return undefined;
    }
  }

  /**
   * Goes to the next frame, which then stands in {@link reader}, only until any stream is read again: who looks at it does so at once, and
   * before code of the application runs. @throws SwarmError
   */
  step(): Step {
    if (this.#error) throw this.#error;
    this.#polling = true;
    try {
      for (;;) {
        if (this.reader.step()) return STEP.frame;
        if (this.#ended) return STEP.end;
        if (!this.#receive()) return STEP.pending;
      }
    } catch (error) {
      throw this.#failed(error);
    } finally {
      this.#polling = false;
    }
  }

  /** Has the reader take what has come; whether there was anything, or the end. */
  #receive(): boolean {
    const { reader } = this;
    if (!reader.isAtBoundary) {
      const bytes = this.stream.tryReceive(READ_BYTES);
      if (!bytes) return false;
      if (bytes.length > 0) reader.push(bytes);
      else this.#end();
      return true;
    }
    reading?.keep();
    reading = undefined;
    const length = this.stream.tryReceiveInto(inbox);
    if (length < 0) return false;
    if (length === 0) {
      this.#end();
      return true;
    }
    reading = reader;
    reader.lend(inbox, length);
    return true;
  }

  #end(): void {
    this.#ended = true;
    if (!this.reader.isAtBoundary) {
      throw new SwarmError('ERR_SWARM_PROTOCOL', `${this.#remote} ended a stream in the middle of a frame`, {
        remote: true,
      });
    }
  }

  #failed(error: unknown): SwarmError {
    this.#error ??= streamError(error, this.#remote);
    // The other half stays, so that the remote can be told.
    if (SwarmError.isSwarmError(error)) {
      this.stream.stopSending(error.code === 'ERR_SWARM_TOO_LARGE' ? STREAM_CODE.tooLarge : STREAM_CODE.protocol);
    }
    return this.#error;
  }

  /** The next frame, waiting for it; `undefined` at the end of the stream. @throws SwarmError */
  async read(): Promise<Frame | undefined> {
    for (;;) {
      const frame = this.poll();
      if (frame !== PENDING) return frame;
      await new Promise<void>((resolve) => {
        this.stream.onReadable = resolve;
      });
    }
  }

  /** What was taken out of QUIC and no frame was made of yet: where frames are not looked at any further. */
  takeUnread(): Uint8Array {
    return this.reader.takeRest();
  }

  /** The next bytes as they come, `undefined` at the end of the stream. @throws SwarmError */
  async readBytes(): Promise<Uint8Array | undefined> {
    if (this.#ended) return undefined;
    try {
      const bytes = await this.stream.receive({ maxBytes: READ_BYTES });
      if (bytes.length > 0) return bytes;
      this.#ended = true;
      return undefined;
    } catch (error) {
      throw streamError(error, this.#remote);
    }
  }

  /** Told whenever `poll` may have something new. */
  set onFrames(listener: FrameListener | undefined) {
    const before = this.#listener;
    this.#listener = listener;
    if (listener) this.stream.onReadable = () => this.#onReadable();
    else if (before) this.stream.onReadable = undefined;
  }

  // QUIC tells of the end while it is being read: whoever polls sees it with the next poll.
  #onReadable(): void {
    if (!this.#polling) this.#listener?.framesReady();
  }

  // Writing.

  /** Writes a frame; the promise is the backpressure, and absent when all was taken at once. @throws SwarmError */
  write(kind: number, payload: Uint8Array): Promise<void> | undefined {
    return this.writeFrame({ kind, payload });
  }

  /** As {@link write}; `before` is bytes of whole frames that go before it. */
  writeFrame(frame: Outgoing, before?: Uint8Array): Promise<void> | undefined {
    return this.#writeFrame(frame, before, false);
  }

  /** As {@link writeFrame}, and FIN behind it. The promise is absent when all was taken, FIN included. */
  writeLastFrame(frame: Outgoing, before?: Uint8Array): Promise<void> | undefined {
    return this.#writeFrame(frame, before, true)?.then(() => this.finish());
  }

  /** With `last`, FIN follows if, and only if, all is taken at once. */
  #writeFrame(frame: Outgoing, before: Uint8Array | undefined, last: boolean): Promise<void> | undefined {
    const beginning = before?.length ?? 0;
    if (beginning <= scratch.length) {
      if (before) scratch.set(before);
      const end =
        typeof frame === 'string'
          ? writeTextFrame(scratch, beginning, frame)
          : writeFrame(scratch, beginning, frame.kind, frame.payload);
      if (end >= 0) return this.#writeScratch(end, last);
    }
    const { kind, payload } = typeof frame === 'string' ? { kind: FRAME.value, payload: encodeValue(frame) } : frame;
    const first = before && this.writeBytes(before);
    const header = frameHeader(kind, payload.length);
    const second = first ? first.then(() => this.writeBytes(header)) : this.writeBytes(header);
    if (second) return second.then(() => this.writeBytes(payload));
    const third = this.writeBytes(payload);
    if (last && !third) this.finish();
    return third;
  }

  #writeScratch(end: number, last: boolean): Promise<void> | undefined {
    const taken = this.#tryWrite(scratchBytes.subarray(0, end), last);
    // Others write over the scratch before QUIC has taken the rest.
    return taken === end ? undefined : this.#writeRest(copyOf(scratch, taken, end));
  }

  #tryWrite(bytes: Uint8Array, last = false): number {
    try {
      return last ? this.stream.trySendLast(bytes) : this.stream.trySend(bytes);
    } catch (error) {
      throw streamError(error, this.#remote);
    }
  }

  #writeRest(bytes: Uint8Array): Promise<void> {
    return this.stream.send(bytes).catch((error: unknown) => {
      throw streamError(error, this.#remote);
    });
  }

  /** As {@link write}, of bytes that are frames already. */
  writeBytes(bytes: Uint8Array): Promise<void> | undefined {
    const taken = this.#tryWrite(bytes);
    if (taken === bytes.length) return undefined;
    return this.#writeRest(taken === 0 ? bytes : bytes.subarray(taken));
  }

  /** FIN. What goes wrong with it shows when reading. */
  finish(): void {
    this.stream.end();
  }

  /** Gives up both halves with a code of {@link STREAM_CODE}. */
  cancel(code: number): void {
    if (this.stream.sendState !== undefined) this.stream.reset(code);
    this.stream.stopSending(code);
  }
}

/** What a stream, or its connection, failed with, in the words of swarms. */
export function streamError(error: unknown, remote: string): SwarmError {
  if (SwarmError.isSwarmError(error)) return error;
  if (!QuicError.isQuicError(error)) {
    const words = error instanceof Error ? error.message : String(error);
    return new SwarmError('ERR_SWARM_AGENT_LOST', `The exchange with ${remote} failed: ${words}`, { cause: error });
  }
  if (error.code === 'ERR_QUIC_STREAM_RESET' || error.code === 'ERR_QUIC_STREAM_STOPPED') {
    const code = errorOfStreamCode(error.errorCode);
    return new SwarmError(code, `${remote} ${verbOf(code)}`, { remote: true, cause: error });
  }
  if (error.code === 'ERR_QUIC_STREAM_CLOSED') {
    return new SwarmError('ERR_SWARM_CANCELLED', `The exchange with ${remote} was cancelled here`, { cause: error });
  }
  return new SwarmError(
    'ERR_SWARM_AGENT_LOST',
    `The connection to ${remote} ended before the exchange did: ${error.message}`,
    { remote: error.remote, cause: error },
  );
}

function verbOf(code: SwarmError['code']): string {
  switch (code) {
    case 'ERR_SWARM_TIMEOUT':
      return 'gave up the exchange because its deadline had passed';
    case 'ERR_SWARM_PROTOCOL':
      return 'broke the exchange off: what it was sent is not of the protocol it speaks';
    case 'ERR_SWARM_TOO_LARGE':
      return 'refused what it was sent: it is larger than the maxMessageBytes there';
    case 'ERR_SWARM_AGENT_LOST':
      return 'lost the agent that the exchange was for';
    default:
      return 'cancelled the exchange';
  }
}
