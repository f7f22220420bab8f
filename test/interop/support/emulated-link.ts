/**
 * The link of the interop runner's cases: 15 ms each way, 10 Mbit/s, 25 datagrams waiting at most, and what a case adds: loss,
 * corruption, a link that is dead for a while. Between a client and a server that both believe to speak with 127.0.0.1.
 */

import { after } from 'node:test';
import type { SimRandom } from '../../../src/testing/index.js';
import { UdpProxy } from '../../support/quic-udp-proxy.js';

export interface LinkOptions {
  /** Milliseconds one way. Default: 15 */
  readonly delay?: number;
  /** Datagrams of a hundred that are lost. Default: 0 */
  readonly loss?: number;
  /** Datagrams of a hundred of which one byte is changed. Default: 0 */
  readonly corruption?: number;
  /** Of what `loss` and `corruption` make their choices. */
  readonly random?: SimRandom;
  /** Which datagrams of the client, counted from 1, are lost in any case. */
  readonly losesFromClient?: (number: number) => boolean;
}

const BYTES_PER_MS = 10_000_000 / 8 / 1000;
const QUEUE = 25;
/** As many in a row are lost, or changed, at most. */
const LONGEST_BURST = 3;

/** What went one way. */
export interface WayCounts {
  /** Datagrams and bytes that came to the link. */
  readonly datagrams: number;
  readonly bytes: number;
  /** Bytes that the link handed over. */
  readonly delivered: number;
}

/** One way of a link. */
class Way {
  datagrams = 0;
  bytes = 0;
  delivered = 0;
  /** Until when the wire is taken by what came before. */
  #freeAt = 0;
  #burst = 0;
  #waiting: { readonly datagram: Buffer; readonly sentAt: number; readonly dueAt: number }[] = [];
  #timer: NodeJS.Timeout | undefined;
  readonly #deliver: (datagram: Buffer) => void;
  readonly #options: LinkOptions;

  constructor(options: LinkOptions, deliver: (datagram: Buffer) => void) {
    this.#options = options;
    this.#deliver = deliver;
  }

  take(datagram: Buffer, isLost: boolean): void {
    this.datagrams++;
    this.bytes += datagram.length;
    const { loss = 0, corruption = 0, delay = 15 } = this.#options;
    if (isLost || this.#strikes(loss)) return;
    const now = performance.now();
    if (this.#waiting.filter(({ sentAt }) => sentAt > now).length >= QUEUE) return;
    const sentAt = Math.max(now, this.#freeAt) + datagram.length / BYTES_PER_MS;
    this.#freeAt = sentAt;
    const copy = Buffer.from(datagram);
    if (this.#strikes(corruption)) this.#change(copy);
    this.#waiting.push({ datagram: copy, sentAt, dueAt: sentAt + delay });
    this.#timer ??= setTimeout(this.#flush, delay);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#waiting = [];
  }

  #strikes(percent: number): boolean {
    const { random } = this.#options;
    if (percent === 0 || random === undefined) return false;
    this.#burst = random.chance(percent) && this.#burst < LONGEST_BURST ? this.#burst + 1 : 0;
    return this.#burst > 0;
  }

  #change(datagram: Buffer): void {
    const { random } = this.#options;
    const at = random?.below(datagram.length) ?? 0;
    datagram[at] = (datagram[at] ?? 0) ^ (1 + (random?.below(255) ?? 0));
  }

  readonly #flush = (): void => {
    const now = performance.now();
    let due = 0;
    for (; due < this.#waiting.length; due++) {
      const first = this.#waiting[due];
      if (!first || first.dueAt > now) break;
      this.delivered += first.datagram.length;
      this.#deliver(first.datagram);
    }
    this.#waiting.splice(0, due);
    const [next] = this.#waiting;
    this.#timer = next && setTimeout(this.#flush, Math.max(1, next.dueAt - now));
  };
}

export class EmulatedLink {
  /** A dead link loses everything that comes to it. */
  isDead = false;
  readonly #proxy: UdpProxy;
  readonly #up: Way;
  readonly #down: Way;
  readonly #timers: NodeJS.Timeout[] = [];

  private constructor(proxy: UdpProxy, options: LinkOptions) {
    this.#proxy = proxy;
    const { losesFromClient = () => false } = options;
    this.#up = new Way(options, (datagram) => proxy.inject(datagram));
    this.#down = new Way(options, (datagram) => proxy.deliver(datagram));
    proxy.meddler = (datagram, towardsServer) => {
      const way = towardsServer ? this.#up : this.#down;
      way.take(datagram, this.isDead || (towardsServer && losesFromClient(way.datagrams + 1)));
      return [];
    };
    after(() => this.close());
  }

  /** A link to a server on a port of loopback. It ends with the tests of the file. */
  static async start(serverPort: number, options: LinkOptions = {}): Promise<EmulatedLink> {
    return new EmulatedLink(await UdpProxy.start(serverPort), options);
  }

  /** Where clients find the server. */
  get port(): number {
    return this.#proxy.port;
  }

  get towardsServer(): WayCounts {
    return this.#up;
  }

  get towardsClient(): WayCounts {
    return this.#down;
  }

  /** From `every` milliseconds on, and again after each `every`, the link is dead for `time` milliseconds. */
  diesEvery(every: number, time: number): void {
    const dies = (): void => {
      this.isDead = true;
      this.#timers.push(setTimeout(() => (this.isDead = false), time));
    };
    this.#timers.push(setInterval(dies, every));
  }

  /** The server sees the client come from another port `first` milliseconds from now, and then after each `every`. */
  rebinds(first: number, every: number, onPort: (port: number) => void): void {
    const rebind = (): void => void this.#proxy.rebind().then(onPort);
    const begin = (): void => {
      rebind();
      this.#timers.push(setInterval(rebind, every));
    };
    this.#timers.push(setTimeout(begin, first));
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#up.close();
    this.#down.close();
  }
}
