import type { SocketAddress } from '../../quic/types/udp.js';

import { headerBytes } from './addresses.js';
import { newCounters } from './datagram.js';
import type { Capture, CaptureEntry, DropCause, SimCounters, SimDatagram } from './datagram.js';
import type { SimHost } from './host.js';
import type { SimRandom } from './random.js';
import type { Schedule } from './schedule.js';
import type { Route, Topology } from './topology.js';
import type { WireSender } from './wire.js';

/** ECN: capable transports, and the mark of congestion (RFC 3168 section 5). */
const ECT_1 = 1;
const ECT_0 = 2;
const CE = 3;

/** A datagram on its way, with who sent it. */
interface Sent {
  readonly datagram: SimDatagram;
  readonly entry: CaptureEntry | undefined;
  readonly origin: SimHost;
  readonly sender: WireSender;
  readonly route: Route | undefined;
}

/** Carries datagrams from host to host: through NATs, past hooks, over links. */
export class Transit {
  readonly counters: SimCounters = newCounters();
  readonly hooks = new Set<(datagram: SimDatagram) => boolean>();
  readonly #schedule: Schedule;
  readonly #topology: Topology;
  readonly #capture: Capture;
  readonly #random: SimRandom;

  constructor(schedule: Schedule, topology: Topology, capture: Capture, random: SimRandom) {
    this.#schedule = schedule;
    this.#topology = topology;
    this.#capture = capture;
    this.#random = random;
  }

  /** Takes a datagram from a host. The payload is kept and must not change any more. */
  transmit(origin: SimHost, sender: WireSender, payload: Uint8Array, to: SocketAddress, ecn: number): void {
    const toItself = origin.hasLocalAddress(to.address);
    const nat = toItself ? undefined : this.#topology.natOf(origin);
    const from = nat?.outward(sender.local) ?? sender.local;
    const sent = this.#record(origin, sender, payload, from, to, ecn);
    for (const hook of this.hooks) {
      if (hook(sent.datagram)) {
        this.#dropped('hook', sent.entry);
        return;
      }
    }
    if (toItself) this.#arriveIn(0, sent, payload, ecn);
    else if (sent.route === undefined) this.#dropped('noHost', sent.entry);
    else this.#cross(sent, sent.route);
  }

  /** Counts a datagram that never left its host. */
  dropAtSource(
    origin: SimHost,
    sender: WireSender,
    payload: Uint8Array,
    to: SocketAddress,
    ecn: number,
    cause: DropCause,
  ): void {
    this.#dropped(cause, this.#record(origin, sender, payload, sender.local, to, ecn).entry);
  }

  #record(
    origin: SimHost,
    sender: WireSender,
    payload: Uint8Array,
    from: SocketAddress,
    to: SocketAddress,
    ecn: number,
  ): Sent {
    const route = this.#topology.route(origin, to.address);
    const datagram: SimDatagram = {
      number: ++this.counters.sent,
      sentAt: this.#schedule.now,
      from,
      to,
      fromHost: sender.hostName,
      toHost: route?.host.name,
      payload,
      ecn,
    };
    return { datagram, entry: this.#capture.record(datagram), origin, sender, route };
  }

  /** Sends it over the link. */
  #cross(sent: Sent, route: Route): void {
    const { datagram, entry, origin, sender } = sent;
    const { payload, from, to, ecn } = datagram;
    const direction = this.#topology.directionOf(origin, sender.local, from, to, route);
    const bytes = payload.length + headerBytes(to.family);
    const passage = direction.pass(this.#schedule.now, bytes, ecn === ECT_0 || ecn === ECT_1);
    if (passage.dropped !== undefined) {
      this.#dropped(passage.dropped, entry);
      return;
    }
    const arriving = passage.corrupted ? this.#corrupt(payload, entry) : payload;
    if (passage.reordered) this.counters.reordered++;
    if (passage.marked) this.counters.marked++;
    this.counters.duplicated += passage.arrivals.length - 1;
    for (const wait of passage.arrivals) this.#arriveIn(wait, sent, arriving, passage.marked ? CE : ecn);
  }

  #arriveIn(wait: number, sent: Sent, payload: Uint8Array, ecn: number): void {
    const arrive = (): void => {
      const cause = this.#arrive(sent, payload, ecn);
      if (cause !== undefined) {
        this.#dropped(cause, sent.entry);
        return;
      }
      this.counters.delivered++;
      sent.entry?.arrivedAt.push(this.#schedule.now);
    };
    this.#schedule.after(wait, arrive, true);
  }

  /** Hands it over; says why not, if nobody took it. */
  #arrive({ datagram, origin, sender }: Sent, payload: Uint8Array, ecn: number): DropCause | undefined {
    const { from, to } = datagram;
    // Addresses may have moved since it was sent.
    const route = this.#topology.route(origin, to.address);
    if (route === undefined) return 'noHost';
    const inner = route.nat === undefined ? to : route.nat.inward(to.port);
    if (inner === undefined) return 'noMapping';
    if (!route.host.hasLocalAddress(inner.address)) return 'noHost';
    if (route.host.deliver({ payload, from, to: inner, ecn })) return undefined;
    this.#refuse(route, datagram, sender, origin);
    return 'noSocket';
  }

  /** Nobody listens: the sender hears of it by ICMP, if that arrives. */
  #refuse(route: Route, { from, to }: SimDatagram, sender: WireSender, origin: SimHost): void {
    let wait: number | undefined = 0;
    if (route.host !== origin) {
      const back: Route = { host: origin, nat: this.#topology.natOf(origin) };
      const direction = this.#topology.directionOf(route.host, to, to, from, back);
      const passage = direction.pass(this.#schedule.now, 2 * headerBytes(to.family), false);
      wait = passage.dropped === undefined ? passage.arrivals[0] : undefined;
    }
    if (wait !== undefined) this.#schedule.after(wait, () => sender.portUnreachable());
  }

  #corrupt(payload: Uint8Array, entry: CaptureEntry | undefined): Uint8Array {
    if (payload.length === 0) return payload;
    this.counters.corrupted++;
    if (entry !== undefined) entry.corrupted = true;
    const changed = payload.slice();
    const at = this.#random.below(changed.length);
    changed[at] = (changed[at] ?? 0) ^ (1 + this.#random.below(255));
    return changed;
  }

  #dropped(cause: DropCause, entry: CaptureEntry | undefined): void {
    this.counters[cause]++;
    if (entry !== undefined) entry.dropped = cause;
  }
}
