/** What several commands take on their command lines, and how it is read. */

import { isIP } from 'node:net';
import { InvalidArgumentError, Option } from '@commander-js/extra-typings';

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** A number of bytes: `1500`, `64k`, `1.5M`, `2G`; the suffixes are powers of 1024. */
export function bytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([kmgt]?)(?:i?b)?$/i.exec(text.trim());
  const value = match ? Math.round(Number(match[1]) * (UNITS[(match[2] ?? '').toLowerCase()] ?? 1)) : NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('It is a number of bytes, such as 1500, 64k, 1.5M or 2G (powers of 1024).');
}

/** A duration in milliseconds: `10` and `10s` are seconds, `500ms`, `2m`. */
export function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|)$/i.exec(text.trim());
  const unit = { ms: 1, s: 1000, m: 60_000, '': 1000 }[(match?.[2] ?? '').toLowerCase()] ?? NaN;
  const value = match ? Math.round(Number(match[1]) * unit) : NaN;
  if (Number.isInteger(value) && value > 0 && value <= 86_400_000) return value;
  throw new InvalidArgumentError('It is a time of at most a day, such as 10 (seconds), 500ms or 2m.');
}

/** A whole number in a range. */
export function integer(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= low && value <= high) return value;
    throw new InvalidArgumentError(`It is a whole number from ${low} to ${high}.`);
  };
}

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, `192.0.2.1:4433`, `[2001:db8::1]:4433`; `host` alone, `:port` alone and `port` alone take the default of the rest. */
export function hostAndPort(defaults: HostAndPort): (text: string) => HostAndPort {
  return (text) => {
    const match = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(text);
    // Digits alone are a port, an IPv6 address needs no brackets where no port follows.
    if (isIP(text) === 6) return { host: text, port: defaults.port };
    if (/^\d{1,5}$/.test(text)) return { host: defaults.host, port: port(text) };
    if (!match) throw new InvalidArgumentError('It is HOST:PORT, such as example.org:4433 or [2001:db8::1]:4433.');
    const [, bracketed, name, digits] = match;
    if (bracketed !== undefined && isIP(bracketed.replace(/%.*$/, '')) !== 6) {
      throw new InvalidArgumentError('Brackets are for IPv6 addresses: [2001:db8::1]:4433.');
    }
    const host = bracketed ?? name ?? '';
    return { host: host === '' ? defaults.host : host, port: digits === undefined ? defaults.port : port(digits) };
  };
}

function port(digits: string): number {
  const value = Number(digits);
  if (value <= 65_535) return value;
  throw new InvalidArgumentError('A port is at most 65535.');
}

/** Writes an address as {@link hostAndPort} reads it. */
export function formatHostAndPort({ host, port }: HostAndPort): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

const PIN = /^(?:sha256\/[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{43}=|[0-9a-f]{64}|(?:[0-9a-f]{2}:){31}[0-9a-f]{2})$/i;

/** `--pin`, as often as there are pins. */
export function pinOption(): Option<'--pin <pin>', undefined, undefined, string[]> {
  return new Option(
    '--pin <pin>',
    'SHA-256 of the public key that the remote must show (sha256/...), again for further ones; without --ca it is all the trust there is',
  ).argParser((text: string, before: string[] | undefined) => {
    if (PIN.test(text)) return [...(before ?? []), text];
    throw new InvalidArgumentError('A pin is sha256/ and 44 characters, as `skein cert` and `skein receive` print it.');
  });
}

export interface TrustArguments {
  readonly ca?: string | undefined;
  readonly pin?: readonly string[] | undefined;
  readonly insecure?: boolean | undefined;
  readonly servername?: string | undefined;
}

export interface IdentityArguments {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** The library's options for what the command line says about trust. A pin without a CA stands for itself. */
export function trust({ ca, pin, insecure, servername }: TrustArguments): {
  caPath: string | undefined;
  publicKeyPins: readonly string[] | undefined;
  verifyPeer: boolean;
  servername: string | undefined;
} {
  const pinned = pin !== undefined && pin.length > 0;
  return {
    caPath: ca,
    publicKeyPins: pin,
    verifyPeer: insecure !== true && (ca !== undefined || !pinned),
    servername,
  };
}

/** The library's options for the certificate of this side. */
export function identity({ cert, key }: IdentityArguments): {
  certPath: string | undefined;
  keyPath: string | undefined;
} {
  // One PEM file can hold both.
  return { certPath: cert, keyPath: key ?? cert };
}
