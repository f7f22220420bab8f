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

/** Has several values at a time, but clients repeat each of several in every request. */
const REPEATED = 'cookie';

const SEEN_SLOTS = 1024;

/** A name's entries may be evicted unused so often before its values count as volatile. */
const WASTED_ENTRIES = 2;

/** Decides what is worth an entry of the dynamic table. docs/qpack.md has the measurements behind the numbers. */
export class IndexingPolicy {
  /** Hashes of field lines that were sent as literals; a newer one takes the slot of an older one. */
  readonly #seen = new Int32Array(SEEN_SLOTS);
  /** For each slot: bytes of literals that had been sent before. */
  readonly #seenAt = new Float64Array(SEEN_SLOTS);
  #literalBytes = 0;

  /**
   * Notes that a field line of `size` bytes is about to be sent as a literal, and says whether it was among the last `window`
   * bytes of them: one that comes again only after a longer time would be evicted before it is used.
   */
  seenBefore(record: NameRecord, value: string, size: number, window: number): boolean {
    const hash = hashOf(record.name, value);
    const slot = hash & (SEEN_SLOTS - 1);
    const seen = this.#seen[slot] === hash && this.#literalBytes - (this.#seenAt[slot] as number) < window;
    this.#seen[slot] = hash;
    this.#seenAt[slot] = this.#literalBytes;
    this.#literalBytes += size;
    return seen;
  }

  /**
   * Whether to insert a value that was not seen before. Where it cannot be referenced at once it goes over the wire twice, so
   * that only names which tend to have one value are tried.
   */
  insertsAtOnce(record: NameRecord, referencedAtOnce: boolean): boolean {
    if (VOLATILE.has(record.name)) return false;
    if (referencedAtOnce) return record.wasted < WASTED_ENTRIES;
    return record.wasted === 0 && (record.entries === 0 || record.name === REPEATED);
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
