import { ADDRESS } from '../../engine/layout.js';
import type { SocketAddress } from '../types/udp.js';

import { systemInterfaces } from './interfaces.js';
import { ipToWords, ipv4Text, ipv6Text, isMapped, parseIpv4, zoneStart } from './ip-text.js';

const MAPPED_PREFIX = '::ffff:';
const scratch = new Uint32Array(4);

/**
 * An address in the form that the rest of this package expects: IPv6 as in RFC 5952, IPv4-mapped IPv6 as IPv4, the zone
 * of a link-local address kept.
 *
 * @param address an IP address as text
 * @param port 0 to 65535
 * @returns undefined when `address` is no IP address or `port` no port
 */
export function socketAddress(address: string, port: number): SocketAddress | undefined {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) return undefined;
  switch (ipToWords(address, scratch)) {
    case 0:
      return undefined;
    case 4:
      return { address: ipv4Text(scratch[0] ?? 0), port, family: 'IPv4' };
    case 6:
      return { address: ipv6Text(scratch, 0) + address.slice(zoneStart(address)), port, family: 'IPv6' };
  }
}

/** Reads `192.0.2.1:443` and `[2001:db8::1]:443`; undefined when the text is neither. */
export function parseSocketAddress(text: string): SocketAddress | undefined {
  const match = /^(?:\[(?<ipv6>[^\]]+)\]|(?<ipv4>[^:]+)):(?<port>\d{1,5})$/.exec(text)?.groups;
  if (match === undefined) return undefined;
  const { ipv6, ipv4 = '', port } = match;
  if (ipv6 === undefined ? parseIpv4(ipv4) < 0 : !ipv6.includes(':')) return undefined;
  return socketAddress(ipv6 ?? ipv4, Number(port));
}

/** An address with its port as text: `192.0.2.1:443`, `[2001:db8::1]:443`. */
export function formatSocketAddress(address: Pick<SocketAddress, 'address' | 'port'>): string {
  return address.address.includes(':') ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
}

/** The IPv4 address that an IPv4-mapped IPv6 address, as the kernel writes it, stands for; anything else as it is. */
export function unmapAddress(address: string): string {
  if (!address.startsWith(MAPPED_PREFIX)) return address;
  const ipv4 = address.slice(MAPPED_PREFIX.length);
  if (parseIpv4(ipv4) >= 0) return ipv4;
  return ipToWords(address, scratch) === 4 ? ipv4Text(scratch[0] ?? 0) : address; // `::ffff:c000:201`
}

/** The IPv4-mapped IPv6 address of an IPv4 address, as an IPv6 socket wants it. */
export function mapAddress(ipv4: string): string {
  return MAPPED_PREFIX + ipv4;
}

/** Whether two addresses, both in the form of {@link socketAddress}, are the same address and port. */
export function sameSocketAddress(a: SocketAddress, b: SocketAddress): boolean {
  return a === b || (a.port === b.port && a.address === b.address);
}

/** Whether an address leads back to this machine by definition: 127.0.0.0/8, `::1`. */
export function isLoopback(address: string): boolean {
  const family = ipToWords(address, scratch);
  if (family === 4) return ((scratch[0] ?? 0) & 0xff) === 127;
  return family === 6 && isSmall(0x01000000);
}

/** Whether an address stands for all addresses of this machine: `0.0.0.0`, `::`. */
export function isWildcard(address: string): boolean {
  return ipToWords(address, scratch) !== 0 && isSmall(0);
}

/** Whether the scratch words are zeros with `last` in the end. */
function isSmall(last: number): boolean {
  return scratch[0] === 0 && scratch[1] === 0 && scratch[2] === 0 && scratch[3] === last;
}

/**
 * Writes the engine's address record (seven words) for an address. IPv4-mapped addresses become IPv4; a zone becomes
 * its scope ID, 0 when this machine has no such interface.
 *
 * @returns false, and a record of family 0, when `address` is no IP address
 */
export function addressToWords(address: string, port: number, into: Uint32Array, offset = 0): boolean {
  const family = ipToWords(address, into, offset + ADDRESS.ip);
  into[offset + ADDRESS.family] = family;
  into[offset + ADDRESS.port] = port;
  into[offset + ADDRESS.scope] = family === 6 ? systemInterfaces.scopeOf(address) : 0;
  return family !== 0;
}

/** Reads an address record of the engine; undefined when it holds none (family 0). */
export function wordsToAddress(words: Uint32Array, offset = 0): SocketAddress | undefined {
  const family = words[offset + ADDRESS.family];
  const port = words[offset + ADDRESS.port] ?? 0;
  const ip = offset + ADDRESS.ip;
  if (family === 4) return { address: ipv4Text(words[ip] ?? 0), port, family: 'IPv4' };
  if (family !== 6) return undefined;
  if (isMapped(words, ip)) return { address: ipv4Text(words[ip + 3] ?? 0), port, family: 'IPv4' };
  const scope = words[offset + ADDRESS.scope] ?? 0;
  const zone = scope === 0 ? '' : `%${systemInterfaces.zoneOf(scope)}`;
  return { address: ipv6Text(words, ip) + zone, port, family: 'IPv6' };
}

/** Remotes that an {@link AddressCache} remembers: 1,024. */
const CACHE_BITS = 10;
const CACHE_SLOTS = 1 << CACHE_BITS;

/**
 * The text of the engine's address records, remembered: sending to a known remote makes no garbage, and gives the same
 * object for the same address. Takes the same memory however many sources somebody invents: of two addresses that fall
 * on one slot the newer stays.
 */
export class AddressCache {
  readonly #records = new Uint32Array(CACHE_SLOTS * ADDRESS.size);
  readonly #addresses: (SocketAddress | undefined)[] = Array.from({ length: CACHE_SLOTS });

  /** The address of the record at `offset`; undefined when it holds none (family 0). */
  get(words: Uint32Array, offset = 0): SocketAddress | undefined {
    const slot = slotOf(words, offset);
    const start = slot * ADDRESS.size;
    if (sameRecord(this.#records, start, words, offset)) return this.#addresses[slot];
    for (let index = 0; index < ADDRESS.size; index++) this.#records[start + index] = words[offset + index] ?? 0;
    return (this.#addresses[slot] = wordsToAddress(words, offset));
  }
}

function slotOf(words: Uint32Array, offset: number): number {
  let hash = 0;
  for (let index = 0; index < ADDRESS.size; index++) {
    hash = Math.imul(hash ^ (words[offset + index] ?? 0), 0x85eb_ca6b);
    hash ^= hash >>> 15;
  }
  return Math.imul(hash, 0x9e37_79b1) >>> (32 - CACHE_BITS);
}

function sameRecord(a: Uint32Array, aOffset: number, b: Uint32Array, bOffset: number): boolean {
  for (let index = 0; index < ADDRESS.size; index++) if (a[aOffset + index] !== b[bOffset + index]) return false;
  return true;
}
