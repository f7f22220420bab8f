import { isIP } from 'node:net';

import { QuicError } from '../errors.js';
import type { SocketAddress, UdpBindOptions, UdpNetwork, UdpSocket } from '../types/udp.js';

import { isLoopback, isWildcard, socketAddress, unmapAddress } from './address.js';
import { systemInterfaces } from './interfaces.js';
import type { InterfaceTable } from './interfaces.js';

/** How old the list of addresses may be when an error asks whether an address has gone. */
export const ERROR_MAX_AGE_MS = 100;

/** Bytes of the IP and UDP headers, and the largest payload that their length fields allow. */
const HEADERS = {
  IPv4: { bytes: 28, largestPayload: 65_535 - 28 },
  IPv6: { bytes: 48, largestPayload: 65_535 - 8 },
} as const;

/** A socket of the operating system. */
export interface SystemSocket extends UdpSocket {
  /** Send buffer that the kernel granted, in bytes; 0 where unknown. */
  readonly sendBufferBytes: number;
}

/** What is the same for all sockets of the operating system, whichever way they are made. */
export abstract class SystemNetwork implements UdpNetwork {
  protected readonly interfaces: InterfaceTable;

  /** @param interfaces what is known of this machine's interfaces. Default: what the operating system says */
  constructor(interfaces: InterfaceTable = systemInterfaces) {
    this.interfaces = interfaces;
  }

  abstract bind(options: UdpBindOptions): Promise<SystemSocket>;

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
    return isWildcard(address) || this.interfaces.hasAddress(address);
  }

  #mtuTowards(local: string, remote: string): number | undefined {
    if (isLoopback(remote) || this.interfaces.hasAddress(remote)) return this.interfaces.loopbackMtu();
    if (isWildcard(local)) return this.interfaces.mtuOfSubnet(remote);
    return this.interfaces.mtuOfAddress(local);
  }

  /** @throws QuicError `ERR_QUIC_INVALID_OPTION` */
  protected checkAddresses({ address, connectTo }: UdpBindOptions): void {
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
  }

  /** Where a socket is; the zone, which the system leaves out, as it was given. */
  protected localAddress(address: string, port: number, asked: string): SocketAddress {
    const zone = asked.includes('%') && !address.includes('%') ? asked.slice(asked.indexOf('%')) : '';
    const local = socketAddress(unmapAddress(address) + zone, port);
    return local ?? { address, port, family: 'IPv4' };
  }
}
