/**
 * Counts what agents have counted, in another way: by regular expressions, line by line. It shares nothing with them but what a word
 * is, so that both being wrong in the same way would take two different mistakes.
 */

import { createHash } from 'node:crypto';
import type { IndexEntry } from './inverted-index.js';
import { LONGEST_WORD, type WordCounts } from './words.js';

const WORD = /[\p{L}_][\p{L}\p{M}\p{N}_]*/gu;

export interface Recount extends WordCounts {
  /** Of every word of the file, how often and where: see {@link fileDigests}. */
  readonly digest: string;
}

export function recount(text: string): Recount {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const found = new Map<string, { count: number; lines: Set<number> }>();
  let words = 0;
  lines.forEach((content, index) => {
    for (const word of content.match(WORD) ?? []) {
      if (word.length > LONGEST_WORD) continue;
      words++;
      const key = word.toLowerCase();
      const entry = found.get(key) ?? { count: 0, lines: new Set() };
      entry.count++;
      entry.lines.add(index + 1);
      found.set(key, entry);
    }
  });
  const hash = createHash('sha256');
  for (const word of [...found.keys()].sort()) {
    const entry = found.get(word);
    hash.update(rowOf(word, entry?.count ?? 0, [...(entry?.lines ?? [])]));
  }
  return { lines: lines.length, words, distinct: found.size, digest: hash.digest('hex') };
}

/** A digest over all that an index says of each file. @param entries sorted by word */
export function fileDigests(entries: Iterable<IndexEntry>, files: number): string[] {
  const hashes = Array.from({ length: files }, () => createHash('sha256'));
  for (const [word, postings] of entries) {
    for (const [file, count, lines] of postings) hashes[file]?.update(rowOf(word, count, lines));
  }
  return hashes.map((hash) => hash.digest('hex'));
}

function rowOf(word: string, count: number, lines: readonly number[]): string {
  return `${word} ${count} ${lines.join(' ')}\n`;
}
