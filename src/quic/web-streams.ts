/** The halves of a QUIC stream as WHATWG streams. */

import type { ReadableByteStreamController, UnderlyingByteSource, UnderlyingSource } from 'node:stream/web';
import type { ReceiveHalf } from './receive-half.js';
import type { SendHalf } from './send-half.js';

const CHUNK_BYTES = 64 * 1024;

/** The application error code that a reason of `abort` or `cancel` asks for. Default 0. */
function codeOf(reason: unknown): number {
  const code = typeof reason === 'object' && reason !== null ? (reason as { errorCode?: unknown }).errorCode : reason;
  return Number.isSafeInteger(code) && (code as number) >= 0 ? (code as number) : 0;
}

/** Pulls from the engine only what the reader asks for: a reader that stops, stops the sender. */
export function readableStream(half: ReceiveHalf): ReadableStream<Uint8Array> {
  const source: UnderlyingByteSource = {
    type: 'bytes',
    async pull(controller: ReadableByteStreamController): Promise<void> {
      const bytes = await half.receive(CHUNK_BYTES);
      if (bytes.length > 0) {
        controller.enqueue(bytes);
        return;
      }
      controller.close();
      // A pending read into a caller's buffer wants to be told of the end.
      (controller.byobRequest as { respond(bytes: number): void } | null | undefined)?.respond(0);
    },
    cancel(reason: unknown): void {
      half.stop(codeOf(reason));
    },
  };
  return new ReadableStream<Uint8Array>(source as unknown as UnderlyingSource<Uint8Array>, { highWaterMark: 0 });
}

/** Accepts a chunk when the engine has accepted the one before. */
export function writableStream(half: SendHalf): WritableStream<Uint8Array> {
  return new WritableStream<Uint8Array>(
    {
      start(controller): void {
        half.acknowledged.catch((error: unknown) => controller.error(error));
      },
      write(chunk): Promise<void> {
        return half.write(chunk);
      },
      close(): Promise<void> {
        return half.finish();
      },
      abort(reason): void {
        half.reset(codeOf(reason));
      },
    },
    { highWaterMark: 1 },
  );
}
