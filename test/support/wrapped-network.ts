import type { UdpBindOptions, UdpNetwork, UdpSocket } from '../../src/quic/index.js';
import { network } from './udp-sockets.js';

/** The real network, as SKEIN_UDP chooses it, whose sockets a test gets hold of. */
export class WrappedNetwork implements UdpNetwork {
  /** Sockets in the order in which they were bound, with what they were bound by. */
  readonly bound: { readonly socket: UdpSocket; readonly options: UdpBindOptions }[] = [];
  readonly #inner = network;

  async bind(options: UdpBindOptions): Promise<UdpSocket> {
    const socket = await this.#inner.bind(options);
    this.bound.push({ socket, options });
    return socket;
  }

  /** Tells the owner of the latest socket of an error, as the operating system would. */
  fail(code: string): void {
    const { socket, options } = this.bound.at(-1)!;
    options.sink.error(socket, Object.assign(new Error(code), { code }), false);
  }

  maxPayloadTowards(...towards: Parameters<UdpNetwork['maxPayloadTowards']>): number | undefined {
    return this.#inner.maxPayloadTowards(...towards);
  }

  hasLocalAddress(address: string): boolean {
    return this.#inner.hasLocalAddress(address);
  }
}
