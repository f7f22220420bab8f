/** What SQLite's result codes mean for a person (https://sqlite.org/rescode.html), whichever driver reports them. */

import { SwarmError } from '../errors.js';

interface Meaning {
  readonly code: number;
  /** What SQLite says, the same in all versions: Deno tells no code of what fails in `exec`. */
  readonly says: string;
  /** What it means: 'The store FILE ...'. */
  readonly means: string;
}

const FULL = 13;

const OPEN_ALREADY =
  'is open already, in this process or another: a store has one owner at a time. Close that one, or use another file';

const MEANINGS: readonly Meaning[] = [
  {
    code: 5,
    says: 'database is locked',
    means: OPEN_ALREADY,
  },
  {
    code: 8,
    says: 'attempt to write a readonly database',
    means: 'cannot be written: look at the permissions of the file and its folder',
  },
  {
    code: 10,
    says: 'disk I/O error',
    means: 'could not be read or written: look at the disk, then start again',
  },
  {
    code: 11,
    says: 'database disk image is malformed',
    means: 'is damaged: put a copy from a backup in its place',
  },
  {
    code: FULL,
    says: 'database or disk is full',
    means: 'has no room left on its disk: nothing was written; make room and try again',
  },
  {
    code: 14,
    says: 'unable to open database file',
    means:
      'cannot be opened, or its journal beside it cannot be made: look at the permissions of the file and its folder',
  },
  {
    code: 26,
    says: 'file is not a database',
    means: 'is not an SQLite file: use another file, or put a copy from a backup in its place',
  },
];

function meaningOf(error: unknown): Meaning | undefined {
  if (!(error instanceof Error)) return undefined;
  const { message } = error;
  const { errcode, rawCode } = error as { errcode?: unknown; rawCode?: unknown };
  // libsql puts the code of a failed open into its words only.
  const code = errcode ?? rawCode ?? / to local database .*: (\d+)"/.exec(message)?.[1];
  if (code === undefined) return MEANINGS.find(({ says }) => message.startsWith(says));
  // The low byte is the primary code; the rest says more exactly where it comes from.
  return MEANINGS.find((meaning) => meaning.code === (Number(code) & 0xff));
}

/** Whether a failed transaction leaves the file as it was, so that the next may try. */
export function leavesFileIntact(error: unknown): boolean {
  return meaningOf(error)?.code === FULL;
}

/** @param title 'The store FILE' */
export function storeError(title: string, cause: unknown): SwarmError {
  if (SwarmError.isSwarmError(cause)) return cause;
  const words = meaningOf(cause)?.means ?? `failed: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new SwarmError('ERR_SWARM_STORE', `${title} ${words}.`, { cause });
}

/** For a file that this process has open, where SQLite itself might not see it. */
export function openAlready(title: string): SwarmError {
  return new SwarmError('ERR_SWARM_STORE', `${title} ${OPEN_ALREADY}.`);
}
