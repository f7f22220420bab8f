import { changeConditions } from './conditions.js';
import type { LinkConditions } from './conditions.js';
import type { DropCause } from './datagram.js';
import type { SimRandom } from './random.js';

/** What becomes of a datagram on its way. */
export type Passage =
  | { readonly dropped: DropCause }
  | {
      readonly dropped: undefined;
      /** Milliseconds from now at which each copy arrives. */
      readonly arrivals: readonly number[];
      readonly corrupted: boolean;
      readonly marked: boolean;
      readonly reordered: boolean;
    };

/** One direction of a link. Each impairment draws from its own randomness, so that changing one leaves the others. */
export class LinkDirection {
  #conditions: LinkConditions;
  readonly #loss: SimRandom;
  readonly #burst: SimRandom;
  readonly #jitter: SimRandom;
  readonly #duplicate: SimRandom;
  readonly #reorder: SimRandom;
  readonly #corrupt: SimRandom;
  readonly #mark: SimRandom;

  /** Datagrams that the bandwidth has not let through yet: when it will have, and their sizes. */
  #queue: { readonly gone: number; readonly bytes: number }[] = [];
  #queueHead = 0;
  #queuedBytes = 0;
  #busyUntil = 0;
  /** No datagram that keeps its place arrives before this. */
  #lastArrival = 0;
  #bad = false;
  #runLeft = 0;

  constructor(conditions: LinkConditions, random: SimRandom) {
    this.#conditions = conditions;
    this.#loss = random.fork('loss');
    this.#burst = random.fork('burst');
    this.#jitter = random.fork('jitter');
    this.#duplicate = random.fork('duplicate');
    this.#reorder = random.fork('reorder');
    this.#corrupt = random.fork('corrupt');
    this.#mark = random.fork('mark');
  }

  get conditions(): LinkConditions {
    return this.#conditions;
  }

  /** Changes some conditions, for datagrams sent from now on: they may overtake those on a slower way. */
  set(changes: Partial<LinkConditions>): void {
    this.#conditions = changeConditions(this.#conditions, changes);
    this.#lastArrival = 0;
  }

  /**
   * Sends a packet on its way.
   *
   * @param now virtual time
   * @param bytes size with the headers of IP and UDP
   * @param ecnCapable whether a router would mark rather than drop it
   */
  pass(now: number, bytes: number, ecnCapable: boolean): Passage {
    const { blackhole, mtu, delayMs, jitterMs, reorderMs } = this.#conditions;
    // Every draw is made for every datagram: what is dropped for another reason must not shift the luck of the rest.
    const lost = this.#loss.chance(this.#conditions.lossPercent);
    const burst = this.#inBurst();
    const reordered = this.#reorder.chance(this.#conditions.reorderPercent);
    const duplicated = this.#duplicate.chance(this.#conditions.duplicatePercent);
    const corrupted = this.#corrupt.chance(this.#conditions.corruptPercent);
    const marked = this.#mark.chance(this.#conditions.ecnMarkPercent) && ecnCapable;
    const jitter = this.#jitter.fraction() * jitterMs;

    if (blackhole) return { dropped: 'blackhole' };
    if (bytes > mtu) return { dropped: 'mtu' };
    const sent = this.#enqueue(now, bytes);
    if (sent === undefined) return { dropped: 'queue' };
    // Losses come behind the queue: what is lost has used the bandwidth.
    if (lost) return { dropped: 'loss' };
    if (burst) return { dropped: 'burst' };

    let arrival = sent + delayMs + jitter;
    if (reordered) arrival += reorderMs;
    else this.#lastArrival = arrival = Math.max(arrival, this.#lastArrival);
    const wait = arrival - now;
    return { dropped: undefined, arrivals: duplicated ? [wait, wait] : [wait], corrupted, marked, reordered };
  }

  /** When the bandwidth has let the packet through; undefined when the queue is full. */
  #enqueue(now: number, bytes: number): number | undefined {
    const { bandwidthBitsPerSecond, queueBytes, queuePackets } = this.#conditions;
    if (bandwidthBitsPerSecond === Infinity) return now;
    for (let first = this.#queue[this.#queueHead]; first && first.gone <= now; first = this.#queue[this.#queueHead]) {
      this.#queuedBytes -= first.bytes;
      this.#queueHead++;
    }
    if (this.#queueHead > this.#queue.length / 2) {
      this.#queue = this.#queue.slice(this.#queueHead);
      this.#queueHead = 0;
    }
    if (this.#queue.length - this.#queueHead >= queuePackets || this.#queuedBytes + bytes > queueBytes)
      return undefined;
    const sent = Math.max(now, this.#busyUntil) + (bytes * 8_000) / bandwidthBitsPerSecond;
    this.#busyUntil = sent;
    this.#queue.push({ gone: sent, bytes });
    this.#queuedBytes += bytes;
    return sent;
  }

  #inBurst(): boolean {
    const { burstLoss } = this.#conditions;
    const draw = this.#burst.fraction() * 100;
    const lossDraw = this.#burst.fraction() * 100;
    if (burstLoss === undefined) return false;
    if (burstLoss.model === 'runs') {
      if (this.#runLeft === 0 && draw < burstLoss.percent) this.#runLeft = burstLoss.length;
      if (this.#runLeft === 0) return false;
      this.#runLeft--;
      return true;
    }
    const { goodToBadPercent, badToGoodPercent, lossInGoodPercent = 0, lossInBadPercent = 100 } = burstLoss;
    if (draw < (this.#bad ? badToGoodPercent : goodToBadPercent)) this.#bad = !this.#bad;
    return lossDraw < (this.#bad ? lossInBadPercent : lossInGoodPercent);
  }
}
