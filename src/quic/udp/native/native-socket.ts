import type { DatagramSink, SocketAddress } from '../../types/udp.js';
import { socketErrorKind } from '../socket-errors.js';
import type { SystemSocket } from '../system-network.js';

import { errnoError } from './errno-error.js';
import { MAX_SEGMENTS, MSG_DONTWAIT } from './layout.js';
import { NativeMemory } from './memory.js';
import { messagesOf } from './message.js';
import type { IncomingMessages, OutgoingMessage } from './message.js';
import { Poll } from './poll.js';
import { ADDRESS_BYTES, MESSAGES } from './sizes.js';
import { readIp, readPort, writeSocketAddress } from './socket-address.js';
import type { NativeSystem } from './system.js';

/** How long `close` lets queued datagrams, the last words of connections among them, go out. */
const CLOSE_GRACE_MS = 250;

/** The largest UDP payload over IPv4; one call sends no more than that, in however many segments. */
const LARGEST_PAYLOAD = 65_507;

/** Errors of a socket in a row that reading takes in one turn. */
const MAX_ERRORS = 16;

/** What a {@link NativeSocket} stands on, found out while it was bound. */
export interface NativeBound {
  readonly descriptor: number;
  readonly id: number;
  readonly local: SocketAddress;
  readonly connectedTo: SocketAddress | undefined;
  readonly receiveBufferBytes: number;
  readonly sendBufferBytes: number;
  /** Whether the socket, not its address, is of IPv6. */
  readonly ipv6: boolean;
  readonly sink: DatagramSink;
  /** Whether the address that the socket is bound to is still one of this machine's. */
  readonly addressIsLocal: () => boolean;
}

/** A datagram, or several of one size, that the kernel has not taken yet. */
interface Queued {
  readonly payload: Uint8Array;
  readonly segmentSize: number;
  readonly remote: SocketAddress;
  readonly ecn: number;
}

/**
 * A UDP socket of Linux, by its system calls: what is sent goes straight from the engine's memory to the kernel, many
 * datagrams with one call, and what comes in comes the same way, with its ECN bits.
 */
export class NativeSocket implements SystemSocket {
  readonly id: number;
  readonly local: SocketAddress;
  readonly connectedTo: SocketAddress | undefined;
  readonly receiveBufferBytes: number;
  /** Send buffer that the kernel granted, in bytes. */
  readonly sendBufferBytes: number;

  readonly #system: NativeSystem;
  readonly #descriptor: number;
  readonly #ipv6: boolean;
  readonly #sink: DatagramSink;
  readonly #addressIsLocal: () => boolean;
  readonly #outgoing: OutgoingMessage;
  readonly #incoming: IncomingMessages;
  readonly #poll: Poll;

  /** `struct sockaddr` of {@link #destination}. */
  readonly #name: NativeMemory;
  #nameLength = 0;
  #destination: SocketAddress | undefined;
  /** Address of the last datagram, as the kernel wrote it, and as text. */
  readonly #senderWords = new Uint32Array(7);
  #sender = '';
  #senderPort = 0;
  /** Remote of the last failure that was told of in this batch. */
  #failedTo: SocketAddress | undefined;
  /** Some network devices cannot cut (EIO); datagrams go one by one then. */
  #segments = true;
  #queue: Queued[] = [];
  #closed: Promise<void> | undefined;
  #descriptorOpen = true;
  #onDrained: (() => void) | undefined;

  /** @throws Error when the event loop does not take the descriptor, which stays the caller's then */
  constructor(system: NativeSystem, bound: NativeBound) {
    this.id = bound.id;
    this.local = bound.local;
    this.connectedTo = bound.connectedTo;
    this.receiveBufferBytes = bound.receiveBufferBytes;
    this.sendBufferBytes = bound.sendBufferBytes;
    this.#system = system;
    this.#descriptor = bound.descriptor;
    this.#ipv6 = bound.ipv6;
    this.#sink = bound.sink;
    this.#addressIsLocal = bound.addressIsLocal;
    const { outgoing, incoming } = messagesOf(system.ffi);
    this.#outgoing = outgoing;
    this.#incoming = incoming;
    this.#name = new NativeMemory(system.ffi, ADDRESS_BYTES);
    this.#poll = new Poll(system, bound.descriptor, { readable: this.#receive, writable: this.#drain });
  }

