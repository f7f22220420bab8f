import type { DatagramSink, SocketAddress, UdpBindOptions, UdpSocket } from '../../quic/types/udp.js';

import { canonicalAddress, familyOf, headerBytes, isLoopbackAddress, isWildcardAddress } from './addresses.js';
import type { Arrival, Wire, WireSender } from './wire.js';

/** What a socket asks of the host that it lives on. */
export interface SocketHost {
  readonly name: string;
  readonly wire: Wire;
  /** MTU of the host's interface. */
  readonly mtu: number;
  /** Whether sends are held back, as by a kernel whose buffer is full. */
  readonly holding: boolean;
  /** Code of the error that every send meets; undefined while sending works. */
  readonly sendFailure: string | undefined;
  hasAddress(address: string): boolean;
  /** The address from which a socket bound to all of them sends to `remote`. */
  sourceFor(remote: string): string | undefined;
  release(socket: SimSocket): void;
}

/** A UDP socket of a simulated host. */
export class SimSocket implements UdpSocket {
  readonly id: number;
  readonly local: SocketAddress;
  readonly connectedTo: SocketAddress | undefined;
  readonly receiveBufferBytes: number;
  readonly reusePort: boolean;
  /** Whether it takes both IP versions. */
  readonly dualStack: boolean;
  readonly #host: SocketHost;
  readonly #sink: DatagramSink;
  #held: (() => void)[] = [];
  #lastRemote: SocketAddress | undefined;
  #lastCanonical: SocketAddress;
  #closed = false;

  constructor(host: SocketHost, options: UdpBindOptions, local: SocketAddress) {
    this.id = options.id;
    this.local = local;
    this.connectedTo = options.connectTo && canonical(options.connectTo);
    this.receiveBufferBytes = options.receiveBufferBytes;
    this.reusePort = options.reusePort === true;
    this.dualStack = local.address === '::' && !options.ipv6Only;
    this.#host = host;
    this.#sink = options.sink;
    this.#lastCanonical = local;
  }

  get writable(): boolean {
    return !this.#host.holding;
  }

  send(payload: Uint8Array, segmentSize: number, remote: SocketAddress, ecn: number): void {
    if (this.#closed) return;
    const to = this.connectedTo ?? remote;
    const copy = new Uint8Array(payload);
    if (segmentSize === 0 || segmentSize >= copy.length) {
      this.#sendOne(copy, to, ecn);
      return;
    }
    for (let start = 0; start < copy.length; start += segmentSize) {
      this.#sendOne(copy.subarray(start, start + segmentSize), to, ecn);
    }
  }

  flush(): void {}

  ref(): void {}

  unref(): void {}

  close(): Promise<void> {
    this.#closed = true;
    this.#held = [];
    this.#host.release(this);
    return Promise.resolve();
  }

  /** Lets what was held back go. */
  resume(): void {
    const held = this.#held;
    this.#held = [];
    for (const send of held) send();
    this.#soon(() => this.#sink.writable(this));
  }

  /** How well the socket fits what has come in: 0 for not at all, a connected one best. */
  fit(from: SocketAddress, to: SocketAddress): number {
    const { address, port } = this.local;
    if (this.#closed || port !== to.port) return 0;
    const all = isWildcardAddress(address);
    if (all ? !this.#speaks(to) : address !== to.address) return 0;
    const remote = this.connectedTo;
    if (remote === undefined) return all ? 1 : 2;
    return remote.port === from.port && remote.address === from.address ? 3 : 0;
  }

  receive({ payload, from, ecn }: Arrival): void {
    this.#sink.receive(this, payload, from.address, from.port, ecn, 0);
  }

  #sendOne(payload: Uint8Array, remote: SocketAddress, ecn: number): void {
    const host = this.#host;
    if (host.holding) {
      this.#held.push(() => this.#sendOne(payload, remote, ecn));
      return;
    }
    const to = this.#canonical(remote);
    const { address } = this.local;
    if (!isWildcardAddress(address) && !isLoopbackAddress(address) && !host.hasAddress(address)) {
      this.#fail('EADDRNOTAVAIL', true);
      return;
    }
    if (host.sendFailure !== undefined) {
      this.#fail(host.sendFailure, false);
      return;
    }
    const source = isWildcardAddress(address) ? host.sourceFor(to.address) : address;
    if (source === undefined || !this.#speaks(to)) {
      this.#fail(this.#speaks(to) ? 'ENETUNREACH' : 'EINVAL', false);
      return;
    }
    const sender: WireSender = {
      hostName: host.name,
      local: { address: source, port: this.local.port, family: to.family },
      portUnreachable: this.#refused,
    };
    const mtu = isLoopbackAddress(to.address) ? 65_536 : host.mtu;
    if (payload.length + headerBytes(to.family) > mtu) {
      // As EMSGSIZE: no error, since the search for the path MTU runs into it on purpose.
      host.wire.dropAtSource(sender, payload, to, ecn, 'interfaceMtu');
      return;
    }
    host.wire.transmit(sender, payload, to, ecn);
  }

  #speaks(remote: SocketAddress): boolean {
    return this.dualStack || this.local.family === remote.family;
  }

  /** The remote in the one form; senders pass the same object again and again. */
  #canonical(remote: SocketAddress): SocketAddress {
    if (remote !== this.#lastRemote) {
      this.#lastRemote = remote;
      this.#lastCanonical = canonical(remote);
    }
    return this.#lastCanonical;
  }

  readonly #refused = (): void => {
    // As in real kernels, only a connected socket hears of it.
    if (this.connectedTo !== undefined) this.#fail('ECONNREFUSED', false);
  };

  #fail(code: string, fatal: boolean): void {
    const error: NodeJS.ErrnoException = new Error(`send ${code} on ${this.#host.name}, ${this.local.address}`);
    error.code = code;
    this.#soon(() => this.#sink.error(this, error, fatal));
  }

  #soon(callback: () => void): void {
    this.#host.wire.schedule.soon(() => {
      if (!this.#closed) callback();
    });
  }
}

function canonical({ address, port }: SocketAddress): SocketAddress {
  const text = canonicalAddress(address);
  return { address: text, port, family: familyOf(text) };
}
