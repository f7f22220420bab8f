/** The sockets that a pump sends from and receives on: by their numbers, and which of them can send no more for now. */

import type { UdpSocket } from './types/udp.js';

export class PumpSockets {
  /** Numbers are not used twice, and a client may dial from a new socket each time. */
  readonly #byNumber = new Map<number, UdpSocket>();
  readonly #left = new Set<UdpSocket>();
  /** Those that have something of the batch under way; one may be there more than once. */
  readonly #used: UdpSocket[] = [];
  readonly #full = new Set<UdpSocket>();

  add(socket: UdpSocket): void {
    this.#byNumber.set(socket.id, socket);
  }

  remove(socket: UdpSocket): void {
    this.#byNumber.delete(socket.id);
    this.#left.delete(socket);
    this.#full.delete(socket);
  }

  /** From now on the engine is not told that datagrams came in here. */
  leave(socket: UdpSocket): void {
    this.#left.add(socket);
  }

  /** What the engine is told of where a datagram came in; 0: nothing. */
  numberOf(socket: UdpSocket): number {
    return this.#left.size > 0 && this.#left.has(socket) ? 0 : socket.id;
  }

  /** The socket to send from; it is part of the batch. */
  use(number: number): UdpSocket | undefined {
    const socket = this.#byNumber.get(number);
    if (socket !== undefined && socket !== this.#used.at(-1)) this.#used.push(socket);
    return socket;
  }

  /** Ends a batch. */
  flush(): void {
    for (const socket of this.#used) {
      socket.flush();
      // One that was removed in the middle of the batch will never say that it has drained.
      if (!socket.writable && this.#byNumber.has(socket.id)) this.#full.add(socket);
    }
    this.#used.length = 0;
  }

  /** Whether all can take more. */
  get writable(): boolean {
    return this.#full.size === 0;
  }

  /** The socket can send again. */
  drained(socket: UdpSocket): void {
    this.#full.delete(socket);
  }
}
