/** The job: tasks by capability, and their results put together. */

import { decodeEntries, SHARDS, type IndexEntry } from './indexing/inverted-index.js';
import type { WordCounts } from './indexing/words.js';
import type { Batches } from './input.js';
import type { Ledger } from './ledger.js';
import type { Totals } from './progress.js';
import { RESULTS } from './tasks.js';

/** What agents found, by number of the file. */
export interface FinishedIndex {
  readonly hashes: ReadonlyMap<number, string>;
  readonly counts: ReadonlyMap<number, WordCounts>;
  /** Sorted by word. */
  readonly entries: readonly IndexEntry[];
}

export function totalsOf({ hash, text }: Batches): Totals {
  return { tokenise: text.length, hash: hash.length, index: text.length, aggregate: text.length === 0 ? 0 : SHARDS };
}

/** Does it all. `beforeAggregate` comes between the work on files and that on the index. */
export async function assemble(
  ledger: Ledger,
  batches: Batches,
  beforeAggregate: () => Promise<void>,
): Promise<FinishedIndex> {
  const hashes = new Map<number, string>();
  const counts = new Map<number, WordCounts>();
  const shards: Uint8Array[][] = Array.from({ length: SHARDS }, () => []);
  const hash = batches.hash.map(async (files) => {
    for (const { number, sha256 } of RESULTS.hash.parse(await ledger.run('hash', files))) hashes.set(number, sha256);
  });
  const tokenise = batches.text.map(async (files) => {
    for (const { number, ...found } of RESULTS.tokenise.parse(await ledger.run('tokenise', files)))
      counts.set(number, found);
  });
  const index = batches.text.map(async (files) => {
    for (const [at, shard] of RESULTS.index.parse(await ledger.run('index', files)).entries()) shards[at]?.push(shard);
  });
  await Promise.all([...hash, ...tokenise, ...index]);
  await beforeAggregate();
  const parts = batches.text.length === 0 ? [] : shards;
  const merged = await Promise.all(
    parts.map(async (shard) => decodeEntries(RESULTS.aggregate.parse(await ledger.run('aggregate', shard)))),
  );
  const entries = merged.flat().sort(([left], [right]) => (left < right ? -1 : 1));
  return { hashes, counts, entries };
}
