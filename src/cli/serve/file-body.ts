/** The content of files as bodies of responses, read no faster than it is sent. */

import type { FileHandle } from 'node:fs/promises';
import { Readable, pipeline } from 'node:stream';
import type { Coding } from './content-coding.js';
import { compressor } from './content-coding.js';
import type { ByteRange } from './ranges.js';

const READ_BYTES = 128 * 1024;

/** What a body is made of: bytes as they are, and ranges of a file. */
export type Piece = Uint8Array | ByteRange;

/** The pieces, one after the other. Closes the file at its end, when it fails, and when nobody wants the rest. */
export function fileBody(handle: FileHandle, pieces: readonly Piece[]): ReadableStream<Uint8Array> {
  let index = 0;
  let at = 0;
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    const piece = pieces[index];
    if (piece === undefined) {
      await handle.close();
      controller.close();
      return;
    }
    if (piece instanceof Uint8Array) {
      index++;
      controller.enqueue(piece);
      return;
    }
    const from = piece.first + at;
    const wanted = Math.min(READ_BYTES, piece.last - from + 1);
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(wanted), 0, wanted, from);
    if (bytesRead === 0) throw new Error('the file has become shorter while it was sent');
    at += bytesRead;
    if (piece.first + at > piece.last) [index, at] = [index + 1, 0];
    controller.enqueue(buffer.subarray(0, bytesRead));
  };
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          await pull(controller);
        } catch (error) {
          await handle.close().catch(() => undefined);
          throw error;
        }
      },
      cancel: () => handle.close(),
    },
    { highWaterMark: 0 },
  );
}

/** The same, compressed on the way. */
export function compressed(body: ReadableStream<Uint8Array>, coding: Coding): ReadableStream<Uint8Array> {
  const through = compressor(coding);
  // Failures of the source reach whoever reads, by `through`.
  pipeline(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), through, () => undefined);
  return ReadableStream.from(through as AsyncIterable<Uint8Array>);
}
