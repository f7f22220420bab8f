/** The structures that `sendmsg` and `recvmmsg` take. */

import { ADDRESS_BYTES, CONTROL_BYTES, MESSAGES, PAYLOAD_BYTES, PAYLOAD_STRIDE } from './sizes.js';
import type { FfiModule } from './ffi.js';
import {
  CMSG,
  IOVEC,
  IP_TOS,
  IPV6_TCLASS,
  MMSGHDR,
  MSGHDR,
  SOL_IP,
  SOL_IPV6,
  SOL_UDP,
  UDP_GRO,
  UDP_SEGMENT,
} from './layout.js';
import { NativeMemory } from './memory.js';

/** Bytes of a control message with four bytes of data or fewer. */
const CMSG_SPACE = 24;

/** What is to be sent: `struct msghdr`, one `iovec`, and control messages for ECN and the segment size. */
export class OutgoingMessage {
  readonly #ffi: FfiModule;
  readonly #memory: NativeMemory;
  readonly #iov = MSGHDR.size;
  readonly #control = MSGHDR.size + IOVEC.size;
  #buffer: ArrayBufferLike | undefined;
  #bufferAddress = 0;

  constructor(ffi: FfiModule) {
    this.#ffi = ffi;
    this.#memory = new NativeMemory(ffi, MSGHDR.size + IOVEC.size + 2 * CMSG_SPACE);
    const { view } = this.#memory;
    this.#memory.setUint64(MSGHDR.iov, this.#memory.address + this.#iov);
    this.#memory.setUint64(MSGHDR.iovLen, 1);
    // ECN first, the segment size behind it.
    view.setUint32(this.#control + CMSG.len, CMSG.data + 4, true);
    const segment = this.#control + CMSG_SPACE;
    view.setUint32(segment + CMSG.len, CMSG.data + 2, true);
    view.setInt32(segment + CMSG.level, SOL_UDP, true);
    view.setInt32(segment + CMSG.type, UDP_SEGMENT, true);
  }

  get pointer(): bigint {
    return this.#memory.pointer;
  }

  /** Where it goes: the address of a socket address and its length; 0 and 0 on a connected socket. */
  to(address: number, length: number): void {
    this.#memory.setUint64(MSGHDR.name, address);
    this.#memory.words[MSGHDR.nameLen >>> 2] = length;
  }

  /**
   * What it says, and how. The bytes are not copied.
   *
   * @param segmentSize 0: one datagram
   * @param ecn 0: the socket's own
   * @param ipv6 whether the packet, not the socket, is of IPv6
   */
  carry(payload: Uint8Array, start: number, end: number, segmentSize: number, ecn: number, ipv6: boolean): void {
    const { words } = this.#memory;
    const memory = this.#memory;
    memory.setUint64(this.#iov + IOVEC.base, this.#addressOf(payload) + start);
    words[(this.#iov + IOVEC.len) >>> 2] = end - start;
    const control = this.#control >>> 2;
    if (ecn !== 0) {
      words[control + (CMSG.level >>> 2)] = ipv6 ? SOL_IPV6 : SOL_IP;
      words[control + (CMSG.type >>> 2)] = ipv6 ? IPV6_TCLASS : IP_TOS;
      words[control + (CMSG.data >>> 2)] = ecn;
    }
    if (segmentSize !== 0) words[control + ((CMSG_SPACE + CMSG.data) >>> 2)] = segmentSize;
    const length = (ecn === 0 ? 0 : CMSG_SPACE) + (segmentSize === 0 ? 0 : CMSG_SPACE);
    memory.setUint64(MSGHDR.control, length === 0 ? 0 : memory.address + this.#control + (ecn === 0 ? CMSG_SPACE : 0));
    words[MSGHDR.controlLen >>> 2] = length;
  }

  /** Payloads come from the engine's memory, one buffer until that grows: its address is asked for once. */
  #addressOf(payload: Uint8Array): number {
    if (payload.buffer !== this.#buffer) {
      this.#bufferAddress = Number(this.#ffi.getRawPointer(payload.buffer as ArrayBuffer));
      this.#buffer = payload.buffer;
    }
    return this.#bufferAddress + payload.byteOffset;
  }
}

/** Room for what `recvmmsg` brings: an array of `struct mmsghdr` with all that they point at. */
export class IncomingMessages {
  /** The payloads, each at {@link payloadAt}. */
  readonly payloads: NativeMemory;
  /** The senders' addresses, each at {@link addressAt}. */
  readonly addresses: NativeMemory;
  /** Of the message last looked at. */
  ecn = 0;
  segmentSize = 0;
  readonly #headers: NativeMemory;
  readonly #controls: NativeMemory;

  constructor(ffi: FfiModule) {
    this.payloads = new NativeMemory(ffi, MESSAGES * PAYLOAD_STRIDE);
    this.addresses = new NativeMemory(ffi, MESSAGES * ADDRESS_BYTES);
    this.#controls = new NativeMemory(ffi, MESSAGES * CONTROL_BYTES);
    this.#headers = new NativeMemory(ffi, MESSAGES * (MMSGHDR.size + IOVEC.size));
    const headers = this.#headers;
    for (let index = 0; index < MESSAGES; index++) {
      const header = index * MMSGHDR.size;
      const iov = MESSAGES * MMSGHDR.size + index * IOVEC.size;
      headers.setUint64(header + MSGHDR.name, this.addresses.address + this.addressAt(index));
      headers.setUint64(header + MSGHDR.iov, headers.address + iov);
      headers.setUint64(header + MSGHDR.iovLen, 1);
      headers.setUint64(header + MSGHDR.control, this.#controls.address + index * CONTROL_BYTES);
      headers.setUint64(iov + IOVEC.base, this.payloads.address + this.payloadAt(index));
      headers.setUint64(iov + IOVEC.len, PAYLOAD_BYTES);
    }
  }

  get pointer(): bigint {
    return this.#headers.pointer;
  }

  addressAt(index: number): number {
    return index * ADDRESS_BYTES;
  }

  payloadAt(index: number): number {
    return index * PAYLOAD_STRIDE;
  }

  /** Sets the lengths of what the kernel may write, which it replaces by what it wrote. */
  prepare(): void {
    const { words } = this.#headers;
    for (let index = 0; index < MESSAGES; index++) {
      const header = (index * MMSGHDR.size) >>> 2;
      words[header + (MSGHDR.nameLen >>> 2)] = ADDRESS_BYTES;
      words[header + (MSGHDR.controlLen >>> 2)] = CONTROL_BYTES;
    }
  }

  /** Reads the control messages of one message, and returns how many bytes it brought. */
  look(index: number): number {
    this.ecn = 0;
    this.segmentSize = 0;
    const { words } = this.#headers;
    const header = (index * MMSGHDR.size) >>> 2;
    const length = Math.min(words[header + (MMSGHDR.len >>> 2)] ?? 0, PAYLOAD_BYTES);
    const begin = index * CONTROL_BYTES;
    const end = begin + Math.min(words[header + (MSGHDR.controlLen >>> 2)] ?? 0, CONTROL_BYTES);
    const { words: control, bytes } = this.#controls;
    for (let at = begin; at + CMSG.data <= end; ) {
      const size = control[(at + CMSG.len) >>> 2] ?? 0;
      if (size < CMSG.data || at + size > end) break;
      const level = control[(at + CMSG.level) >>> 2];
      const type = control[(at + CMSG.type) >>> 2];
      const data = at + CMSG.data;
      if (level === SOL_UDP && type === UDP_GRO) this.segmentSize = control[data >>> 2] ?? 0;
      // One byte for IPv4, an int for IPv6: the lowest byte comes first.
      else if ((level === SOL_IP && type === IP_TOS) || (level === SOL_IPV6 && type === IPV6_TCLASS)) {
        this.ecn = (bytes[data] ?? 0) & 3;
      }
      at += Math.ceil(size / CMSG.align) * CMSG.align;
    }
    if (this.segmentSize >= length) this.segmentSize = 0;
    return length;
  }
}

interface Messages {
  readonly outgoing: OutgoingMessage;
  readonly incoming: IncomingMessages;
}

let messages: Messages | undefined;

/** One of each for all sockets, which take a megabyte: sending and receiving are over when their calls return. */
export function messagesOf(ffi: FfiModule): Messages {
  messages ??= { outgoing: new OutgoingMessage(ffi), incoming: new IncomingMessages(ffi) };
  return messages;
}
