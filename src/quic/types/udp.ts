/**
 * What the transport asks of a UDP socket. `node:dgram` is one backend; the simulated network of `skein/testing` is
 * another. The shape is made for batches, so that a later backend can hand whole arenas to the kernel.
 */

/** An IP address with a port. IPv4-mapped IPv6 addresses (`::ffff:1.2.3.4`) are always written as IPv4. */
export interface SocketAddress {
  /** Textual IP address; a link-local one carries its zone (`fe80::1%eth0`). */
  readonly address: string;
  readonly port: number;
  readonly family: 'IPv4' | 'IPv6';
}

/** Where a socket delivers what it receives. */
export interface DatagramSink {
  /**
   * Takes one UDP payload (or several of `segmentSize` bytes, the last one maybe shorter). The bytes are copied before
   * the call returns, so the socket may reuse them.
   *
   * @param address the sender's, as text; IPv4-mapped ones written as IPv4
   * @param ecn the two ECN bits of the IP header; 0 where the socket cannot tell
   * @param segmentSize 0 when `payload` is one datagram
   */
  receive(
    socket: UdpSocket,
    payload: Uint8Array,
    address: string,
    port: number,
    ecn: number,
    segmentSize: number,
  ): void;
  /**
   * All that was there has been handed over, in as many calls of {@link receive} as it took: the sink need not wait for
   * more. Sockets that do not know never call it.
   */
  receivedAll?(socket: UdpSocket): void;
  /** The socket can send again after {@link UdpSocket.writable} was false. */
  writable(socket: UdpSocket): void;
  /**
   * Something went wrong while sending or receiving. `fatal`: the socket is of no use any more (its address or
   * interface vanished, or it was closed from outside). Not fatal: one datagram was not sent; QUIC repeats it.
   */
  error(socket: UdpSocket, error: NodeJS.ErrnoException, fatal: boolean): void;
}

/** A bound UDP socket. */
export interface UdpSocket {
  /** Number that the endpoint gave it, from 1; datagrams carry it through the engine. */
  readonly id: number;
  readonly local: SocketAddress;
  /** Whether it is connected to one remote address (`dgram` sends faster then, and reports refused ports). */
  readonly connectedTo: SocketAddress | undefined;
  /** Receive buffer that the kernel granted, in bytes; 0 where unknown. */
  readonly receiveBufferBytes: number;
  /** False while so much waits to be sent that more would only use memory. */
  readonly writable: boolean;
  /**
   * Sends one datagram, or several of `segmentSize` bytes cut from `payload`. The bytes are only valid during the call:
   * they lie in the engine's memory. Never throws; failures reach {@link DatagramSink.error}.
   */
  send(payload: Uint8Array, segmentSize: number, remote: SocketAddress, ecn: number): void;
  /** Called after the last `send` of a batch; a backend that gathers hands over now. */
  flush(): void;
  /** Whether the socket keeps the process alive. */
  ref(): void;
  unref(): void;
  /** Closes; resolves when the port is free. */
  close(): Promise<void>;
}

/** How a socket is to be bound. */
export interface UdpBindOptions {
  readonly id: number;
  /** Address to bind; `'::'` with `ipv6Only` false takes IPv4 too. Default `'0.0.0.0'`. */
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  readonly ipv6Only: boolean;
  /** Receive and send buffers to ask the kernel for, in bytes; it may grant less. */
  readonly receiveBufferBytes: number;
  readonly sendBufferBytes: number;
  /** Connects the socket to this remote. */
  readonly connectTo?: SocketAddress;
  /** Let several processes bind the port (SO_REUSEPORT where the runtime has it). Default false. */
  readonly reusePort?: boolean;
  readonly sink: DatagramSink;
}

/** Makes sockets; the network that an endpoint lives on. */
export interface UdpNetwork {
  /** @throws QuicError `ERR_QUIC_ADDRESS_IN_USE`, `ERR_QUIC_BIND` with the address, the port and what to do */
  bind(options: UdpBindOptions): Promise<UdpSocket>;
  /**
   * The largest UDP payload that the local interface towards `remote` can send without fragmentation, or `undefined`
   * where that cannot be known. Bounds the search for the path MTU.
   */
  maxPayloadTowards(local: SocketAddress, remote: SocketAddress): number | undefined;
  /** Whether `address` is still one of this machine's. */
  hasLocalAddress(address: string): boolean;
}

/** Time as the transport sees it; virtual in simulations. */
export interface Clock {
  /** Milliseconds since an arbitrary origin, monotonic, with fractions. */
  now(): number;
  /** Milliseconds since 1970. */
  wallTime(): number;
  /** Calls back once after `delay` milliseconds. */
  setTimer(delay: number, callback: () => void): ClockTimer;
  /** Calls back as soon as the input that is already there has been taken, like `setImmediate`. */
  soon(callback: () => void): void;
}

/** A pending {@link Clock.setTimer}. */
export interface ClockTimer {
  cancel(): void;
  /** Whether it keeps the process alive. */
  ref(): void;
  unref(): void;
}
