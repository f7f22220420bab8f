import { constants } from 'node:os';

import type { SocketAddress } from '../../types/udp.js';

/** The error of a system call, of the shape that Node's own have. */
export function errnoError(syscall: string, code: string, remote?: SocketAddress): NodeJS.ErrnoException {
  const where = remote === undefined ? '' : ` ${remote.address}:${remote.port}`;
  const error: NodeJS.ErrnoException = new Error(`${syscall} ${code}${where}`);
  error.code = code;
  error.errno = -((constants.errno as Record<string, number>)[code] ?? 0);
  error.syscall = syscall;
  return remote === undefined ? error : Object.assign(error, { address: remote.address, port: remote.port });
}
