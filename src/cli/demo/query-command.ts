/** `skein demo --query WORD`. */

import { colors as pc } from '../colors.js';
import { EXIT } from '../failure.js';
import { count } from '../format.js';
import { indexPath, loadIndex, query, type Answer, type Hit } from './indexing/saved-index.js';

/** Files and lines that a person is shown. */
const FILES = 20;
const LINES = 12;

/** Answers from the index that was saved last. Ends with 1 when nothing was found, as grep does. */
export async function demoQuery(question: string, { json }: { readonly json: boolean }): Promise<void> {
  const index = await loadIndex(indexPath());
  const answer = query(index, question);
  if (answer.hits.length === 0) process.exitCode = EXIT.failed;
  if (json) {
    console.log(JSON.stringify({ root: index.root, madeAt: index.madeAt, ...answer }, null, 2));
    return;
  }
  console.log(summary(answer, index.files.length));
  for (const hit of answer.hits.slice(0, FILES)) console.log(line(hit));
  if (answer.hits.length > FILES) {
    console.log(pc.dim(`  and ${count(answer.hits.length - FILES, 'more file')}; --json shows all`));
  }
}

function summary({ words, hits, similar }: Answer, files: number): string {
  const what = words.map((word) => pc.bold(word)).join(' and ');
  if (hits.length === 0) {
    const instead = similar.length === 0 ? '' : `; there is ${similar.join(', ')}`;
    return `none of ${count(files, 'file')} has ${what}${instead}`;
  }
  const times = hits.reduce((sum, hit) => sum + hit.count, 0);
  return `${what}: ${count(times, 'time')} in ${count(hits.length, 'file')} of ${files}`;
}

function line({ path, count: times, lines }: Hit): string {
  const shown = lines.slice(0, LINES).join(', ');
  return `  ${String(times).padStart(5)}  ${path}${pc.dim(`  ${lines.length === 1 ? 'line' : 'lines'} ${shown}${lines.length > LINES ? ', ...' : ''}`)}`;
}
