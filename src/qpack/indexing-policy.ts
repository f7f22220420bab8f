import type { FieldLine } from './field-line.js';
import type { NameRecord } from './name-table.js';

/** Credentials, whose values must not be guessable by the size of what others cause to be encoded. */
const SECRET = new Set(['authorization', 'proxy-authorization']);
/** Credentials too, but long values cannot be guessed as a whole, which is all that QPACK lets one try. */
const SECRET_IF_SHORT = new Set(['cookie', 'set-cookie']);
const SHORT_SECRET = 20;

/** Names whose values rarely come again: their values are inserted when they have been seen before. */
const VOLATILE = new Set([
  ':path',
  'age',
  'content-length',
  'content-range',
  'date',
  'etag',
  'expires',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'location',
  'range',
  'referer',
  'set-cookie',
  'x-request-id',
]);

/** Whether a field line is sent as a never-indexed literal (RFC 9204 section 7.1.3). */
export function isSensitive({ name, value, sensitive }: FieldLine): boolean {
  if (sensitive !== undefined) return sensitive;
  if (SECRET.has(name)) return true;
  return value.length < SHORT_SECRET && SECRET_IF_SHORT.has(name);
}

const SEEN_SLOTS = 1024;

/** Decides what is worth an entry of the dynamic table. */
export class IndexingPolicy {
  /** Hashes of field lines that were sent as literals; a newer one takes the slot of an older one. */
  readonly #seen = new Int32Array(SEEN_SLOTS);

  /** Notes that a field line is sent, and says whether it was among the last ones before. */
  seenBefore(record: NameRecord, value: string): boolean {
    const hash = hashOf(record.name, value);
    const slot = hash & (SEEN_SLOTS - 1);
    const seen = this.#seen[slot] === hash;
    this.#seen[slot] = hash;
    return seen;
  }

  /** Whether to insert a value that was not seen before. */
  insertsAtOnce(record: NameRecord): boolean {
    return !VOLATILE.has(record.name) && record.wasted < 2;
  }
}

/** FNV-1a over name and value, never 0. */
function hashOf(name: string, value: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ 0x100, 0x01000193);
  for (let at = 0; at < value.length; at++) hash = Math.imul(hash ^ value.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 15)) | 1;
}
