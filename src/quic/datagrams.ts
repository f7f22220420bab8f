/** QUIC datagrams (RFC 9221) of one connection. Unread ones wait in the engine, which bounds them and drops the oldest. */

import type { Engine } from '../engine/engine.js';
import { FAILURE } from '../engine/engine.js';
import { QuicError } from './errors.js';
import { Waiter } from './waiter.js';

/** Options of `sendDatagram`. */
export interface SendDatagramOptions {
  /** Wait for room instead of dropping the oldest unsent datagrams. Default false. */
  readonly wait?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class DatagramQueue {
  readonly #engine: Engine;
  readonly #handle: number;
  readonly #remoteName: string;
  readonly #wake: () => void;
  #receivers: Waiter<Uint8Array | undefined>[] = [];
  #senders: { readonly bytes: Uint8Array; readonly waiter: Waiter<void> }[] = [];
  #onDatagram: ((bytes: Uint8Array) => void) | undefined;
  #closed = false;

  constructor(engine: Engine, handle: number, remoteName: string, wake: () => void) {
    this.#engine = engine;
    this.#handle = handle;
    this.#remoteName = remoteName;
    this.#wake = wake;
  }

  get maxSize(): number {
    return Math.max(0, this.#engine.maxDatagramSize(this.#handle));
  }

  /** Takes over delivery; datagrams that wait are delivered first. */
  set onDatagram(listener: (bytes: Uint8Array) => void) {
    this.#onDatagram = listener;
    this.received();
  }

  send(bytes: Uint8Array, options: SendDatagramOptions): Promise<void> {
    try {
      options.signal?.throwIfAborted();
      if (this.#senders.length === 0 && this.#trySend(bytes, options.wait !== true)) return Promise.resolve();
      const waiter = new Waiter<void>(options.signal, () => {
        this.#senders = this.#senders.filter((sender) => sender.waiter !== waiter);
      });
      this.#senders.push({ bytes, waiter });
      return waiter.promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** False when there is no room. */
  #trySend(bytes: Uint8Array, dropOldest: boolean): boolean {
    const result = this.#engine.sendDatagram(this.#handle, bytes, dropOldest);
    if (result === FAILURE.blocked) return false;
    if (result === 0) {
      this.#wake();
      return true;
    }
    if (result === FAILURE.tooLarge) {
      throw new QuicError(
        'ERR_QUIC_DATAGRAM_TOO_LARGE',
        `A QUIC datagram of ${bytes.length} bytes does not fit into one packet to ${this.#remoteName}; at most ${this.maxSize} do now (maxDatagramSize)`,
      );
    }
    if (result === FAILURE.unsupported) {
      throw new QuicError(
        'ERR_QUIC_DATAGRAMS_UNSUPPORTED',
        `${this.#remoteName} takes no QUIC datagrams, or the option datagrams is false on this side`,
      );
    }
    throw new QuicError(
      'ERR_QUIC_CONNECTION_CLOSED',
      `Cannot send a datagram: the connection with ${this.#remoteName} is closed`,
    );
  }

  unblocked(): void {
    for (let [first] = this.#senders; first; [first] = this.#senders) {
      try {
        if (!this.#trySend(first.bytes, false)) return;
        this.#senders.shift();
        first.waiter.resolve();
      } catch (error) {
        this.#senders.shift();
        first.waiter.reject(error);
      }
    }
  }

  receive(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    try {
      const bytes = this.#closed ? undefined : this.#take();
      if (bytes || this.#closed) return Promise.resolve(bytes);
      const waiter = new Waiter<Uint8Array | undefined>(signal, () => {
        this.#receivers = this.#receivers.filter((receiver) => receiver !== waiter);
      });
      this.#receivers.push(waiter);
      return waiter.promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #take(): Uint8Array | undefined {
    // The connection is about to end, and what waits in the engine is lost with it.
    if (this.#engine.crash) return undefined;
    const length = this.#engine.receiveDatagram(this.#handle);
    return length < 0 ? undefined : this.#engine.readBytes(length);
  }

  /** The engine holds at least one. */
  received(): void {
    while (this.#onDatagram || this.#receivers.length > 0) {
      const bytes = this.#closed ? undefined : this.#take();
      if (!bytes) return;
      if (this.#onDatagram) this.#onDatagram(bytes);
      else this.#receivers.shift()?.resolve(bytes);
    }
  }

  connectionClosed(error: QuicError): void {
    this.#closed = true;
    for (const receiver of this.#receivers.splice(0)) receiver.resolve(undefined);
    for (const { waiter } of this.#senders.splice(0)) waiter.reject(error);
  }
}
