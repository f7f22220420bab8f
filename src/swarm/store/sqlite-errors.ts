/** What SQLite's result codes mean for a person (https://sqlite.org/rescode.html), whichever driver reports them. */

import { SwarmError } from '../errors.js';

const BUSY = 5;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

const WORDS: Record<number, string> = {
  [BUSY]:
    'is open already, in this process or another: a store has one owner at a time. Close that one, or use another file',
  [READONLY]: 'cannot be written: look at the permissions of the file and its folder',
  [IOERR]: 'could not be read or written: look at the disk, then start again',
  [CORRUPT]: 'is damaged: put a copy from a backup in its place',
  [FULL]: 'has no room left on its disk: the batch was not written; make room and write again',
  [CANTOPEN]:
    'cannot be opened, or its journal beside it cannot be made: look at the permissions of the file and its folder',
  [NOTADB]: 'is not an SQLite file: use another file, or put a copy from a backup in its place',
};

/** The primary result code of SQLite, or `undefined` where the error is none of its. */
function primaryCode(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { errcode, rawCode, errno } = error as { errcode?: unknown; rawCode?: unknown; errno?: unknown };
  for (const code of [errcode, rawCode, errno]) {
    // System errors are negative.
    if (typeof code === 'number' && code > 0) return code & 0xff;
  }
  // libsql puts the code of a failed open into its words only.
  const words = error instanceof Error ? / to local database .*: (\d+)"/.exec(error.message) : null;
  return words === null ? undefined : Number(words[1]) & 0xff;
}

/** Whether a failed transaction leaves the file as it was, so that the next may try. */
export function leavesFileIntact(error: unknown): boolean {
  return primaryCode(error) === FULL;
}

/** @param title 'The store FILE' */
export function storeError(title: string, cause: unknown): SwarmError {
  if (SwarmError.isSwarmError(cause)) return cause;
  const code = primaryCode(cause);
  const known = code === undefined ? undefined : WORDS[code];
  const words = known ?? `failed: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new SwarmError('ERR_SWARM_STORE', `${title} ${words}.`, { cause });
}
