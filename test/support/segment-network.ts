import type { SocketAddress, UdpBindOptions, UdpNetwork, UdpSocket } from '../../src/quic/index.js';

/** One call of `send`. */
export interface Sent {
  readonly from: number;
  readonly length: number;
  readonly segmentSize: number;
  readonly ecn: number;
}

/**
 * Sockets within this process that take and deliver runs of segments and ECN bits as a kernel with GSO and GRO does,
 * unless told to lose the bits on the way.
 */
export class SegmentNetwork implements UdpNetwork {
  readonly sent: Sent[] = [];
  /** What becomes of the ECN bits on the way. */
  mark: (ecn: number) => number = (ecn) => ecn;
  /**
   * Datagrams that a socket takes from its queue in a turn, one by one and without a word on whether more wait, as
   * `node:dgram` does. Undefined: all at once, and said so.
   */
  batch: number | undefined;
  readonly #queue: (() => void)[] = [];
  readonly #sinks = new Map<number, { socket: UdpSocket; options: UdpBindOptions }>();
  #busy = false;
  #lastPort = 40_000;

  bind(options: UdpBindOptions): Promise<UdpSocket> {
    const port = options.port === 0 ? ++this.#lastPort : options.port;
    const local: SocketAddress = { address: '127.0.0.1', port, family: 'IPv4' };
    const socket: UdpSocket = {
      id: options.id,
      local,
      connectedTo: undefined,
      receiveBufferBytes: 4 << 20,
      writable: true,
      send: (payload, segmentSize, remote, ecn) => {
        this.sent.push({ from: port, length: payload.length, segmentSize, ecn });
        const bytes = new Uint8Array(payload);
        if (this.batch === undefined) {
          setImmediate(() => this.#deliver(bytes, segmentSize, local, remote.port, this.mark(ecn)));
          return;
        }
        const size = segmentSize || bytes.length;
        for (let at = 0; at < bytes.length; at += size) {
          const datagram = bytes.subarray(at, at + size);
          this.#queue.push(() => this.#deliver(datagram, 0, local, remote.port, this.mark(ecn)));
        }
        if (this.#queue.length > 0 && !this.#busy) setImmediate(this.#takeBatch);
        this.#busy = true;
      },
      flush: () => undefined,
      ref: () => undefined,
      unref: () => undefined,
      close: () => {
        this.#sinks.delete(port);
        return Promise.resolve();
      },
    };
    this.#sinks.set(port, { socket, options });
    return Promise.resolve(socket);
  }

  readonly #takeBatch = (): void => {
    for (const deliver of this.#queue.splice(0, this.batch)) deliver();
    this.#busy = this.#queue.length > 0;
    if (this.#busy) setImmediate(this.#takeBatch);
  };

  #deliver(bytes: Uint8Array, segmentSize: number, from: SocketAddress, port: number, ecn: number): void {
    const to = this.#sinks.get(port);
    if (to === undefined) return;
    const { sink } = to.options;
    sink.receive(to.socket, bytes, from.address, from.port, ecn, segmentSize);
    if (this.batch === undefined) sink.receivedAll?.(to.socket);
  }

  maxPayloadTowards(): number {
    return 1452;
  }

  hasLocalAddress(): boolean {
    return true;
  }
}
