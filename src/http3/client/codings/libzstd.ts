/**
 * Decoding Zstandard (RFC 8878) by libzstd itself, as the package zstddec has it in WebAssembly. The package wants all of the input
 * to be there when it begins; a body comes in pieces, so its module is driven from here.
 */

import type { ZSTDDecoder as ZstdLoader } from 'zstddec/stream';
import { windowSize } from './zstd-header.js';

/** What is called of libzstd; the names and arguments are those of its manual. Sizes and addresses are 32 bits. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  malloc(size: number): number;
  free(address: number): void;
  ZSTD_createDCtx(): number;
  ZSTD_freeDCtx(context: number): void;
  ZSTD_decompressStream(context: number, output: number, input: number): number;
}

let library: Promise<Exports> | undefined;

/** The package is large, and few need it: it is loaded by whoever is first to. */
async function load(): Promise<Exports> {
  const { ZSTDDecoder } = await import('zstddec/stream');
  let found: Exports | undefined;
  // The package keeps its module to itself, but for whoever overrides what it does when the module is there.
  class Loader extends ZSTDDecoder {
    override _init(result: Parameters<ZstdLoader['_init']>[0]): void {
      super._init(result);
      // The types of WebAssembly come with the DOM library, which is not for Node.
      found = (result as { readonly instance: { readonly exports: Exports } }).instance.exports;
    }
  }
  await new Loader().init();
  if (!found) throw new Error('zstddec was loaded by somebody else first, and keeps libzstd to itself');
  return found;
}

/** `ZSTD_inBuffer` and `ZSTD_outBuffer`: address, size, position. */
const BUFFER_STRUCT = 12;
const INPUT_SIZE = 65_536;
/** `ZSTD_DStreamOutSize`: a whole block. */
const OUTPUT_SIZE = 131_072;
/** Results of `ZSTD_decompressStream` from -120 on are errors. */
const FIRST_ERROR = -120;

/** One stream of frames being decoded. */
export class ZstdContext {
  /** Largest window that a frame may ask for, in bytes: what content codings may use (RFC 9659 section 3). */
  static readonly LARGEST_WINDOW = 8 * 2 ** 20;

  readonly #library: Exports;
  readonly #context: number;
  readonly #base: number;
  /** What is in the input buffer: from `#start` on, `#end` not included. */
  #start = 0;
  #end = 0;
  #outputWasFull = false;
  #betweenFrames = true;

  private constructor(library: Exports) {
    this.#library = library;
    this.#context = library.ZSTD_createDCtx();
    this.#base = library.malloc(2 * BUFFER_STRUCT + INPUT_SIZE + OUTPUT_SIZE);
    if (this.#context === 0 || this.#base === 0) throw new Error('no memory is left for decoding zstd');
  }

  static async create(): Promise<ZstdContext> {
    return new ZstdContext(await (library ??= load()));
  }

  /** Whether what came so far ends where a frame ends. */
  get betweenFrames(): boolean {
    return this.#betweenFrames && this.#start === this.#end;
  }

  /** Takes bytes, when {@link next} has nothing left to decode. Returns how many it took. */
  feed(bytes: Uint8Array): number {
    const memory = this.#memory();
    const input = this.#base + 2 * BUFFER_STRUCT;
    memory.copyWithin(input, input + this.#start, input + this.#end);
    this.#end -= this.#start;
    this.#start = 0;
    const taken = Math.min(bytes.length, INPUT_SIZE - this.#end);
    memory.set(taken === bytes.length ? bytes : bytes.subarray(0, taken), input + this.#end);
    this.#end += taken;
    return taken;
  }

  /**
   * The next decoded bytes, at most a block; undefined when it has to be fed.
   *
   * @param last whether nothing follows what was fed
   * @throws Error for what is not zstd, or asks for too large a window
   */
  next(last: boolean): Buffer | undefined {
    while (this.#start < this.#end || this.#outputWasFull) {
      // Checked before libzstd sees it, and so before it takes the memory.
      if (this.#betweenFrames && !this.#headerIsFine() && !last) return undefined;
      const size = this.#step();
      if (size > 0) {
        const output = this.#base + 2 * BUFFER_STRUCT + INPUT_SIZE;
        return Buffer.from(this.#memory().subarray(output, output + size));
      }
    }
    return undefined;
  }

  free(): void {
    this.#library.ZSTD_freeDCtx(this.#context);
    this.#library.free(this.#base);
  }

  /** False: there are too few bytes of the frame's header to tell. @throws Error when its window is too large */
  #headerIsFine(): boolean {
    const input = this.#base + 2 * BUFFER_STRUCT;
    const size = windowSize(this.#memory().subarray(input + this.#start, input + this.#end));
    if (size !== undefined && size > ZstdContext.LARGEST_WINDOW) {
      throw new Error(`it needs a window of ${size} bytes, ${ZstdContext.LARGEST_WINDOW} are allowed (RFC 9659)`);
    }
    return size !== undefined;
  }

  /** One call of libzstd. Returns the bytes that it put out. */
  #step(): number {
    const input = this.#base;
    const output = input + BUFFER_STRUCT;
    const before = new DataView(this.#library.memory.buffer);
    before.setUint32(input, this.#base + 2 * BUFFER_STRUCT, true);
    before.setUint32(input + 4, this.#end, true);
    before.setUint32(input + 8, this.#start, true);
    before.setUint32(output, this.#base + 2 * BUFFER_STRUCT + INPUT_SIZE, true);
    before.setUint32(output + 4, OUTPUT_SIZE, true);
    before.setUint32(output + 8, 0, true);
    const result = this.#library.ZSTD_decompressStream(this.#context, output, input) | 0;
    if (result < 0 && result > FIRST_ERROR) throw new Error(`libzstd refuses it (error ${-result})`);
    // The memory may have grown, upon which views of it are no longer good.
    const after = new DataView(this.#library.memory.buffer);
    this.#start = after.getUint32(input + 8, true);
    const size = after.getUint32(output + 8, true);
    this.#outputWasFull = size === OUTPUT_SIZE && result !== 0;
    this.#betweenFrames = result === 0;
    return size;
  }

  #memory(): Uint8Array {
    return new Uint8Array(this.#library.memory.buffer);
  }
}
