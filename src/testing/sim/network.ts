import { canonicalAddress } from './addresses.js';
import { SimClock } from './clock.js';
import type { LinkConditions } from './conditions.js';
import { Capture } from './datagram.js';
import type { CapturedDatagram, CaptureMode, SimCounters, SimDatagram } from './datagram.js';
import { SimulationError } from './error.js';
import { SimHost } from './host.js';
import type { SimLink } from './link.js';
import { SimNat } from './nat.js';
import { SimRandom } from './random.js';
import { Runner } from './runner.js';
import type { RunOptions } from './runner.js';
import { Schedule } from './schedule.js';
import { Topology } from './topology.js';
import { Transit } from './transit.js';

/** How a simulated network is made. */
export interface SimNetworkOptions {
  /** The same seed gives the same luck. Default: an accidental one, which failures tell. */
  readonly seed?: number | string;
  /** Conditions of links that are not set otherwise. Default: {@link LinkConditions}' own. */
  readonly conditions?: Partial<LinkConditions>;
  /** Date at the start, in milliseconds since 1970. Default: the real one, so that new certificates are valid. */
  readonly wallTime?: number;
  /** What to keep of each datagram. Default `'headers'`. */
  readonly capture?: CaptureMode;
  /** Datagrams kept at most; then the older half is forgotten. Default 200,000. */
  readonly captureLimit?: number;
}

const DEFAULT_CAPTURE_LIMIT = 200_000;

/**
 * A network in memory, with a time of its own. Hosts are {@link UdpNetwork}s with a {@link Clock}: endpoints that are
 * given both live in it. Time passes in {@link SimNetwork.run} only: it lets promises settle, then jumps to the next
 * datagram or timer, so that minutes take milliseconds, and one seed gives one course of events.
 *
 * What the endpoints do beyond the network and the clock takes real time, which the simulation does not see: names
 * must be IP addresses, and files are better read before.
 *
 * @example
 * const network = new SimNetwork({ seed: 42, conditions: { delayMs: 20, lossPercent: 3 } });
 * const server = network.host('10.0.0.1');
 * const client = network.host('10.0.0.2');
 * const listening = await listen({ network: server, clock: server.clock });
 * const connection = await network.complete(connect({ network: client, clock: client.clock, host: '10.0.0.1' }));
 * network.link(client, server).set({ blackhole: true });
 * await network.run({ until: () => connection.isClosed });
 */
export class SimNetwork {
  readonly seed: number | string;
  /** Randomness for the test's own use; the network's is separate. */
  readonly random: SimRandom;
  readonly #fillRandom: SimRandom;
  readonly #startWallTime: number;
  readonly #names = new Set<string>();
  readonly #schedule = new Schedule();
  readonly #topology: Topology;
  readonly #capture: Capture;
  readonly #transit: Transit;
  readonly #runner: Runner;

  constructor(options: SimNetworkOptions = {}) {
    this.seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
    const random = new SimRandom(this.seed);
    this.random = random.fork('test');
    this.#fillRandom = random.fork('fill');
    this.#startWallTime = options.wallTime ?? Date.now();
    this.#topology = new Topology(options.conditions ?? {}, random.fork('links'));
    this.#capture = new Capture(options.capture ?? 'headers', options.captureLimit ?? DEFAULT_CAPTURE_LIMIT);
    this.#transit = new Transit(this.#schedule, this.#topology, this.#capture, random.fork('corruption'));
    this.#runner = new Runner(this.#schedule, this.seed, () => this.describe());
  }

  /** What happened to how many datagrams so far. */
  get counters(): Readonly<SimCounters> {
    return this.#transit.counters;
  }

  /** Virtual time, in milliseconds since the start. */
  get now(): number {
    return this.#schedule.now;
  }

  /** What went over the wire, in order of sending. */
  get captured(): readonly CapturedDatagram[] {
    return this.#capture.datagrams;
  }

  /** Makes a host with one address or several, the preferred one first. */
  host(...addresses: [string, ...string[]]): SimHost {
    const own = addresses.map(canonicalAddress);
    const first = own[0] ?? 'host';
    const name = this.#names.has(first) ? `${first} (${this.#names.size + 1})` : first;
    this.#names.add(name);
    const host: SimHost = new SimHost(name, own, new SimClock(this.#schedule, this.#startWallTime), {
      schedule: this.#schedule,
      transmit: (...datagram) => this.#transit.transmit(host, ...datagram),
      dropAtSource: (...datagram) => this.#transit.dropAtSource(host, ...datagram),
    });
    for (const address of own) this.#topology.claim(address, host);
    return host;
  }

