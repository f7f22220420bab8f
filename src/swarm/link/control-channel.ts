/** The control stream between an agent and its coordinator: messages both ways, in order. */

import { SwarmError } from '../errors.js';
import { FRAME, STREAM_CODE } from '../wire/codes.js';
import { decodeControl, encodeControl, type ControlMessage } from '../wire/control.js';
import { protocolError } from '../wire/frames.js';
import type { FrameStream } from './frame-stream.js';

/** What may wait for a remote that does not read. Beyond it the remote is given up. */
const MAX_BACKLOG = 16 * 1024 * 1024;
/** Before everything else on the connection. */
const PRIORITY = 1000;

export class ControlChannel {
  readonly #stream: FrameStream;

  constructor(stream: FrameStream) {
    this.#stream = stream;
    stream.stream.setPriority(PRIORITY);
  }

  /** Whether it was opened in early data, whose sender the handshake has not confirmed yet. */
  get early(): boolean {
    return this.#stream.stream.early;
  }

  /** Sends a message behind those before it. What goes wrong shows when reading. */
  send(message: ControlMessage): void {
    this.sendEncoded(encodeControl(message));
  }

  /** As {@link send}, for what is encoded once and sent to many. */
  sendEncoded(bytes: Uint8Array): void {
    if (this.#stream.stream.sendState !== 'open') return;
    try {
      const full = this.#stream.writeBytes(bytes);
      full?.catch(() => undefined);
    } catch {
      return;
    }
    if (this.#stream.stream.stats().bytesPending > MAX_BACKLOG) this.#stream.cancel(STREAM_CODE.refused);
  }

  /** The next message; `undefined` when the remote has ended the stream. @throws SwarmError */
  async read(): Promise<ControlMessage | undefined> {
    const frame = await this.#stream.read();
    if (!frame) return undefined;
    if (frame.kind !== FRAME.control) throw protocolError(`a frame of kind ${frame.kind} on a control stream`);
    return decodeControl(frame.payload);
  }

  /** No more messages; those before it still arrive. */
  finish(): void {
    this.#stream.finish();
  }
}

/** Reads with a limit of time. @throws SwarmError `ERR_SWARM_TIMEOUT` */
export async function readWithin(
  channel: ControlChannel,
  clock: { setTimer(delay: number, callback: () => void): { cancel(): void } },
  timeout: number,
  remote: string,
): Promise<ControlMessage | undefined> {
  let timer: { cancel(): void } | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = clock.setTimer(timeout, () =>
      reject(new SwarmError('ERR_SWARM_TIMEOUT', `${remote} has said nothing within ${timeout} ms of connecting`)),
    );
  });
  try {
    return await Promise.race([channel.read(), late]);
  } finally {
    timer?.cancel();
  }
}
