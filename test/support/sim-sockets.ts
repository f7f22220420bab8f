import type { SocketAddress, UdpBindOptions } from '../../src/quic/types/udp.js';
import type { SimHost, SimSocket } from '../../src/testing/sim/index.js';

/** What a simulated socket received, and when. */
export interface Received {
  readonly time: number;
  readonly payload: Uint8Array;
  readonly address: string;
  readonly port: number;
  readonly ecn: number;
}

/** A socket of a simulated host, and what it told its sink. */
export interface BoundSimSocket {
  readonly socket: SimSocket;
  readonly received: Received[];
  readonly errors: { readonly code: string | undefined; readonly fatal: boolean; readonly time: number }[];
  readonly writable: number[];
}

export async function simBound(host: SimHost, options: Partial<UdpBindOptions> = {}): Promise<BoundSimSocket> {
  const received: Received[] = [];
  const errors: BoundSimSocket['errors'] = [];
  const writable: number[] = [];
  const socket = await host.bind({
    id: 1,
    address: host.addresses[0]!,
    port: 0,
    ipv6Only: false,
    receiveBufferBytes: 1 << 20,
    sendBufferBytes: 1 << 20,
    sink: {
      receive: (_socket, payload, address, port, ecn) =>
        void received.push({ time: host.clock.now(), payload: new Uint8Array(payload), address, port, ecn }),
      writable: () => void writable.push(host.clock.now()),
      error: (_socket, error, fatal) => void errors.push({ code: error.code, fatal, time: host.clock.now() }),
    },
    ...options,
  });
  return { socket, received, errors, writable };
}

/** A remote address. */
export function at(address: string, port: number): SocketAddress {
  return { address, port, family: address.includes(':') ? 'IPv6' : 'IPv4' };
}
