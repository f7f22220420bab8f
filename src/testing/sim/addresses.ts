import { isIP, SocketAddress as ParsedAddress } from 'node:net';

import type { SocketAddress } from '../../quic/types/udp.js';

/**
 * An IP address in the one form in which the simulation compares it: IPv6 as the operating system writes it,
 * IPv4-mapped as IPv4. A zone stays.
 *
 * @throws TypeError when the text is no IP address
 */
export function canonicalAddress(text: string): string {
  const family = isIP(text);
  if (family === 0) throw new TypeError(`'${text}' is no IP address`);
  if (family === 4) return text;
  const [bare = '', zone] = text.split('%');
  const { address } = new ParsedAddress({ address: bare, family: 'ipv6' });
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice('::ffff:'.length);
  return zone === undefined ? address : `${address}%${zone}`;
}

export function familyOf(address: string): SocketAddress['family'] {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

export function isWildcardAddress(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

/** Bytes of the IP and UDP headers before a payload. */
export function headerBytes(family: SocketAddress['family']): number {
  return family === 'IPv4' ? 28 : 48;
}

/** Whether two addresses are of one subnet, taken as /24 and /64. */
export function sameSubnet(a: string, b: string): boolean {
  if (familyOf(a) !== familyOf(b)) return false;
  return familyOf(a) === 'IPv4' ? subnet4(a) === subnet4(b) : subnet6(a) === subnet6(b);
}

function subnet4(address: string): string {
  return address.slice(0, address.lastIndexOf('.'));
}

function subnet6(address: string): string {
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const rest = tail === '' ? [] : tail.split(':');
    while (groups.length + rest.length < 8) groups.push('0');
    groups.push(...rest);
  }
  return groups.slice(0, 4).join(':');
}
