import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

import { QuicError } from '../errors.js';
import type { SocketAddress, UdpBindOptions, UdpNetwork } from '../types/udp.js';

import { formatSocketAddress, isLoopback, isWildcard, mapAddress, socketAddress, unmapAddress } from './address.js';
import { DgramSocket } from './dgram-socket.js';
import { systemInterfaces } from './interfaces.js';
import type { InterfaceTable } from './interfaces.js';
import { bindError, connectError } from './socket-errors.js';

/** Below this, asking the kernel for less once more makes no difference. */
const SMALLEST_BUFFER_BYTES = 1 << 16;

/** How old the list of addresses may be when an error asks whether an address has gone. */
const ERROR_MAX_AGE_MS = 100;

/** Bytes of the IP and UDP headers, and the largest payload that their length fields allow. */
const HEADERS = {
  IPv4: { bytes: 28, largestPayload: 65_535 - 28 },
  IPv6: { bytes: 48, largestPayload: 65_535 - 8 },
} as const;

/**
 * The network of the operating system, by `node:dgram`.
 *
 * What that module cannot do, this cannot: no ECN bits, no segmentation in the kernel, and no control of
 * fragmentation. The kernel fragments datagrams that are larger than the MTU of the interface; that is why
 * {@link DgramNetwork.maxPayloadTowards} is there.
 */
export class DgramNetwork implements UdpNetwork {
  readonly #interfaces: InterfaceTable;

  /** @param interfaces what is known of this machine's interfaces. Default: what the operating system says */
  constructor(interfaces: InterfaceTable = systemInterfaces) {
    this.#interfaces = interfaces;
  }

  /**
   * Binds a socket.
   *
   * @throws QuicError `ERR_QUIC_ADDRESS_IN_USE`, `ERR_QUIC_ADDRESS_NOT_AVAILABLE`, `ERR_QUIC_PERMISSION`,
   *   `ERR_QUIC_BIND`; `ERR_QUIC_UNREACHABLE` when `connectTo` has no route; `ERR_QUIC_INVALID_OPTION` when an address
   *   is no IP address or the runtime has no `reusePort`
   */
  async bind(options: UdpBindOptions): Promise<DgramSocket> {
    const { address, port, sink, connectTo } = options;
    checkOptions(options);
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
    const local = localAddress(socket, address);
    return new DgramSocket({
      socket,
      id: options.id,
      local,
      connectedTo: connected,
      receiveBufferBytes: growBuffer(socket, 'Recv', options.receiveBufferBytes),
      sendBufferBytes: growBuffer(socket, 'Send', options.sendBufferBytes),
      dualStack,
      sink,
      addressIsLocal: () => isWildcard(local.address) || this.#interfaces.hasAddress(local.address, ERROR_MAX_AGE_MS),
    });
  }

  /**
   * The MTU of the interface towards `remote`, less the headers: of the loopback interface for this machine's own
   * addresses, else of the interface that has the address of `local`, or whose subnet `remote` is in.
   *
   * Undefined when a socket bound to all addresses sends beyond the local subnets, and where the system does not tell
   * MTUs: anywhere but Linux, apart from the loopback of macOS and the BSDs. Looked up again every few seconds.
   */
  maxPayloadTowards(local: SocketAddress, remote: SocketAddress): number | undefined {
    const mtu = this.#mtuTowards(local.address, remote.address);
    const headers = HEADERS[remote.family];
    if (mtu === undefined || mtu <= headers.bytes) return undefined;
    return Math.min(mtu - headers.bytes, headers.largestPayload);
  }

  /** Whether an address is one of this machine's, as known within the last seconds; `0.0.0.0` and `::` always are. */
  hasLocalAddress(address: string): boolean {
    return isWildcard(address) || this.#interfaces.hasAddress(address);
  }

  #mtuTowards(local: string, remote: string): number | undefined {
    if (isLoopback(remote) || this.#interfaces.hasAddress(remote)) return this.#interfaces.loopbackMtu();
    if (isWildcard(local)) return this.#interfaces.mtuOfSubnet(remote);
    return this.#interfaces.mtuOfAddress(local);
  }
}

function checkOptions({ address, port, connectTo, reusePort }: UdpBindOptions): void {
  if (isIP(address) === 0) {
    throw new QuicError(
      'ERR_QUIC_INVALID_OPTION',
      `Cannot bind a UDP socket to '${address}': it is no IP address. Host names are not looked up here.`,
    );
  }
  if (connectTo !== undefined && socketAddress(connectTo.address, connectTo.port) === undefined) {
    throw new QuicError(
      'ERR_QUIC_INVALID_OPTION',
      `Cannot connect a UDP socket to '${connectTo.address}' port ${connectTo.port}: that is no IP address and port.`,
    );
  }
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

/** Where the socket is; the zone, which the system leaves out, as it was given. */
function localAddress(socket: Socket, asked: string): SocketAddress {
  const { address, port } = socket.address();
  const zone = asked.includes('%') && !address.includes('%') ? asked.slice(asked.indexOf('%')) : '';
  const local = socketAddress(unmapAddress(address) + zone, port);
  return local ?? { address, port, family: 'IPv4' };
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