  /** False as soon as the kernel's buffer is full: what is queued here as well would only come later. */
  get writable(): boolean {
    return this.#queue.length === 0;
  }

  send(payload: Uint8Array, segmentSize: number, remote: SocketAddress, ecn: number): void {
    if (this.#closed !== undefined) return;
    if (this.#queue.length > 0) this.#enqueue(payload, segmentSize, remote, ecn);
    else this.#send(payload, segmentSize, remote, ecn);
  }

  flush(): void {
    // Each datagram, or run of segments, was given to the kernel at once.
    this.#failedTo = undefined;
  }

  ref(): void {
    this.#poll.ref();
  }

  unref(): void {
    this.#poll.unref();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  // Sending.

  /** Sends as far as the kernel takes it, and queues a copy of the rest. */
  #send(payload: Uint8Array, segmentSize: number, remote: SocketAddress, ecn: number): void {
    const { length } = payload;
    if (segmentSize === 0 || segmentSize >= length) {
      if (!this.#give(payload, 0, length, 0, remote, ecn)) this.#enqueue(payload, 0, remote, ecn);
      return;
    }
    for (let start = 0; start < length; ) {
      const end = Math.min(length, start + this.#stretch(segmentSize));
      if (!this.#give(payload, start, end, end - start > segmentSize ? segmentSize : 0, remote, ecn)) {
        this.#enqueue(payload.subarray(start), segmentSize, remote, ecn);
        return;
      }
      start = end;
    }
  }

  /** Bytes of one call. */
  #stretch(segmentSize: number): number {
    if (!this.#segments) return segmentSize;
    return segmentSize * Math.max(1, Math.min(MAX_SEGMENTS, Math.floor(LARGEST_PAYLOAD / segmentSize)));
  }

  /** Gives one datagram, or one run of segments, to the kernel; false when it has no room. */
  #give(
    payload: Uint8Array,
    start: number,
    end: number,
    segmentSize: number,
    remote: SocketAddress,
    ecn: number,
  ): boolean {
    if (!this.#address(remote)) return true;
    this.#outgoing.carry(payload, start, end, segmentSize, ecn, remote.family === 'IPv6');
    if (this.#system.functions.sendmsg(this.#descriptor, this.#outgoing.pointer, MSG_DONTWAIT) >= 0) return true;
    const code = this.#system.errno();
    switch (code) {
      case 'EAGAIN':
        return false;
      case 'EINTR':
        return this.#give(payload, start, end, segmentSize, remote, ecn);
      case 'EIO': // the device, or what encrypts below IP, cannot cut
      case 'EINVAL': // the segments are larger than what the route takes now
      case 'EMSGSIZE':
        if (segmentSize === 0) break;
        if (code === 'EIO') this.#segments = false;
        return this.#giveOneByOne(payload, start, end, segmentSize, remote, ecn);
    }
    this.#failLater(code, remote);
    return true;
  }

  #giveOneByOne(
    payload: Uint8Array,
    start: number,
    end: number,
    segmentSize: number,
    remote: SocketAddress,
    ecn: number,
  ): boolean {
    for (let at = start; at < end; at += segmentSize) {
      // What has no room any more is lost, as datagrams may be; it is rare that both happen at once.
      if (!this.#give(payload, at, Math.min(end, at + segmentSize), 0, remote, ecn)) return true;
    }
    return true;
  }

  /** Writes where the next message goes; false, and an error told, when this socket cannot go there. */
  #address(remote: SocketAddress): boolean {
    if (this.connectedTo !== undefined) {
      this.#outgoing.to(0, 0);
      return true;
    }
    if (remote !== this.#destination) {
      this.#destination = remote;
      this.#nameLength = writeSocketAddress(this.#name, 0, remote, this.#ipv6);
    }
    if (this.#nameLength === 0 || remote.port === 0) {
      this.#failLater('EAFNOSUPPORT', remote);
      return false;
    }
    this.#outgoing.to(this.#name.address, this.#nameLength);
    return true;
  }

  /**
   * Tells of a datagram that could not be sent: once a batch, and once for each remote in it, since what hits one, hits
   * those behind it too. Not from within `send`, where the engine's memory is being read.
   */
  #failLater(code: string, remote: SocketAddress): void {
    if (remote === this.#failedTo) return;
    this.#failedTo = remote;
    process.nextTick(() => this.#fail(errnoError('sendmsg', code, remote)));
  }

  #enqueue(payload: Uint8Array, segmentSize: number, remote: SocketAddress, ecn: number): void {
    this.#queue.push({ payload: new Uint8Array(payload), segmentSize, remote, ecn });
    this.#poll.watchWritable(true);
  }

  /** The kernel has room again. */
  readonly #drain = (): void => {
    const waiting = this.#queue;
    this.#queue = [];
    for (const [index, { payload, segmentSize, remote, ecn }] of waiting.entries()) {
      this.#send(payload, segmentSize, remote, ecn);
      if (!this.#descriptorOpen) return;
      if (this.#queue.length === 0) continue;
      this.#queue.push(...waiting.slice(index + 1));
      return;
    }
    this.#poll.watchWritable(false);
    this.#onDrained?.();
    if (this.#closed === undefined) this.#sink.writable(this);
  };

  // Receiving.

  /** Takes what one call brings; where that is not all, the event loop says so again in its next turn. */
  readonly #receive = (): void => {
    const incoming = this.#incoming;
    for (let errors = 0; errors < MAX_ERRORS && this.#closed === undefined; errors++) {
      incoming.prepare();
      const { functions } = this.#system;
      const count = functions.recvmmsg(this.#descriptor, incoming.pointer, MESSAGES, MSG_DONTWAIT, 0n);
      if (count >= 0) {
        this.#deliver(count);
        return;
      }
      const code = this.#system.errno();
      if (code === 'EAGAIN') return;
      if (code !== 'EINTR') this.#fail(errnoError('recvmmsg', code, this.connectedTo));
    }
  };

  #deliver(count: number): void {
    const incoming = this.#incoming;
    const { bytes } = incoming.payloads;
    for (let index = 0; index < count && this.#closed === undefined; index++) {
      const length = incoming.look(index);
      this.#readSender(incoming.addressAt(index));
      // Nobody can be answered at port 0.
      if (this.#senderPort === 0) continue;
      const { ecn, segmentSize } = incoming;
      const start = incoming.payloadAt(index);
      const payload = bytes.subarray(start, start + length);
      this.#sink.receive(this, payload, this.#sender, this.#senderPort, ecn, segmentSize);
    }
    if (this.#closed === undefined) this.#sink.receivedAll?.(this);
  }

  /** Reads the address of a message; datagrams come in runs, so it is mostly the one before. */
  #readSender(at: number): void {
    const { words } = this.#incoming.addresses;
    const known = this.#senderWords;
    const from = at >>> 2;
    let same = true;
    for (let index = 0; index < known.length; index++) {
      const word = words[from + index] ?? 0;
      if (word === known[index]) continue;
      known[index] = word;
      same = false;
    }
    if (same) return;
    this.#senderPort = readPort(this.#incoming.addresses, at);
    this.#sender = readIp(this.#incoming.addresses, at);
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (this.#closed !== undefined) return;
    switch (socketErrorKind(error.code)) {
      case 'ignored':
        return;
      case 'transient':
        this.#sink.error(this, error, false);
        return;
      case 'address':
        this.#sink.error(this, error, !this.#addressIsLocal());
        return;
      case 'broken':
        this.#poll.stop();
        this.#sink.error(this, error, true);
        return;
    }
  }

  async #close(): Promise<void> {
    if (this.#queue.length > 0) {
      await new Promise<void>((resolve) => {
        const grace = setTimeout(resolve, CLOSE_GRACE_MS);
        this.#onDrained = () => {
          clearTimeout(grace);
          resolve();
        };
      });
    }
    this.#queue = [];
    this.#descriptorOpen = false;
    // In this order: a descriptor that is watched must not be closed, and its number is somebody else's afterwards.
    this.#poll.stop();
    this.#system.functions.close(this.#descriptor);
    await this.#poll.close();
  }
}
