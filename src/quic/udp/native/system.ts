/** Functions of the C library and of libuv, as Node's own process image has them. */

import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';

import { loadFfi } from './ffi.js';
import type { DynamicLibrary, FfiModule, NativeSignature, NativeValues, Pointer } from './ffi.js';
import { UV_POLL } from './layout.js';

const SIGNATURES = {
  // `socklen_t *` and buffers are given by address, which costs less than letting Node find it out at each call.
  socket: { return: 'int32', arguments: ['int32', 'int32', 'int32'] },
  bind: { return: 'int32', arguments: ['int32', 'pointer', 'uint32'] },
  connect: { return: 'int32', arguments: ['int32', 'pointer', 'uint32'] },
  getsockname: { return: 'int32', arguments: ['int32', 'pointer', 'pointer'] },
  setsockopt: { return: 'int32', arguments: ['int32', 'int32', 'int32', 'pointer', 'uint32'] },
  getsockopt: { return: 'int32', arguments: ['int32', 'int32', 'int32', 'pointer', 'pointer'] },
  // ssize_t, but never more than a datagram: the lower half tells all, and makes no bigint.
  sendmsg: { return: 'int32', arguments: ['int32', 'pointer', 'int32'] },
  recvmmsg: { return: 'int32', arguments: ['int32', 'pointer', 'uint32', 'int32', 'pointer'] },
  close: { return: 'int32', arguments: ['int32'] },
  __errno_location: { return: 'pointer', arguments: [] },
  calloc: { return: 'pointer', arguments: ['uint64', 'uint64'] },
  free: { return: 'void', arguments: ['pointer'] },
  uv_handle_size: { return: 'uint64', arguments: ['int32'] },
  uv_handle_type_name: { return: 'pointer', arguments: ['int32'] },
  uv_poll_init: { return: 'int32', arguments: ['pointer', 'pointer', 'int32'] },
  uv_poll_start: { return: 'int32', arguments: ['pointer', 'int32', 'pointer'] },
  uv_poll_stop: { return: 'int32', arguments: ['pointer'] },
  uv_close: { return: 'void', arguments: ['pointer', 'pointer'] },
  uv_ref: { return: 'void', arguments: ['pointer'] },
  uv_unref: { return: 'void', arguments: ['pointer'] },
} as const satisfies Record<string, NativeSignature>;

type Signatures = typeof SIGNATURES;
type Arguments<T extends readonly (keyof NativeValues)[]> = { -readonly [Index in keyof T]: NativeValues[T[Index]] };

/** The functions, callable. */
export type NativeFunctions = {
  readonly [Name in keyof Signatures]: (
    ...values: Arguments<Signatures[Name]['arguments']>
  ) => NativeValues[Signatures[Name]['return']];
};

/** What the backend stands on. One for each process; never released, since the event loop may hold its callbacks. */
export interface NativeSystem {
  readonly ffi: FfiModule;
  readonly lib: DynamicLibrary;
  readonly functions: NativeFunctions;
  readonly loop: Pointer;
  /** Bytes of a `uv_poll_t`. */
  readonly pollBytes: bigint;
  /** Code (`'EAGAIN'`) of the last call that failed; to be read before anything else is called. */
  errno(): string;
}

const ERRNO_NAMES = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));
// Two names for one number.
ERRNO_NAMES.set(constants.errno.EAGAIN, 'EAGAIN');

/** Opens the system, or says in a sentence why it cannot be used. */
export function openSystem(): NativeSystem | string {
  if (process.platform !== 'linux') return `there is none for ${process.platform}, only for Linux`;
  if (process.arch !== 'x64' && process.arch !== 'arm64')
    return `there is none for ${process.arch}, only for x64 and arm64`;
  if (!isMainThread)
    return 'it works in the main thread only: Node.js aborts when a worker ends with a foreign handle in its event loop';
  const ffi = loadFfi();
  if (typeof ffi === 'string') return ffi;
  try {
    if (ffi.getCurrentEventLoop === undefined) {
      return `node:ffi of Node.js ${process.versions.node} does not tell the event loop (ffi.getCurrentEventLoop)`;
    }
    const { lib, functions } = ffi.dlopen(null, SIGNATURES);
    const native = functions as NativeFunctions;
    if (ffi.toString(native.uv_handle_type_name(UV_POLL)) !== 'poll') return 'libuv numbers its handles otherwise';
    const errnoAt = native.__errno_location();
    return {
      ffi,
      lib,
      functions: native,
      loop: ffi.getCurrentEventLoop(),
      pollBytes: native.uv_handle_size(UV_POLL),
      errno: () => ERRNO_NAMES.get(ffi.getInt32(errnoAt)) ?? 'EIO',
    };
  } catch (error) {
    // The permission model (--permission without --allow-ffi), or a symbol that is not there.
    return `node:ffi cannot be used: ${(error as Error).message.replace(/\.$/, '')}`;
  }
}
