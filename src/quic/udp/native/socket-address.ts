/** `struct sockaddr_in` and `struct sockaddr_in6`, written and read. */

import type { SocketAddress } from '../../types/udp.js';
import { systemInterfaces } from '../interfaces.js';
import { ipToWords, ipv4Text, ipv6Text, isMapped } from '../ip-text.js';
import { AF_INET, AF_INET6, SOCKADDR } from './layout.js';
import type { NativeMemory } from './memory.js';

const MAPPED_PREFIX_WORD = 0xffff_0000;

/**
 * Writes an address as the kernel wants it.
 *
 * @param ipv6 whether the socket is of IPv6; IPv4 addresses become IPv4-mapped then
 * @param at a multiple of four
 * @returns its length; 0 when the address is none, or is of IPv6 and the socket is not
 */
export function writeSocketAddress(
  memory: NativeMemory,
  at: number,
  { address, port }: Pick<SocketAddress, 'address' | 'port'>,
  ipv6: boolean,
): number {
  const { words, view } = memory;
  const word = at >>> 2;
  words.fill(0, word, word + (SOCKADDR.ipv6Size >>> 2));
  view.setUint16(at + SOCKADDR.port, port);
  if (!ipv6) {
    // The zeros behind an IPv4 address fill what is left of the structure.
    if (ipToWords(address, words, word + (SOCKADDR.ipv4 >>> 2)) !== 4) return 0;
    view.setUint16(at + SOCKADDR.family, AF_INET, true);
    return SOCKADDR.ipv4Size;
  }
  const ip = word + (SOCKADDR.ipv6 >>> 2);
  const family = ipToWords(address, words, ip);
  if (family === 0) return 0;
  if (family === 4) {
    words[ip + 3] = words[ip] ?? 0;
    words[ip] = 0;
    words[ip + 2] = MAPPED_PREFIX_WORD;
  } else {
    words[word + (SOCKADDR.scope >>> 2)] = systemInterfaces.scopeOf(address);
  }
  view.setUint16(at + SOCKADDR.family, AF_INET6, true);
  return SOCKADDR.ipv6Size;
}

/** The port of an address that the kernel wrote. */
export function readPort({ bytes }: NativeMemory, at: number): number {
  return ((bytes[at + SOCKADDR.port] ?? 0) << 8) | (bytes[at + SOCKADDR.port + 1] ?? 0);
}

/** The IP address of an address that the kernel wrote, as text; IPv4-mapped ones as IPv4. '' when it is none. */
export function readIp({ words, view }: NativeMemory, at: number): string {
  const word = at >>> 2;
  switch (view.getUint16(at + SOCKADDR.family, true)) {
    case AF_INET:
      return ipv4Text(words[word + (SOCKADDR.ipv4 >>> 2)] ?? 0);
    case AF_INET6: {
      const ip = word + (SOCKADDR.ipv6 >>> 2);
      if (isMapped(words, ip)) return ipv4Text(words[ip + 3] ?? 0);
      const scope = words[word + (SOCKADDR.scope >>> 2)] ?? 0;
      return ipv6Text(words, ip) + (scope === 0 ? '' : `%${systemInterfaces.zoneOf(scope)}`);
    }
    default:
      return '';
  }
}
