import type { SocketAddress } from '../../quic/types/udp.js';

import type { Schedule } from './schedule.js';
import type { DropCause } from './datagram.js';

/** What the network needs to know of the sender of a datagram. */
export interface WireSender {
  readonly hostName: string;
  /** The sending socket's address, as the host knows it. */
  readonly local: SocketAddress;
  /** ICMP says that nobody listens at the remote. */
  portUnreachable(): void;
}

/** A datagram on its way, as the network hands it to the host that it arrives at. */
export interface Arrival {
  readonly payload: Uint8Array;
  readonly from: SocketAddress;
  readonly to: SocketAddress;
  readonly ecn: number;
}

/** What a simulated host stands on. */
export interface Wire {
  readonly schedule: Schedule;
  /** Sends a datagram on its way; the payload is kept and must not change any more. */
  transmit(sender: WireSender, payload: Uint8Array, to: SocketAddress, ecn: number): void;
  /** Counts a datagram that never left its host. */
  dropAtSource(sender: WireSender, payload: Uint8Array, to: SocketAddress, ecn: number, cause: DropCause): void;
}
