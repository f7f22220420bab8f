import type { DatagramSink, UdpBindOptions, UdpNetwork, UdpSocket } from '../../src/quic/index.js';
import { network } from './udp-sockets.js';

/**
 * The real network for one member, from which the test can cut it off: nothing that it sends arrives and nothing reaches it, as if its
 * process had been killed or its cable pulled.
 */
export class MuteNetwork implements UdpNetwork {
  isMute = false;

  async bind(options: UdpBindOptions): Promise<UdpSocket> {
    const { sink } = options;
    const outer: DatagramSink = {
      receive: (socket, ...datagram) => this.isMute || sink.receive(socket, ...datagram),
      writable: (socket) => sink.writable(socket),
      error: (socket, error, fatal) => this.isMute || sink.error(socket, error, fatal),
    };
    if (sink.receivedAll) outer.receivedAll = (socket) => sink.receivedAll?.(socket);
    const socket = await network.bind({ ...options, sink: outer });
    const send = socket.send.bind(socket);
    socket.send = (...datagram) => {
      if (!this.isMute) send(...datagram);
    };
    return socket;
  }

  maxPayloadTowards(...towards: Parameters<UdpNetwork['maxPayloadTowards']>): number | undefined {
    return network.maxPayloadTowards(...towards);
  }

  hasLocalAddress(address: string): boolean {
    return network.hasLocalAddress(address);
  }
}
