/** Notifications: one QUIC datagram each, unreliable, passed on hop by hop like everything else. */

import { SwarmError } from '../errors.js';
import type { Link } from '../link/links.js';
import type { Router } from '../link/router.js';
import { FRAME } from '../wire/codes.js';
import { FrameReader, encodeFrames } from '../wire/frames.js';
import { decodeHead, encodeHead, type ExchangeHead } from '../wire/head.js';
import { DetachedContext, runDetached, type HandlerTable } from './handlers.js';
import { frameOf, valueOf } from './values.js';

/** What notifications need of the member. */
export interface NotifyHost {
  readonly selfId: string;
  readonly router: Router;
  readonly handlers: HandlerTable;
  allows(agent: string, permission: 'message'): boolean;
  onError(error: unknown, context: string): void;
  /** What handlers have to wait for, if anything. */
  inHand(): Promise<void> | undefined;
}

/** Larger than any datagram; what comes in one is bounded by it. */
const LIMIT = 65_535;

export class Notifications {
  readonly #host: NotifyHost;
  /** Datagrams that were malformed, not allowed, or led nowhere. */
  dropped = 0;

  constructor(host: NotifyHost) {
    this.#host = host;
  }

  attach(link: Link): void {
    link.connection.on('datagram', (bytes) => this.#receive(link, bytes));
  }

  /** @throws SwarmError `ERR_SWARM_TOO_LARGE` when it does not fit into a datagram, and as routes fail */
  async send(to: string, name: string, value: unknown): Promise<void> {
    const { selfId, router } = this.#host;
    const head: ExchangeHead = {
      type: 'notify',
      name,
      from: selfId,
      to,
      hops: router.hopLimit,
      path: [selfId],
      timeout: 0,
      targets: [],
    };
    const link = router.requireLink(to, []);
    await sendOn(link, head, encodeFrames(frameOf(value)));
  }

  #receive(link: Link, bytes: Uint8Array): void {
    try {
      const reader = new FrameReader(LIMIT);
      reader.push(bytes);
      const first = reader.next();
      const second = reader.next();
      if (first?.kind !== FRAME.head || !second) throw new Error('no head and value');
      const head = decodeHead(first.payload);
      if (head.path.at(-1) !== link.id || head.type !== 'notify') throw new Error('a head that is wrong');
      if (head.to !== this.#host.selfId) {
        this.#forward(head, encodeFrames(second));
        return;
      }
      if (!this.#host.allows(head.from, 'message')) throw new Error('not allowed');
      const value = valueOf(second, head.from);
      const wait = this.#host.inHand();
      if (wait) void wait.then(() => this.#handle(head, value));
      else this.#handle(head, value);
    } catch {
      this.dropped++;
    }
  }

  #handle(head: ExchangeHead, value: unknown): void {
    try {
      const handler = this.#host.handlers.get(head.name, this.#host.selfId);
      runDetached(handler, value, new DetachedContext(head, true), (error, where) => this.#host.onError(error, where));
    } catch {
      this.dropped++;
    }
  }

  #forward(head: ExchangeHead, value: Uint8Array): void {
    const { selfId, router } = this.#host;
    const link = head.hops > 0 ? router.linkTowards(head.to, head.path) : undefined;
    if (!link) {
      this.dropped++;
      return;
    }
    sendOn(link, { ...head, hops: head.hops - 1, path: [...head.path, selfId] }, value).catch(() => {
      this.dropped++;
    });
  }
}

async function sendOn(link: Link, head: ExchangeHead, value: Uint8Array): Promise<void> {
  const start = encodeHead(head);
  const size = start.length + value.length;
  const room = link.connection.maxDatagramSize;
  if (size > room) {
    throw new SwarmError(
      'ERR_SWARM_TOO_LARGE',
      `A notification to ${head.to} takes ${size} bytes, and a datagram to ${link.id} holds ${room}; use send() for what is larger`,
    );
  }
  const bytes = new Uint8Array(size);
  bytes.set(start);
  bytes.set(value, start.length);
  await link.connection.sendDatagram(bytes);
}
