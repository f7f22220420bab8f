/** What may be asked of a store: everything that comes from outside is checked here, before anything is done with it. */

import { SwarmError } from '../errors.js';
import { MAX_STORE_KEY_BYTES, MAX_STORE_VALUE_BYTES, type StoreWrite } from './store.js';

const MIN_TTL_MS = 100;
const MAX_TTL_MS = 2 ** 31 - 1;
const SHOWN_CHARACTERS = 40;

function invalid(message: string): SwarmError {
  return new SwarmError('ERR_SWARM_INVALID_OPTION', message);
}

function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text);
}

function checkText(text: unknown, what: string): asserts text is string {
  if (typeof text !== 'string') throw invalid(`A store's ${what} is a string, not ${typeof text}.`);
  // Half a surrogate pair has no form in UTF-8, so it would come back as another key.
  if (/\p{Surrogate}/u.test(text)) throw invalid(`The store's ${what} ${shown(text)} is not well-formed Unicode.`);
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_STORE_KEY_BYTES) {
    throw invalid(`The store's ${what} ${shown(text)} has ${bytes} bytes; ${MAX_STORE_KEY_BYTES} are allowed.`);
  }
}

export function checkKey(key: unknown): asserts key is string {
  checkText(key, 'key');
  if (key === '') throw invalid("A store's key is not empty.");
}

export function checkPrefix(prefix: unknown): asserts prefix is string {
  checkText(prefix, 'prefix');
}

export function checkTtl(ttl: unknown): asserts ttl is number {
  if (typeof ttl === 'number' && ttl >= MIN_TTL_MS && ttl <= MAX_TTL_MS) return;
  throw invalid(`The ttl of a lease is ${MIN_TTL_MS} to ${MAX_TTL_MS} milliseconds, not ${String(ttl)}.`);
}

export function checkRevision(revision: unknown, what: string): asserts revision is number {
  if (typeof revision === 'number' && Number.isSafeInteger(revision) && revision >= 0) return;
  throw invalid(`${what} is a revision, a whole number from 0, not ${String(revision)}.`);
}

/** A batch that has been checked, with copies of its values; leases are the caller's to check. */
export function checkedBatch(batch: readonly StoreWrite[]): StoreWrite[] {
  if (!Array.isArray(batch)) throw invalid('A batch for a store is an array of writes.');
  const keys = new Set<string>();
  return (batch as readonly StoreWrite[]).map((write) => {
    const { key, value, ifRevision, lease } = write;
    checkKey(key);
    if (keys.has(key)) throw invalid(`The key ${shown(key)} comes twice in one batch.`);
    keys.add(key);
    if (ifRevision !== undefined) checkRevision(ifRevision, `ifRevision of ${shown(key)}`);
    return { key, value: copied(value, key), ifRevision, lease };
  });
}

function copied(value: Uint8Array | undefined, key: string): Uint8Array | undefined {
  if (value === undefined) return undefined;
  if (!(value instanceof Uint8Array)) throw invalid(`The value of ${shown(key)} is a Uint8Array, or undefined.`);
  if (value.length > MAX_STORE_VALUE_BYTES) {
    throw invalid(
      `The value of ${shown(key)} has ${value.length} bytes; a store takes ${MAX_STORE_VALUE_BYTES} at most.`,
    );
  }
  // Not slice(): that of a Buffer shares the memory.
  return new Uint8Array(value);
}
