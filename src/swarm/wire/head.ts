/** Heads: the first frame of every exchange says what it is, from whom, for whom, and how it came. */

import { SwarmError } from '../errors.js';
import { decodeValue, encodeValue } from './codec.js';
import { FRAME } from './codes.js';
import { encodeFrames, protocolError } from './frames.js';

/** What an exchange is for. */
export const EXCHANGE_TYPES = [
  'request',
  'message',
  'broadcast',
  'publish',
  'notify',
  'submit',
  'attach',
  'task',
  'state',
  'admin',
] as const;
export type ExchangeType = (typeof EXCHANGE_TYPES)[number];

export interface ExchangeHead {
  readonly type: ExchangeType;
  /** Name of the handler, topic or capability; empty where the type needs none. */
  readonly name: string;
  /** The member that began it. */
  readonly from: string;
  /** The member that it is for. */
  readonly to: string;
  /** How many further members may pass it on. */
  readonly hops: number;
  /** Members that it has come by: `from` first, last the one that sends it. */
  readonly path: readonly string[];
  /** Milliseconds that are left for it, from when it was sent; 0: no deadline. A duration, so that clocks may differ. */
  readonly timeout: number;
  /** Of `broadcast` and `publish`: all members that this copy is for. */
  readonly targets: readonly string[];
}

/** Longest id of a member, in UTF-16 code units. */
export const MAX_ID_LENGTH = 128;
/** Longest name of a handler, topic or capability. */
export const MAX_NAME_LENGTH = 256;
export const MAX_HOPS = 255;
export const MAX_TIMEOUT = 0x7fffffff;

/** The frame that begins an exchange. */
export function encodeHead(head: ExchangeHead): Uint8Array {
  const { type, name, from, to, hops, path, timeout, targets } = head;
  const fields = [type, name, from, to, hops, path, timeout];
  const payload = encodeValue(targets.length > 0 ? [...fields, targets] : fields);
  return encodeFrames({ kind: FRAME.head, payload });
}

/** @throws SwarmError `ERR_SWARM_PROTOCOL` */
export function decodeHead(payload: Uint8Array): ExchangeHead {
  const fields = decodeValue(payload);
  if (!Array.isArray(fields)) throw protocolError('a head that is no array');
  const [type, name, from, to, hops, path, timeout, targets = []] = fields as unknown[];
  if (!isExchangeType(type)) throw protocolError('a head of an unknown type');
  if (typeof name !== 'string' || name.length > MAX_NAME_LENGTH) throw protocolError('a head without a good name');
  if (!isMemberId(from) || !isMemberId(to)) throw protocolError('a head without good ids');
  if (!isInteger(hops, MAX_HOPS) || !isInteger(timeout, MAX_TIMEOUT)) throw protocolError('a head with bad numbers');
  if (!isIdList(path) || path.length > MAX_HOPS || path[0] !== from) throw protocolError('a head without a good path');
  if (!isIdList(targets)) throw protocolError('a head without good targets');
  return { type, name, from, to, hops, path, timeout, targets };
}

/** Whether a value can be the id of a member: 1 to 128 characters, none of them a control character or white space at an end. */
export function isMemberId(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= MAX_ID_LENGTH &&
    value !== '__proto__' &&
    !/[\u0000-\u001f\u007f]|^\s|\s$/.test(value)
  );
}

/** @throws SwarmError `ERR_SWARM_INVALID_OPTION` */
export function checkName(what: string, name: unknown): asserts name is string {
  if (typeof name === 'string' && name.length > 0 && name.length <= MAX_NAME_LENGTH) return;
  throw new SwarmError('ERR_SWARM_INVALID_OPTION', `${what} must be a string of 1 to ${MAX_NAME_LENGTH} characters`);
}

function isExchangeType(value: unknown): value is ExchangeType {
  return (EXCHANGE_TYPES as readonly unknown[]).includes(value);
}

function isIdList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isMemberId);
}

function isInteger(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;
}
