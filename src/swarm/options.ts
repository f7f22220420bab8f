/** Options of members, with their defaults and ranges. */

import type { QuicEndpointOptions } from '../quic/index.js';
import { SwarmError } from './errors.js';
import type { Handlers } from './messaging/handlers.js';
import type { SwarmIdentityOptions } from './security/identity.js';
import { isMemberId } from './wire/head.js';

/** What a coordinator and an agent have in common. */
export interface MemberOptions
  extends SwarmIdentityOptions,
    Pick<QuicEndpointOptions, 'network' | 'clock' | 'randomFill' | 'keyLog' | 'qlogDir'> {
  /** Handlers of exchanges by name; `handle` adds more. Default: none. */
  readonly handlers?: Handlers | undefined;
  /** Words for what this member can do; tasks are given by them. `*` stands for everything. Default: none. */
  readonly capabilities?: readonly string[] | undefined;
  /** Tasks that it takes at a time. Default 4 for agents, 0 for the coordinator; from 0 to 10,000. */
  readonly concurrency?: number | undefined;
  /** Largest value that is accepted from others, in bytes as sent. Default 64 MiB; from 1024 to 1 GiB. */
  readonly maxMessageBytes?: number | undefined;
  /** Deadline of exchanges that name none, in milliseconds. Default 30000; 0: none. */
  readonly requestTimeout?: number | undefined;
  /**
   * Secret that members prove to know, at least 16 characters: all of them one, or one for each role, as an object. It is never sent.
   * Default: the environment variable SKEIN_SWARM_SECRET; without it, and without `ca`, the swarm is in development mode.
   */
  readonly secret?: string | Readonly<Record<string, string>> | undefined;
  /** CA in PEM that every member's certificate must lead to; instead of a secret, or beside it. Default: none. */
  readonly ca?: string | undefined;
  /** File with the same. */
  readonly caPath?: string | undefined;
  /** Hears of what no caller is told: handlers that fail on messages, for example. Default: only the event `error` on `node:diagnostics_channel`. */
  readonly onError?: ((error: unknown, context: string) => void) | undefined;
}

export const DEFAULT_MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
export const DEFAULT_REQUEST_TIMEOUT = 30_000;
export const DEFAULT_LEASE = 3000;
export const DEFAULT_PORT = 4433;

/** @throws SwarmError `ERR_SWARM_INVALID_OPTION` */
export function checkOption(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new SwarmError(
    'ERR_SWARM_INVALID_OPTION',
    `${name} is ${String(value)}; it must be a whole number from ${least} to ${most}`,
  );
}

/** @throws SwarmError `ERR_SWARM_INVALID_OPTION` */
export function checkId(name: string, value: unknown): asserts value is string {
  if (isMemberId(value)) return;
  throw new SwarmError(
    'ERR_SWARM_INVALID_OPTION',
    `${name} must be a string of 1 to 128 characters, without control characters and without white space at its ends`,
  );
}

/** @throws SwarmError `ERR_SWARM_INVALID_OPTION` */
export function checkWords(name: string, values: readonly unknown[]): readonly string[] {
  for (const value of values) {
    if (typeof value !== 'string' || value.length === 0 || value.length > 256) {
      throw new SwarmError('ERR_SWARM_INVALID_OPTION', `${name} must be strings of 1 to 256 characters`);
    }
  }
  if (values.length > 1000) throw new SwarmError('ERR_SWARM_INVALID_OPTION', `${name} may be 1000 at most`);
  return [...new Set(values as readonly string[])];
}

/** Whether two lists hold the same words, in whatever order; no list holds one twice. */
export function sameWords(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((word) => right.includes(word));
}

/** Splits `host:port`, `[ipv6]:port` or `host`. @throws SwarmError `ERR_SWARM_INVALID_OPTION` */
export function parseAddress(option: string, text: string, defaultPort: number): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  if (host !== undefined && port >= 1 && port <= 65_535) return { host, port };
  throw new SwarmError(
    'ERR_SWARM_INVALID_OPTION',
    `${option} is ${JSON.stringify(text)}; write host:port, or [IPv6 address]:port`,
  );
}

/** Limits that hold for all exchanges of a member. */
export interface MemberLimits {
  readonly maxMessageBytes: number;
  readonly requestTimeout: number;
}

export function resolveLimits(options: MemberOptions): MemberLimits {
  return {
    maxMessageBytes: checkOption(
      'maxMessageBytes',
      options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES,
      1024,
      2 ** 30,
    ),
    requestTimeout: checkOption('requestTimeout', options.requestTimeout ?? DEFAULT_REQUEST_TIMEOUT, 0, 0x7fffffff),
  };
}
