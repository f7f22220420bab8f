import { isIP } from 'node:net';

import type { SocketAddress, UdpBindOptions } from '../../types/udp.js';
import { isWildcard } from '../address.js';
import { ERROR_MAX_AGE_MS, SystemNetwork } from '../system-network.js';
import type { InterfaceTable } from '../interfaces.js';
import { bindError, connectError } from '../socket-errors.js';

import { errnoError } from './errno-error.js';
import {
  AF_INET,
  AF_INET6,
  IP_MTU_DISCOVER,
  IP_RECVTOS,
  IPV6_MTU_DISCOVER,
  IPV6_RECVTCLASS,
  IPV6_V6ONLY,
  PMTUDISC_PROBE,
  SO_RCVBUF,
  SO_REUSEPORT,
  SO_SNDBUF,
  SOCKET_TYPE,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
  SOL_UDP,
  UDP_GRO,
} from './layout.js';
import { NativeMemory } from './memory.js';
import { NativeSocket } from './native-socket.js';
import { readIp, readPort, writeSocketAddress } from './socket-address.js';
import { ADDRESS_BYTES } from './sizes.js';
import type { NativeSystem } from './system.js';

/** Places in the memory for arguments: an address, and behind it an integer. */
const NUMBER_AT = ADDRESS_BYTES;

/** The network of Linux, by its system calls. What {@link openSystem} opened has to be usable: see `support.ts`. */
export class NativeNetwork extends SystemNetwork {
  readonly #system: NativeSystem;
  readonly #memory: NativeMemory;

  /** @param interfaces as for {@link SystemNetwork} */
  constructor(system: NativeSystem, interfaces?: InterfaceTable) {
    super(interfaces);
    this.#system = system;
    this.#memory = new NativeMemory(system.ffi, ADDRESS_BYTES + 8);
  }

  /**
   * Binds a socket.
   *
   * @throws QuicError `ERR_QUIC_ADDRESS_IN_USE`, `ERR_QUIC_ADDRESS_NOT_AVAILABLE`, `ERR_QUIC_PERMISSION`,
   *   `ERR_QUIC_BIND`; `ERR_QUIC_UNREACHABLE` when `connectTo` has no route; `ERR_QUIC_INVALID_OPTION` when an address
   *   is no IP address
   */
  async bind(options: UdpBindOptions): Promise<NativeSocket> {
    this.checkAddresses(options);
    const { address, port, connectTo } = options;
    const ipv6 = isIP(address) === 6;
    const descriptor = this.#system.functions.socket(ipv6 ? AF_INET6 : AF_INET, SOCKET_TYPE, 0);
    if (descriptor < 0) throw bindError(this.#failure('socket'), address, port);
    try {
      this.#configure(descriptor, ipv6, options);
      this.#bind(descriptor, ipv6, options);
      if (connectTo !== undefined) this.#connect(descriptor, ipv6, address, connectTo);
      const local = this.#localAddress(descriptor, address);
      return new NativeSocket(this.#system, {
        descriptor,
        id: options.id,
        local,
        connectedTo: connectTo,
        receiveBufferBytes: this.#growBuffer(descriptor, SO_RCVBUF, options.receiveBufferBytes),
        sendBufferBytes: this.#growBuffer(descriptor, SO_SNDBUF, options.sendBufferBytes),
        ipv6,
        sink: options.sink,
        addressIsLocal: () => isWildcard(local.address) || this.interfaces.hasAddress(local.address, ERROR_MAX_AGE_MS),
      });
    } catch (error) {
      this.#system.functions.close(descriptor);
      throw error;
    }
  }

  #configure(descriptor: number, ipv6: boolean, { address, port, ipv6Only, reusePort }: UdpBindOptions): void {
    const set = (level: number, name: number, value: number): void => {
      if (!this.#set(descriptor, level, name, value)) throw bindError(this.#failure('setsockopt'), address, port);
    };
    if (ipv6) {
      set(SOL_IPV6, IPV6_V6ONLY, ipv6Only ? 1 : 0);
      set(SOL_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_PROBE);
      set(SOL_IPV6, IPV6_RECVTCLASS, 1);
    }
    // IPv6 sockets that take IPv4 too obey these for it.
    if (!ipv6 || !ipv6Only) {
      set(SOL_IP, IP_MTU_DISCOVER, PMTUDISC_PROBE);
      set(SOL_IP, IP_RECVTOS, 1);
    }
    set(SOL_UDP, UDP_GRO, 1);
    if (reusePort === true) set(SOL_SOCKET, SO_REUSEPORT, 1);
  }

  #bind(descriptor: number, ipv6: boolean, { address, port }: UdpBindOptions): void {
    const length = writeSocketAddress(this.#memory, 0, { address, port }, ipv6);
    if (this.#system.functions.bind(descriptor, this.#memory.pointer, length) !== 0) {
      throw bindError(this.#failure('bind'), address, port);
    }
  }

  #connect(descriptor: number, ipv6: boolean, from: string, remote: SocketAddress): void {
    const length = writeSocketAddress(this.#memory, 0, remote, ipv6);
    if (length === 0) throw connectError(errnoError('connect', 'EAFNOSUPPORT'), from, remote);
    if (this.#system.functions.connect(descriptor, this.#memory.pointer, length) !== 0) {
      throw connectError(this.#failure('connect'), from, remote);
    }
  }

  #localAddress(descriptor: number, asked: string): SocketAddress {
    const memory = this.#memory;
    memory.words[NUMBER_AT >>> 2] = ADDRESS_BYTES;
    if (this.#system.functions.getsockname(descriptor, memory.pointer, memory.at(NUMBER_AT)) !== 0) {
      throw bindError(this.#failure('getsockname'), asked, 0);
    }
    return this.localAddress(readIp(memory, 0), readPort(memory, 0), asked);
  }

  /** Asks the kernel for a buffer and tells what it granted; it grants as much as it may. */
  #growBuffer(descriptor: number, name: number, bytes: number): number {
    // Linux doubles what was asked, to have room for its own bookkeeping, and reports the double.
    const granted = (): number => this.#get(descriptor, SOL_SOCKET, name) / 2;
    if (granted() < bytes) this.#set(descriptor, SOL_SOCKET, name, bytes);
    return granted();
  }

  #set(descriptor: number, level: number, name: number, value: number): boolean {
    const memory = this.#memory;
    memory.words[NUMBER_AT >>> 2] = value;
    return this.#system.functions.setsockopt(descriptor, level, name, memory.at(NUMBER_AT), 4) === 0;
  }

  #get(descriptor: number, level: number, name: number): number {
    const memory = this.#memory;
    memory.words[NUMBER_AT >>> 2] = 0;
    memory.words[(NUMBER_AT >>> 2) + 1] = 4;
    this.#system.functions.getsockopt(descriptor, level, name, memory.at(NUMBER_AT), memory.at(NUMBER_AT + 4));
    return memory.words[NUMBER_AT >>> 2] ?? 0;
  }

  #failure(syscall: string): NodeJS.ErrnoException {
    return errnoError(syscall, this.#system.errno());
  }
}
