import type { SocketAddress, UdpBindOptions, UdpNetwork } from '../../quic/types/udp.js';

import {
  canonicalAddress,
  familyOf,
  headerBytes,
  isLoopbackAddress,
  isWildcardAddress,
  sameSubnet,
} from './addresses.js';
import type { SimClock } from './clock.js';
import { SimSocket } from './socket.js';
import type { Arrival, Wire } from './wire.js';

const FIRST_EPHEMERAL_PORT = 49_152;
const LAST_PORT = 65_535;
const LOOPBACK_MTU = 65_536;

/** Codes that {@link SimHost.bind} fails with: those of the real network. */
export type SimBindErrorCode = 'ERR_QUIC_ADDRESS_IN_USE' | 'ERR_QUIC_ADDRESS_NOT_AVAILABLE' | 'ERR_QUIC_INVALID_OPTION';

/** A socket could not be bound. */
export class SimBindError extends Error {
  override readonly name = 'SimBindError';
  readonly code: SimBindErrorCode;

  constructor(code: SimBindErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** A machine of the simulated network. */
export class SimHost implements UdpNetwork {
  /** Names it in messages: its first address at the time it was made. */
  readonly name: string;
  readonly clock: SimClock;
  /** MTU of its interface, in bytes; what is larger never leaves. Default 1500. */
  mtu = 1_500;
  /** Code of the error that each send meets (`'ENETUNREACH'`, ...), not fatal; undefined lets them pass. */
  sendFailure: string | undefined;
  /** @internal */
  readonly wire: Wire;
  readonly #addresses: string[];
  readonly #sockets = new Map<number, SimSocket[]>();
  #nextPort = FIRST_EPHEMERAL_PORT;
  #holding = false;

  /** @internal Use {@link SimNetwork.host}. */
  constructor(name: string, addresses: string[], clock: SimClock, wire: Wire) {
    this.#addresses = addresses;
    this.name = name;
    this.clock = clock;
    this.wire = wire;
  }

  /** Its addresses at present, the preferred one first. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** @throws SimBindError with the codes that the real network has */
  async bind(options: UdpBindOptions): Promise<SimSocket> {
    const address = this.#bindAddress(options.address);
    const { connectTo, ipv6Only } = options;
    let source = address;
    if (connectTo !== undefined && isWildcardAddress(address)) {
      source = this.sourceFor(canonicalAddress(connectTo.address)) ?? address;
    }
    const dualStack = address === '::' && !ipv6Only;
    const port = options.port === 0 ? this.#freePort(address, dualStack) : options.port;
    const taken = this.#conflicts(address, port, dualStack);
    if (taken.some((socket) => !socket.reusePort || options.reusePort !== true)) {
      throw new SimBindError(
        'ERR_QUIC_ADDRESS_IN_USE',
        `Cannot bind ${address} port ${port} on the simulated host ${this.name}: another socket has the port`,
      );
    }
    const socket = new SimSocket(this, options, { address: source, port, family: familyOf(source) });
    this.#sockets.set(port, [...(this.#sockets.get(port) ?? []), socket]);
    return socket;
  }

  /** The MTU of the interface ({@link SimHost.mtu}), or of the loopback, less the headers. */
  maxPayloadTowards(_local: SocketAddress, remote: SocketAddress): number {
    const address = canonicalAddress(remote.address);
    const mtu = isLoopbackAddress(address) || this.#addresses.includes(address) ? LOOPBACK_MTU : this.mtu;
    const longest = remote.family === 'IPv4' ? 65_507 : 65_527;
    return Math.min(mtu - headerBytes(remote.family), longest);
  }

  hasLocalAddress(address: string): boolean {
    const canonical = canonicalAddress(address);
    return isWildcardAddress(canonical) || isLoopbackAddress(canonical) || this.#addresses.includes(canonical);
  }

  /** From now on all sockets are unwritable, and what is sent waits: the kernel's buffer is full. */
  holdSending(): void {
    this.#holding = true;
  }

  /** What waits goes out, and sockets are writable again. */
  resumeSending(): void {
    if (!this.#holding) return;
    this.#holding = false;
    for (const sockets of [...this.#sockets.values()]) for (const socket of sockets) socket.resume();
  }

  /** Whether sends are held back. */
  get holding(): boolean {
    return this.#holding;
  }

  /** @internal */
  hasAddress(address: string): boolean {
    return this.#addresses.includes(address);
  }

  /** @internal The address from which a socket bound to all of them sends to `remote`. */
  sourceFor(remote: string): string | undefined {
    if (isLoopbackAddress(remote)) return remote;
    const own = this.#addresses.filter((address) => familyOf(address) === familyOf(remote));
    return own.find((address) => sameSubnet(address, remote)) ?? own[0];
  }

  /** @internal A socket was closed. */
  release(socket: SimSocket): void {
    const left = (this.#sockets.get(socket.local.port) ?? []).filter((other) => other !== socket);
    if (left.length > 0) this.#sockets.set(socket.local.port, left);
    else this.#sockets.delete(socket.local.port);
  }

  /** @internal Takes what has arrived; false when nobody listens. */
  deliver(arrival: Arrival): boolean {
    const { from, to } = arrival;
    let best: SimSocket[] = [];
    let bestFit = 1;
    for (const socket of this.#sockets.get(to.port) ?? []) {
      const fit = socket.fit(from, to);
      if (fit > bestFit) best = [];
      if (fit >= bestFit) best.push(socket);
      bestFit = Math.max(bestFit, fit);
    }
    // Sockets that share a port share the senders, as with SO_REUSEPORT.
    const chosen = best[best.length > 1 ? senderHash(from) % best.length : 0];
    chosen?.receive(arrival);
    return chosen !== undefined;
  }

  /** @internal */
  addAddress(address: string): void {
    this.#addresses.push(address);
  }

  /** @internal */
  removeAddress(address: string): void {
    const at = this.#addresses.indexOf(address);
    if (at >= 0) this.#addresses.splice(at, 1);
  }

  /** @internal Puts an address in the place of another. */
  replaceAddress(from: string, to: string): void {
    const at = this.#addresses.indexOf(from);
    if (at >= 0) this.#addresses[at] = to;
  }

  #bindAddress(text: string): string {
    let address: string;
    try {
      address = canonicalAddress(text);
    } catch (cause) {
      throw new SimBindError('ERR_QUIC_INVALID_OPTION', `Cannot bind '${text}': ${(cause as Error).message}`);
    }
    if (this.hasLocalAddress(address)) return address;
    throw new SimBindError(
      'ERR_QUIC_ADDRESS_NOT_AVAILABLE',
      `Cannot bind ${address}: the simulated host ${this.name} has ${this.#addresses.join(', ')}`,
    );
  }

  #freePort(address: string, dualStack: boolean): number {
    for (let tried = FIRST_EPHEMERAL_PORT; tried <= LAST_PORT; tried++) {
      const port = this.#nextPort;
      this.#nextPort = port === LAST_PORT ? FIRST_EPHEMERAL_PORT : port + 1;
      if (this.#conflicts(address, port, dualStack).length === 0) return port;
    }
    throw new SimBindError('ERR_QUIC_ADDRESS_IN_USE', `The simulated host ${this.name} has no free port left`);
  }

  #conflicts(address: string, port: number, dualStack: boolean): SimSocket[] {
    return (this.#sockets.get(port) ?? []).filter((socket) => {
      const { local } = socket;
      const sameFamily = local.family === familyOf(address) || dualStack || socket.dualStack;
      return (
        sameFamily && (local.address === address || isWildcardAddress(local.address) || isWildcardAddress(address))
      );
    });
  }
}

function senderHash({ address, port }: SocketAddress): number {
  let hash = port;
  for (const char of address) hash = (Math.imul(hash, 31) + char.charCodeAt(0)) >>> 0;
  return hash;
}
