/** Undoing the content coding `zstd` (RFC 8878, with the bounds of RFC 9659). */

import { Duplex } from 'node:stream';
import { ZstdContext } from './libzstd.js';

/**
 * Any number of frames one after the other. It decodes no more than its reader takes: a few bytes may stand for gigabytes.
 *
 * It is used on every runtime. Node 20 has no zstd; that of Node 22 and 24 gives the first frame for the whole, and Node 22 takes
 * content that was cut off for complete.
 */
export class ZstdDecoder extends Duplex {
  #context: ZstdContext | undefined;
  #chunk: Uint8Array = new Uint8Array(0);
  #last = false;
  /** To be called when the chunk is decoded. */
  #done: ((error?: Error | null) => void) | undefined;
  #wanted = false;
  #working = false;

  override _construct(callback: (error?: Error | null) => void): void {
    ZstdContext.create().then(
      (context) => {
        this.#context = context;
        callback();
      },
      (error: unknown) => callback(error as Error),
    );
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#chunk = chunk;
    this.#done = callback;
    this.#work();
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#last = true;
    this.#done = (error) => {
      if (!error) this.push(null);
      callback(error);
    };
    this.#work();
  }

  override _read(): void {
    this.#wanted = true;
    this.#work();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#context?.free();
    this.#context = undefined;
    callback(error);
  }

  #work(): void {
    const done = this.#done;
    // What a push leads to may come here again.
    if (!this.#context || !done || this.#working) return;
    let failure: Error | undefined;
    this.#working = true;
    try {
      if (!this.#decode(this.#context)) return;
    } catch (error) {
      failure = error as Error;
    } finally {
      this.#working = false;
    }
    this.#done = undefined;
    done(failure);
  }

  /** Whether all is decoded; false: the reader has enough for now. */
  #decode(context: ZstdContext): boolean {
    while (this.#wanted) {
      const bytes = context.next(this.#last);
      if (bytes) {
        this.#wanted = false;
        if (this.push(bytes)) this.#wanted = true;
        if (this.destroyed) return false;
      } else if (this.#chunk.length > 0) this.#chunk = this.#chunk.subarray(context.feed(this.#chunk));
      else if (this.#last && !context.betweenFrames) throw new Error('it ends within a frame');
      else return true;
    }
    return false;
  }
}
