import type { FfiModule, Pointer } from './ffi.js';

/**
 * Memory that native code is given the address of. It is an array buffer of its own: its bytes never move, and live as
 * long as this object, which whoever hands out the address has to keep.
 */
export class NativeMemory {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly words: Uint32Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  readonly pointer: Pointer;
  /** The address as a number: user space of Linux ends far below 2 ** 53. */
  readonly address: number;

  /** @param size bytes, a multiple of four */
  constructor(ffi: FfiModule, size: number) {
    const buffer = new ArrayBuffer(size);
    this.bytes = new Uint8Array(buffer);
    this.words = new Uint32Array(buffer);
    this.view = new DataView(buffer);
    this.pointer = ffi.getRawPointer(buffer);
    this.address = Number(this.pointer);
    if (BigInt(this.address) !== this.pointer) throw new Error('an address beyond 2 ** 53');
  }

  /** Address of a place within. */
  at(offset: number): Pointer {
    this.#check(offset, 1);
    return this.pointer + BigInt(offset);
  }

  /** Writes a 64-bit number, an address for example. `offset` is a multiple of four. */
  setUint64(offset: number, value: number): void {
    this.#check(offset, 8);
    this.words[offset >>> 2] = value % 0x1_0000_0000;
    this.words[(offset >>> 2) + 1] = Math.floor(value / 0x1_0000_0000);
  }

  #check(offset: number, size: number): void {
    if (offset < 0 || offset + size > this.bytes.length) throw new RangeError(`no bytes at ${offset}`);
  }
}
