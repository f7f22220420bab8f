/** Heads of a link that are alike: exchanges of one kind between two members differ in nothing but their values. */

import { decodeHead, encodeHead, type ExchangeHead } from '../wire/head.js';

/** Heads that are kept in each direction. */
const KEPT = 16;
/** Longer ones, which name many members, are seldom alike. */
const MAX_KEPT_BYTES = 512;

interface Sent {
  readonly head: ExchangeHead;
  readonly bytes: Uint8Array;
}

interface Received {
  readonly payload: Uint8Array;
  readonly head: ExchangeHead;
}

export class HeadCache {
  readonly #sent = new Map<string, Sent>();
  readonly #received: Received[] = [];
  #next = 0;

  /** As `encodeHead`. The bytes must not be changed. */
  encode(head: ExchangeHead): Uint8Array {
    const sent = this.#sent.get(head.name);
    if (sent && isAlike(sent.head, head)) return sent.bytes;
    const bytes = encodeHead(head);
    if (head.path.length === 1 && head.targets.length === 0) {
      if (this.#sent.size >= KEPT) this.#sent.clear();
      this.#sent.set(head.name, { head, bytes });
    }
    return bytes;
  }

  /** As `decodeHead`, of the bytes from `from` to `to`. Heads that came as the same bytes are one object. @throws SwarmError `ERR_SWARM_PROTOCOL` */
  decode(bytes: Uint8Array, from = 0, to = bytes.length): ExchangeHead {
    for (const received of this.#received) if (isSame(received.payload, bytes, from, to)) return received.head;
    const payload = bytes.subarray(from, to);
    const head = decodeHead(payload);
    if (payload.length <= MAX_KEPT_BYTES) {
      // The payload is part of a larger array, which must not stay for its sake.
      this.#received[this.#next] = { payload: Uint8Array.from(payload), head };
      this.#next = (this.#next + 1) % KEPT;
    }
    return head;
  }
}

/** Of two heads of the same name. */
function isAlike(kept: ExchangeHead, head: ExchangeHead): boolean {
  return (
    kept.to === head.to &&
    kept.type === head.type &&
    kept.timeout === head.timeout &&
    kept.hops === head.hops &&
    kept.from === head.from &&
    head.path.length === 1 &&
    head.path[0] === kept.path[0] &&
    head.targets.length === 0
  );
}

function isSame(kept: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (kept.length !== to - from) return false;
  for (let at = 0; at < kept.length; at++) if (kept[at] !== bytes[from + at]) return false;
  return true;
}
