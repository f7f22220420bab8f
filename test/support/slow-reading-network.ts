import type { DatagramSink } from '../../src/quic/index.js';
import { network } from './udp-sockets.js';
import type { UdpBindOptions, UdpNetwork, UdpSocket } from '../../src/quic/index.js';

/**
 * The real network for a process that is busy with something else most of the time: what has come meanwhile is read at once, some
 * `pause` milliseconds after the first of it.
 */
export function slowReadingNetwork(pause: number): UdpNetwork {
  return {
    async bind(options: UdpBindOptions): Promise<UdpSocket> {
      const { sink } = options;
      let held: Parameters<DatagramSink['receive']>[] = [];
      const outer: DatagramSink = {
        receive(socket, payload, ...rest) {
          if (held.push([socket, Uint8Array.from(payload), ...rest]) > 1) return;
          setTimeout(() => {
            const all = held;
            held = [];
            for (const datagram of all) sink.receive(...datagram);
          }, pause);
        },
        writable: (socket) => sink.writable(socket),
        error: (...what) => sink.error(...what),
      };
      return network.bind({ ...options, sink: outer });
    },
    maxPayloadTowards: (...towards) => network.maxPayloadTowards(...towards),
    hasLocalAddress: (address) => network.hasLocalAddress(address),
  };
}
