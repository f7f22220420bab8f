import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

import { QuicError } from '../errors.js';
import type { SocketAddress, UdpBindOptions } from '../types/udp.js';

import { formatSocketAddress, isWildcard, mapAddress } from './address.js';
import { DgramSocket } from './dgram-socket.js';
import { bindError, connectError } from './socket-errors.js';
import { ERROR_MAX_AGE_MS, SystemNetwork } from './system-network.js';

/** Below this, asking the kernel for less once more makes no difference. */
const SMALLEST_BUFFER_BYTES = 1 << 16;

/**
 * The network of the operating system, by `node:dgram`.
 *
 * What that module cannot do, this cannot: no ECN bits, no segmentation in the kernel, and no control of
 * fragmentation. The kernel fragments datagrams that are larger than the MTU of the interface; that is why
 * {@link DgramNetwork.maxPayloadTowards} is there.
 */
export class DgramNetwork extends SystemNetwork {
  /**
   * Binds a socket.
   *
   * @throws QuicError `ERR_QUIC_ADDRESS_IN_USE`, `ERR_QUIC_ADDRESS_NOT_AVAILABLE`, `ERR_QUIC_PERMISSION`,
   *   `ERR_QUIC_BIND`; `ERR_QUIC_UNREACHABLE` when `connectTo` has no route; `ERR_QUIC_INVALID_OPTION` when an address
   *   is no IP address or the runtime has no `reusePort`
   */
  async bind(options: UdpBindOptions): Promise<DgramSocket> {
    const { address, port, sink, connectTo } = options;
    this.checkAddresses(options);
    checkReusePort(options);
    const ipv6 = isIP(address) === 6;
    const dualStack = ipv6 && !options.ipv6Only;
    const socket = createSocket({
      type: ipv6 ? 'udp6' : 'udp4',
      ipv6Only: options.ipv6Only,
      // Without it every send passes through dns.lookup and a turn of nextTick.
      lookup: (host, _options, callback) => callback(null, host, ipv6 ? 6 : 4),
      ...(options.reusePort === true && { reusePort: true }),
    });
    let connected: SocketAddress | undefined;
    try {
      await bindSocket(socket, address, port);
      if (connectTo !== undefined) connected = await connectSocket(socket, connectTo, dualStack);
    } catch (error) {
      socket.close();
      throw error;
    }
    const bound = socket.address();
    const local = this.localAddress(bound.address, bound.port, address);
    return new DgramSocket({
      socket,
      id: options.id,
      local,
      connectedTo: connected,
      receiveBufferBytes: growBuffer(socket, 'Recv', options.receiveBufferBytes),
      sendBufferBytes: growBuffer(socket, 'Send', options.sendBufferBytes),
      dualStack,
      sink,
      addressIsLocal: () => isWildcard(local.address) || this.interfaces.hasAddress(local.address, ERROR_MAX_AGE_MS),
    });
  }
}

function checkReusePort({ address, port, reusePort }: UdpBindOptions): void {
  if (reusePort === true && !runtimeReusesPorts()) {
    throw new QuicError(
      'ERR_QUIC_INVALID_OPTION',
      `Cannot bind ${formatSocketAddress({ address, port })} with reusePort: this runtime has no SO_REUSEPORT for UDP ` +
        '(Node.js has it from 22.12 and 23.1 on).',
    );
  }
}

/** Older versions of Node ignore the option without a word. */
function runtimeReusesPorts(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
}

function bindSocket(socket: Socket, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(bindError(error, address, port));
    socket.once('error', failed);
    socket.once('listening', () => {
      socket.off('error', failed);
      resolve();
    });
    try {
      // `exclusive`: the workers of a cluster would share one socket, and each see a part of every connection.
      socket.bind({ address, port, exclusive: true });
    } catch (error) {
      failed(error as Error);
    }
  });
}

async function connectSocket(socket: Socket, remote: SocketAddress, dualStack: boolean): Promise<SocketAddress> {
  const target = dualStack && remote.family === 'IPv4' ? mapAddress(remote.address) : remote.address;
  const from = formatSocketAddress(socket.address());
  await new Promise<void>((resolve, reject) => {
    const failed = (error: Error): void => reject(connectError(error, from, remote));
    const done = (error?: Error): void => {
      socket.off('error', failed);
      if (error) failed(error);
      else resolve();
    };
    socket.once('error', failed);
    try {
      socket.connect(remote.port, target, done);
    } catch (error) {
      failed(error as Error);
    }
  });
  return remote;
}

/**
 * Deno (2.9) takes sizes of buffers, leaves the sockets as they are, and reports what it was asked for: a window that
 * trusts it overruns the buffer.
 */
const runtimeFeignsBuffers = 'Deno' in globalThis;

/** What every system grants at least, when nobody asks. */
const SMALLEST_DEFAULT_BYTES = 1 << 16;

/** The buffer that a Linux socket has from the start; elsewhere a size that is surely no larger. */
function defaultBuffer(which: 'Recv' | 'Send'): number {
  try {
    const bytes = Number(readFileSync(`/proc/sys/net/core/${which === 'Recv' ? 'rmem' : 'wmem'}_default`, 'utf8'));
    return bytes > 0 ? bytes / 2 : SMALLEST_DEFAULT_BYTES;
  } catch {
    return SMALLEST_DEFAULT_BYTES;
  }
}

/** Asks the kernel for a buffer, for less when it refuses, and tells what it granted; 0 when it does not say. */
function growBuffer(socket: Socket, which: 'Recv' | 'Send', bytes: number): number {
  if (runtimeFeignsBuffers) return defaultBuffer(which);
  for (let ask = bytes; ask >= SMALLEST_BUFFER_BYTES; ask = Math.floor(ask / 2)) {
    try {
      if (grantedBuffer(socket, which) >= ask) break;
      socket[`set${which}BufferSize`](ask);
      break;
    } catch {
      // macOS and the BSDs refuse what is above their limit; Linux grants as much as it may.
    }
  }
  return grantedBuffer(socket, which);
}

function grantedBuffer(socket: Socket, which: 'Recv' | 'Send'): number {
  try {
    const bytes = socket[`get${which}BufferSize`]();
    // Linux doubles what was asked, to have room for its own bookkeeping, and reports the double.
    return process.platform === 'linux' || process.platform === 'android' ? bytes / 2 : bytes;
  } catch {
    return 0;
  }
}
