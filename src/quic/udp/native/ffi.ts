/**
 * The part of `node:ffi` (Node >= 26.1, experimental) that is used here; `@types/node` of the oldest supported Node
 * does not know the module.
 */

/** Machine addresses are bigints; 0n is NULL. */
export type Pointer = bigint;

/** The types that signatures here need. A `pointer` takes an address, or NULL. */
export type NativeType = 'void' | 'int32' | 'uint32' | 'uint64' | 'pointer';

export interface NativeSignature {
  readonly return: NativeType;
  readonly arguments: readonly NativeType[];
}

/** What a value of each {@link NativeType} is in JavaScript. */
export interface NativeValues {
  void: undefined;
  int32: number;
  uint32: number;
  uint64: bigint;
  pointer: Pointer;
}

export interface DynamicLibrary {
  registerCallback(signature: NativeSignature, callback: (...values: never[]) => void): Pointer;
}

export interface FfiModule {
  dlopen(
    path: null,
    definitions: Readonly<Record<string, NativeSignature>>,
  ): { readonly lib: DynamicLibrary; readonly functions: object };
  /** The libuv event loop of this thread (Node >= 26.6). */
  getCurrentEventLoop?(): Pointer;
  /** Where the bytes of an array buffer lie. They do not move, and are there for as long as the buffer is referenced. */
  getRawPointer(source: ArrayBuffer): Pointer;
  getInt32(pointer: Pointer, offset?: number): number;
  toString(pointer: Pointer): string | null;
}

/** The module, or a sentence that says why there is none. Importing it makes Node print its warning. */
export function loadFfi(): FfiModule | string {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if ('Bun' in globalThis || 'Deno' in globalThis) return 'this runtime is not Node.js';
  // Node takes several releases to find out that it lacks the module, and prints a warning when it has it: ask late.
  if (major < 26 || (major === 26 && minor < 1)) {
    return `Node.js ${process.versions.node} has no node:ffi (it came with 26.1)`;
  }
  const ffi = process.getBuiltinModule('node:ffi') as FfiModule | undefined;
  if (ffi === undefined) {
    return 'this Node.js was built without node:ffi, or started with --no-experimental-ffi';
  }
  return ffi;
}
