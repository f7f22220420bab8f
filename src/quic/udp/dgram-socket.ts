import type { RemoteInfo, Socket } from 'node:dgram';
import { performance } from 'node:perf_hooks';

import type { DatagramSink, SocketAddress } from '../types/udp.js';

import { mapAddress, unmapAddress } from './address.js';
import { socketErrorKind } from './socket-errors.js';
import type { SystemSocket } from './system-network.js';
import { StagingRing } from './staging-ring.js';

/** Queued bytes above which {@link DgramSocket.writable} turns false; it turns true again at half of it. */
const QUEUE_BOUND_BYTES = 1 << 20;

/** Bytes sent between two looks at the queue. */
const LOOK_EVERY_BYTES = 1 << 16;

/** So many milliseconds after a datagram has left without an error, others to the same remote are taken to leave like it. */
const TRUSTED_FOR = 10;

/** How long `close` lets queued datagrams, the last words of connections among them, go out. */
const CLOSE_GRACE_MS = 250;

/** What a {@link DgramSocket} stands on, found out while it was bound. */
export interface BoundSocket {
  readonly socket: Socket;
  readonly id: number;
  readonly local: SocketAddress;
  readonly connectedTo: SocketAddress | undefined;
  readonly receiveBufferBytes: number;
  readonly sendBufferBytes: number;
  /** Whether the socket is of IPv6 and takes IPv4 as well. */
  readonly dualStack: boolean;
  readonly sink: DatagramSink;
  /** Whether the address that the socket is bound to is still one of this machine's. */
  readonly addressIsLocal: () => boolean;
}

/**
 * A UDP socket of `node:dgram`.
 *
 * `dgram` swallows what goes wrong at once unless a send has a callback, and a callback costs a turn of `nextTick`. So
 * the first datagram of each batch has one, and each that goes elsewhere than the one before: what hits one datagram,
 * hits those behind it too. One that has just left well speaks for later batches as well. While datagrams queue up, all
 * have it, which is also how the end of the queue is noticed without polling.
 *
 * Runtimes that do not tell the length of the queue are taken as always writable.
 */
export class DgramSocket implements SystemSocket {
  readonly id: number;
  readonly local: SocketAddress;
  readonly connectedTo: SocketAddress | undefined;
  readonly receiveBufferBytes: number;
  /** Send buffer that the kernel granted, in bytes; 0 where unknown. */
  readonly sendBufferBytes: number;

  readonly #socket: Socket;
  readonly #dualStack: boolean;
  readonly #sink: DatagramSink;
  readonly #addressIsLocal: () => boolean;
  readonly #tellsQueue: boolean;
  readonly #ring = new StagingRing();

  #writable = true;
  /** Whether datagrams waited for the kernel when last looked at. */
  #queueing = false;
  #unlookedBytes = 0;
  /** Remote of the last datagram that had a callback; undefined at the start of a batch, unless it is trusted. */
  #watched: SocketAddress | undefined;
  #trustedUntil = -Infinity;
  #destination: SocketAddress | undefined;
  #destinationText = '';
  #senderRaw = '';
  #sender = '';
  #closed: Promise<void> | undefined;
  #onDrained: (() => void) | undefined;

