/** The index as a file of this user, and questions to it. */

import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { CliError, EXIT } from '../../failure.js';
import type { IndexEntry, Posting } from './inverted-index.js';
import { eachWord } from './words.js';

const FORMAT = 1;

const savedFile = z.object({
  path: z.string(),
  bytes: z.number(),
  sha256: z.string(),
  /** Absent of what is no text. */
  lines: z.number().optional(),
  words: z.number().optional(),
});
const posting = z.tuple([z.number(), z.number(), z.array(z.number())]);
const saved = z.object({
  format: z.literal(FORMAT),
  /** Folder that the paths are below. */
  root: z.string(),
  /** ISO 8601. */
  madeAt: z.string(),
  files: z.array(savedFile),
  /** In ascending order of words. */
  index: z.array(z.tuple([z.string(), z.array(posting)])),
});

export interface SavedIndex {
  readonly root: string;
  readonly madeAt: string;
  readonly files: readonly z.infer<typeof savedFile>[];
  readonly index: readonly IndexEntry[];
}

/** Where the index of the last demonstration is. */
export function indexPath(): string {
  return join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'skein', 'demo', 'index.json');
}

/** Takes the place of an earlier index in one step. Resolves to the number of bytes. */
export async function saveIndex(path: string, index: SavedIndex): Promise<number> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const content = Buffer.from(`${JSON.stringify({ format: FORMAT, ...index })}\n`);
  const temporary = `${path}.${process.pid}`;
  try {
    await writeFile(temporary, content, { mode: 0o600 });
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
  return content.length;
}

/** @throws CliError when there is none, or it is something else */
export async function loadIndex(path: string): Promise<SavedIndex> {
  let content: string;
  try {
    content = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new CliError('there is no index yet; `skein demo` (or `npm start`) makes one, then ask again', {
      cause: error,
    });
  }
  try {
    return saved.parse(JSON.parse(content));
  } catch (error) {
    throw new CliError(`${path} is no index that this version reads; \`skein demo\` makes a new one`, { cause: error });
  }
}

/** A file that has what was asked for. */
export interface Hit {
  readonly path: string;
  /** Occurrences of all the words together. */
  readonly count: number;
  /** Lines with one of them. */
  readonly lines: readonly number[];
}

export interface Answer {
  readonly words: readonly string[];
  /** Files with all of the words, those with the most occurrences first. */
  readonly hits: readonly Hit[];
  /** For a word that no file has: words that begin like it. */
  readonly similar: readonly string[];
}

/** @throws CliError when the question holds no word */
export function query(index: SavedIndex, question: string): Answer {
  const words = new Set<string>();
  eachWord(question, (word) => words.add(word));
  if (words.size === 0) {
    throw new CliError(`${JSON.stringify(question)} holds no word: a word begins with a letter or an underscore`, {
      exitCode: EXIT.usage,
    });
  }
  const byWord = new Map(index.index);
  const found = [...words].map((word) => byWord.get(word) ?? []);
  const unknown = [...words].find((word) => !byWord.has(word));
  const similar = unknown === undefined ? [] : alike(byWord.keys(), unknown);
  return {
    words: [...words],
    hits: intersection(found)
      .map(([...all]) => hitOf(index, all))
      .sort(byCount),
    similar,
  };
}

/** Postings of the files that are in every list. */
function intersection(lists: readonly (readonly Posting[])[]): Posting[][] {
  const byFile = new Map<number, Posting[]>();
  for (const posting of lists.flat()) byFile.set(posting[0], [...(byFile.get(posting[0]) ?? []), posting]);
  return [...byFile.values()].filter((postings) => postings.length === lists.length);
}

function hitOf(index: SavedIndex, postings: readonly Posting[]): Hit {
  const lines = new Set(postings.flatMap(([, , lines]) => lines));
  return {
    path: index.files[postings[0]?.[0] ?? -1]?.path ?? '?',
    count: postings.reduce((sum, [, count]) => sum + count, 0),
    lines: [...lines].sort((left, right) => left - right),
  };
}

function byCount(left: Hit, right: Hit): number {
  return right.count - left.count || (left.path < right.path ? -1 : 1);
}

/** Words with the longest beginning in common, three letters at least. */
function alike(words: Iterable<string>, wanted: string): string[] {
  const all = [...words];
  for (let length = wanted.length; length >= 3; length--) {
    const found = all.filter((word) => word.startsWith(wanted.slice(0, length)));
    if (found.length > 0) return found.slice(0, 5);
  }
  return [];
}
