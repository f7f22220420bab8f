import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';

import { ipToWords, parseIpv4 } from './ip-text.js';

/** What the operating system says about its network interfaces; replaceable, so that tests can take one away. */
export interface InterfaceSource {
  interfaces(): NodeJS.Dict<readonly InterfaceAddress[]>;
  /** MTU of an interface in bytes; undefined where the system does not tell. */
  mtu(name: string, internal: boolean): number | undefined;
  /** Milliseconds, monotonic. */
  now(): number;
  /** Whether every address of 127.0.0.0/8 is local, as on Linux. */
  readonly wholeLoopbackBlock: boolean;
}

/** The members of `os.NetworkInterfaceInfo` that are used. */
export interface InterfaceAddress {
  readonly address: string;
  readonly cidr: string | null;
  readonly internal: boolean;
  readonly scopeid?: number | undefined;
}

interface LocalAddress {
  readonly name: string;
  readonly internal: boolean;
  readonly family: 4 | 6;
  readonly words: Uint32Array;
  readonly prefixBits: number;
  readonly scope: number;
}

const onLinux = process.platform === 'linux' || process.platform === 'android';

/** Loopback of macOS and the BSDs; Windows has none that one could name. */
const BSD_LOOPBACK_MTU = 16_384;

const systemSource: InterfaceSource = {
  interfaces: networkInterfaces,
  mtu(name, internal) {
    if (!onLinux) return internal && process.platform !== 'win32' ? BSD_LOOPBACK_MTU : undefined;
    const device = name.split(':', 1)[0] ?? name; // an alias (`eth0:1`) has the MTU of its device
    const mtu = Number.parseInt(readFileSync(`/sys/class/net/${device}/mtu`, 'utf8'), 10);
    return mtu > 0 ? mtu : undefined;
  },
  now: () => performance.now(),
  wholeLoopbackBlock: onLinux,
};

/** Asking the system costs some 50 us, and networks change within seconds at the soonest. */
const DEFAULT_MAX_AGE_MS = 3_000;

/**
 * The interfaces of this machine: their addresses, zones and MTUs. The system is asked again when what is known is
 * older than three seconds. Nothing here throws; what cannot be known is undefined.
 */
export class InterfaceTable {
  readonly #source: InterfaceSource;
  #addresses: readonly LocalAddress[] = [];
  #readAt = -Infinity;
  readonly #mtus = new Map<string, number | undefined>();
  readonly #scratch = new Uint32Array(4);

  constructor(source: InterfaceSource = systemSource) {
    this.#source = source;
  }

  /** Whether an address is one of this machine's; known to be so `maxAgeMs` ago at most. */
  hasAddress(address: string, maxAgeMs: number = DEFAULT_MAX_AGE_MS): boolean {
    if (this.#find(address, maxAgeMs) !== undefined) return true;
    if (!this.#source.wholeLoopbackBlock || (parseIpv4(address) & 0xff) !== 127) return false;
    return this.#addresses.some((local) => local.internal && local.family === 4);
  }

  /** MTU of the interface that holds a local address. */
  mtuOfAddress(address: string): number | undefined {
    return this.#mtu(this.#find(address) ?? (this.hasAddress(address) ? this.#loopback() : undefined));
  }

  /** MTU of the interface whose subnet holds a remote address, the narrowest of several. */
  mtuOfSubnet(remote: string): number | undefined {
    const family = ipToWords(remote, this.#scratch);
    const scope = this.scopeOf(remote);
    let best: LocalAddress | undefined;
    for (const local of this.#current()) {
      if (local.family !== family || (scope !== 0 && local.scope !== scope)) continue;
      if (local.prefixBits <= (best?.prefixBits ?? 0)) continue;
      if (samePrefix(local.words, this.#scratch, local.prefixBits)) best = local;
    }
    return this.#mtu(best);
  }

  /** MTU of the loopback interface, over which this machine's traffic to itself goes. */
  loopbackMtu(): number | undefined {
    return this.#mtu(this.#loopback());
  }

  /** Scope ID of the zone of a link-local address (`fe80::1%eth0`); 0 when it has none or an unknown one. */
  scopeOf(address: string): number {
    const at = address.indexOf('%');
    if (at < 0) return 0;
    const zone = address.slice(at + 1);
    if (/^\d+$/.test(zone)) return Number(zone);
    return this.#fresh((local) => local.scope !== 0 && local.name === zone)?.scope ?? 0;
  }

  /** Name of the zone with a scope ID as this system writes it; the number as text when it is unknown. */
  zoneOf(scope: number): string {
    if (process.platform === 'win32') return String(scope);
    return this.#fresh((local) => local.scope === scope)?.name ?? String(scope);
  }

  #loopback(): LocalAddress | undefined {
    return this.#current().find((local) => local.internal);
  }

  #find(address: string, maxAgeMs?: number): LocalAddress | undefined {
    const scope = this.scopeOf(address);
    const known = this.#current(maxAgeMs);
    const family = ipToWords(address, this.#scratch);
    return known.find(
      (local) =>
        local.family === family &&
        samePrefix(local.words, this.#scratch, family === 4 ? 32 : 128) &&
        (scope === 0 || local.scope === scope),
    );
  }

  /** Looks again at once when nothing is found: an interface may have come up just now. */
  #fresh(matches: (local: LocalAddress) => boolean): LocalAddress | undefined {
    return this.#current().find(matches) ?? this.#current(100).find(matches);
  }

  #mtu(local: LocalAddress | undefined): number | undefined {
    if (local === undefined) return undefined;
    if (!this.#mtus.has(local.name)) {
      let mtu: number | undefined;
      try {
        mtu = this.#source.mtu(local.name, local.internal);
      } catch {
        // The interface went away, or the system hides its files from this process.
      }
      this.#mtus.set(local.name, mtu);
    }
    return this.#mtus.get(local.name);
  }

  #current(maxAgeMs: number = DEFAULT_MAX_AGE_MS): readonly LocalAddress[] {
    const now = this.#source.now();
    if (now - this.#readAt <= maxAgeMs) return this.#addresses;
    this.#readAt = now;
    this.#mtus.clear();
    try {
      this.#addresses = Object.entries(this.#source.interfaces()).flatMap(([name, infos]) =>
        (infos ?? []).flatMap((info) => localAddress(name, info) ?? []),
      );
    } catch {
      this.#addresses = []; // some sandboxes refuse to tell
    }
    return this.#addresses;
  }
}

function localAddress(name: string, info: InterfaceAddress): LocalAddress | undefined {
  const words = new Uint32Array(4);
  const family = ipToWords(info.address, words);
  if (family === 0) return undefined;
  const prefixBits = Number(info.cidr?.split('/')[1] ?? Number.NaN);
  return {
    name,
    internal: info.internal,
    family,
    words,
    prefixBits: Number.isInteger(prefixBits) ? prefixBits : 0,
    scope: info.scopeid ?? 0,
  };
}

function samePrefix(a: Uint32Array, b: Uint32Array, bits: number): boolean {
  for (let bit = 0; bit < bits; bit += 8) {
    const index = bit >>> 5;
    const difference = (((a[index] ?? 0) ^ (b[index] ?? 0)) >>> (bit & 31)) & 0xff;
    const significant = Math.min(8, bits - bit);
    if (difference >>> (8 - significant) !== 0) return false;
  }
  return true;
}

/** The interfaces of this machine. One table, since asking costs a system call. */
export const systemInterfaces = new InterfaceTable();