  /** Gives a host one more address. */
  addAddress(host: SimHost, address: string): void {
    const canonical = canonicalAddress(address);
    this.#topology.claim(canonical, host);
    host.addAddress(canonical);
  }

  /**
   * Takes an address from a host: what goes there vanishes, and each send from a socket bound to it reports a fatal
   * error.
   */
  removeAddress(host: SimHost, address: string): void {
    const canonical = canonicalAddress(address);
    if (!host.addresses.includes(canonical)) throw new RangeError(`The host ${host.name} does not have ${address}`);
    this.#topology.release(canonical);
    host.removeAddress(canonical);
  }

  /** The host gets another address in place of `from`, its first one by default; see {@link removeAddress}. */
  moveHost(host: SimHost, to: string, from: string | undefined = host.addresses[0]): void {
    const canonical = canonicalAddress(to);
    const before = from === undefined ? undefined : canonicalAddress(from);
    if (before === undefined || !host.addresses.includes(before)) {
      throw new RangeError(`The host ${host.name} does not have ${from}`);
    }
    this.#topology.claim(canonical, host);
    this.#topology.release(before);
    host.replaceAddress(before, canonical);
  }

  /** Puts a NAT in front of a host: others see the `outside` address. */
  nat({ inside, outside }: { inside: SimHost; outside: string }): SimNat {
    const nat = new SimNat(inside, canonicalAddress(outside), (moved, from, to) => {
      this.#topology.claimNat(canonicalAddress(to), moved);
      this.#topology.releaseNat(from);
    });
    this.#topology.claimNat(nat.outside, nat);
    return nat;
  }

  /**
   * The link between two hosts, or between addresses of theirs. A datagram takes the most particular link there is:
   * from address to address before from address to host before from host to host.
   */
  link(a: SimHost | string, b: SimHost | string): SimLink {
    return this.#topology.link(a, b);
  }

  /** Changes conditions of all links, those to come included. */
  setAll(changes: Partial<LinkConditions>): void {
    this.#topology.setAll(changes);
  }

  /** Drops the datagrams for which `predicate` is true; the function that comes back ends it. */
  drop(predicate: (datagram: SimDatagram) => boolean): () => void {
    const hook = (datagram: SimDatagram): boolean => predicate(datagram);
    this.#transit.hooks.add(hook);
    return () => void this.#transit.hooks.delete(hook);
  }

  /** Calls back in `delayMs` milliseconds of virtual time. */
  after(delayMs: number, callback: () => void): void {
    this.#schedule.after(delayMs, callback);
  }

  /** Fills bytes from the seed: give it to an engine, and its connection IDs repeat as well. */
  readonly randomFill = (bytes: Uint8Array): void => this.#fillRandom.fill(bytes);

  /**
   * Lets time pass: until a condition holds, for a time, or, without either, until nothing is left to happen but
   * timers that do not keep a process alive.
   *
   * @throws SimulationError when `until` does not come true; when a callback throws, with that as `cause`
   */
  run(options: RunOptions = {}): Promise<void> {
    return this.#runner.run(options);
  }

  /** Lets time pass until a promise settles, and gives what it gives. See {@link run}. */
  async complete<T>(promise: Promise<T>, options: Pick<RunOptions, 'limitMs'> = {}): Promise<T> {
    let settled = false;
    const settle = (): void => void (settled = true);
    promise.then(settle, settle);
    await this.run({ ...options, until: () => settled });
    return promise;
  }

  /** Seed, virtual time and counters in words, for messages. */
  describe(): string {
    const counts = Object.entries(this.counters).flatMap(([name, count]) => (count > 0 ? `${name} ${count}` : []));
    return `seed ${JSON.stringify(this.seed)}, virtual time ${this.now.toFixed(3)} ms, datagrams: ${counts.join(', ')}`;
  }
}

/**
 * Runs a test in a simulated network; when it fails, the error's message tells the seed.
 *
 * @throws what `body` throws
 */
export async function simulate<T>(options: SimNetworkOptions, body: (network: SimNetwork) => Promise<T>): Promise<T> {
  const network = new SimNetwork(options);
  try {
    return await body(network);
  } catch (error) {
    if (error instanceof Error && !(error instanceof SimulationError)) {
      error.message += `\n(simulation: ${network.describe()})`;
    }
    throw error;
  }
}
