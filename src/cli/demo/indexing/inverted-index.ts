/** Inverted indexes: of some files, cut into shards by word; and shards of several, merged. As JSON in bytes, since they travel. */

import { eachWord } from './words.js';

/** Where a word is in one file: number of the file, occurrences, lines in ascending order, each once. */
export type Posting = readonly [file: number, count: number, lines: readonly number[]];

/** A word with its postings, in ascending order of files. */
export type IndexEntry = readonly [word: string, postings: readonly Posting[]];

/** Parts that an index is cut into, so that several agents can merge it. */
export const SHARDS = 8;

export interface NumberedText {
  readonly file: number;
  readonly text: string;
}

/** The index of some texts, cut into shards. */
export function indexTexts(texts: readonly NumberedText[]): Uint8Array[] {
  const words = new Map<string, [number, number, number[]][]>();
  for (const { file, text } of texts) {
    eachWord(text, (word, line) => {
      const postings = words.get(word);
      const last = postings?.at(-1);
      if (!postings) {
        words.set(word, [[file, 1, [line]]]);
      } else if (last?.[0] === file) {
        last[1]++;
        if (last[2].at(-1) !== line) last[2].push(line);
      } else {
        postings.push([file, 1, [line]]);
      }
    });
  }
  const shards: IndexEntry[][] = Array.from({ length: SHARDS }, () => []);
  for (const entry of words) shards[shardOf(entry[0])]?.push(entry);
  return shards.map(encodeEntries);
}

/** Puts the same shard of several indexes together: sorted by word (in order of UTF-16 code units), then by file. */
export function mergeShards(parts: readonly Uint8Array[]): Uint8Array {
  const words = new Map<string, Posting[]>();
  for (const part of parts) {
    for (const [word, postings] of decodeEntries(part)) {
      const known = words.get(word);
      if (known) known.push(...postings);
      else words.set(word, [...postings]);
    }
  }
  for (const postings of words.values()) postings.sort(([left], [right]) => left - right);
  return encodeEntries([...words].sort(([left], [right]) => (left < right ? -1 : 1)));
}

/** FNV-1a: the same everywhere, and spread evenly. */
function shardOf(word: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < word.length; at++) hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193);
  return (hash >>> 0) % SHARDS;
}

function encodeEntries(entries: readonly IndexEntry[]): Uint8Array {
  return Buffer.from(JSON.stringify(entries));
}

export function decodeEntries(bytes: Uint8Array): IndexEntry[] {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()) as IndexEntry[];
}
