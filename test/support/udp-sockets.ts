import { selectNetwork } from '../../src/quic/udp/select-network.js';
import type { SystemSocket } from '../../src/quic/udp/system-network.js';
import type { DatagramSink, SocketAddress, UdpBindOptions, UdpSocket } from '../../src/quic/types/udp.js';

/** What one socket told its sink. */
export class RecordingSink implements DatagramSink {
  readonly received: { payload: Uint8Array; address: string; port: number }[] = [];
  readonly errors: { code: string | undefined; fatal: boolean }[] = [];
  /** ECN bits of each datagram. */
  readonly ecn: number[] = [];
  /** How many datagrams came with each call. */
  readonly runs: number[] = [];
  writableCalls = 0;
  #waiters: { met: () => boolean; resolve: () => void }[] = [];

  receive(
    _socket: UdpSocket,
    payload: Uint8Array,
    address: string,
    port: number,
    ecn: number,
    segmentSize: number,
  ): void {
    const step = segmentSize === 0 ? Math.max(payload.length, 1) : segmentSize;
    const count = Math.max(1, Math.ceil(payload.length / step));
    for (let index = 0; index < count; index++) {
      const datagram = new Uint8Array(payload.subarray(index * step, (index + 1) * step));
      this.received.push({ payload: datagram, address, port });
      this.ecn.push(ecn);
    }
    this.runs.push(count);
    this.#wake();
  }

  writable(): void {
    this.writableCalls++;
    this.#wake();
  }

  error(_socket: UdpSocket, error: NodeJS.ErrnoException, fatal: boolean): void {
    this.errors.push({ code: error.code, fatal });
    this.#wake();
  }

  /** Resolves once `met` is true; it is asked at each call of the sink. The test's own time limit bounds it. */
  until(met: () => boolean): Promise<void> {
    if (met()) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ met, resolve }));
  }

  #wake(): void {
    const met = this.#waiters.filter((waiter) => waiter.met());
    this.#waiters = this.#waiters.filter((waiter) => !met.includes(waiter));
    for (const waiter of met) waiter.resolve();
  }
}

/** The network that SKEIN_UDP names; `node:dgram` by default. */
export const { network, name: backend } = await selectNetwork();

/** A real socket on a free port of 127.0.0.1 unless told otherwise, with a sink that records. */
export async function bound(
  options: Partial<UdpBindOptions> = {},
): Promise<{ socket: SystemSocket; sink: RecordingSink; local: SocketAddress }> {
  const sink = new RecordingSink();
  const socket = await network.bind({
    id: 1,
    address: '127.0.0.1',
    port: 0,
    ipv6Only: false,
    receiveBufferBytes: 1 << 22,
    sendBufferBytes: 1 << 22,
    sink,
    ...options,
  });
  return { socket, sink, local: socket.local };
}