  constructor(bound: BoundSocket) {
    this.id = bound.id;
    this.local = bound.local;
    this.connectedTo = bound.connectedTo;
    this.receiveBufferBytes = bound.receiveBufferBytes;
    this.sendBufferBytes = bound.sendBufferBytes;
    this.#socket = bound.socket;
    this.#dualStack = bound.dualStack;
    this.#sink = bound.sink;
    this.#addressIsLocal = bound.addressIsLocal;
    this.#tellsQueue = typeof bound.socket.getSendQueueSize === 'function';
    bound.socket.on('message', this.#receive);
    bound.socket.on('error', this.#fail);
    bound.socket.on('close', this.#closedOutside);
  }

  get writable(): boolean {
    return this.#writable;
  }

  send(payload: Uint8Array, segmentSize: number, remote: SocketAddress, _ecn: number): void {
    if (this.#closed !== undefined) return;
    for (const datagram of this.#ring.stage(payload, segmentSize, this.#waits)) this.#sendOne(datagram, remote);
  }

  flush(): void {
    // Nothing was sent since the last look, and nothing waited then.
    if (this.#unlookedBytes === 0 && !this.#queueing) return;
    if (this.#watched !== undefined && performance.now() >= this.#trustedUntil) this.#watched = undefined;
    if (this.#closed === undefined) this.#look();
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #sendOne(datagram: Uint8Array, remote: SocketAddress): void {
    const watch = this.#queueing || this.#watched !== remote;
    this.#watched = remote;
    const callback = watch ? this.#sent : undefined;
    try {
      if (this.connectedTo !== undefined) this.#socket.send(datagram, callback);
      else this.#socket.send(datagram, remote.port, this.#textOf(remote), callback);
    } catch (error) {
      // The arguments (port 0), or a socket that somebody else closed.
      this.#fail(error as NodeJS.ErrnoException);
      return;
    }
    this.#unlookedBytes += datagram.length;
    if (this.#unlookedBytes >= LOOK_EVERY_BYTES) this.#look();
  }

  /** The remote's address as this socket wants it. */
  #textOf(remote: SocketAddress): string {
    if (remote === this.#destination) return this.#destinationText;
    this.#destination = remote;
    this.#destinationText = this.#dualStack && remote.family === 'IPv4' ? mapAddress(remote.address) : remote.address;
    return this.#destinationText;
  }

  /** Whether a datagram given to the runtime may still be in its queue. */
  readonly #waits = (): boolean => !this.#tellsQueue || this.#queuedBytes() > 0;

  #look(): void {
    this.#unlookedBytes = 0;
    if (!this.#tellsQueue) return;
    const queued = this.#queuedBytes();
    this.#queueing = queued > 0;
    if (queued > QUEUE_BOUND_BYTES) this.#writable = false;
  }

  readonly #sent = (error: Error | null): void => {
    if (error !== null) {
      this.#trustedUntil = -Infinity;
      this.#watched = undefined;
      this.#fail(error);
    } else this.#trustedUntil = performance.now() + TRUSTED_FOR;
    if (!this.#queueing) return;
    const queued = this.#queuedBytes();
    if (queued === 0) {
      this.#queueing = false;
      this.#onDrained?.();
    }
    if (this.#writable || queued > QUEUE_BOUND_BYTES / 2) return;
    this.#writable = true;
    if (this.#closed === undefined) this.#sink.writable(this);
  };

  #queuedBytes(): number {
    try {
      return this.#socket.getSendQueueSize();
    } catch {
      return 0; // closed, with all that was queued
    }
  }

  readonly #receive = (payload: Uint8Array, from: RemoteInfo): void => {
    if (this.#closed !== undefined) return;
    // Nobody can be answered at port 0.
    if (from.port === 0) return;
    if (from.address !== this.#senderRaw) {
      this.#senderRaw = from.address;
      this.#sender = this.#dualStack ? unmapAddress(from.address) : from.address;
    }
    this.#sink.receive(this, payload, this.#sender, from.port, 0, 0);
  };

  readonly #fail = (error: NodeJS.ErrnoException): void => {
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
        this.#sink.error(this, error, true);
        return;
    }
  };

  readonly #closedOutside = (): void => {
    if (this.#closed !== undefined) return;
    this.#closed = Promise.resolve();
    const error: NodeJS.ErrnoException = new Error('The UDP socket was closed from outside the transport.');
    error.code = 'EBADF';
    this.#sink.error(this, error, true);
  };

  async #close(): Promise<void> {
    this.#look();
    if (this.#queueing) {
      await new Promise<void>((resolve) => {
        const grace = setTimeout(resolve, CLOSE_GRACE_MS);
        this.#onDrained = () => {
          clearTimeout(grace);
          resolve();
        };
      });
    }
    await new Promise<void>((resolve) => {
      this.#socket.once('close', resolve);
      try {
        this.#socket.close();
      } catch {
        resolve(); // closed already
      }
    });
  }
}
