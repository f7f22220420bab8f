/** Whether everything happened that the demonstration is to show. */

import { fileDigests } from './indexing/recount.js';
import type { Observed } from './observed.js';

export interface Check {
  readonly what: string;
  readonly ok: boolean;
  readonly detail: string;
}

export function judge(observed: Observed): Check[] {
  return [
    hashes(observed),
    counts(observed),
    entries(observed),
    death(observed),
    inheritance(observed),
    move(observed),
  ];
}

function hashes({ input, index }: Observed): Check {
  const wrong = input.files.filter(({ number, sha256 }) => index.hashes.get(number) !== sha256);
  const right = input.files.length - wrong.length;
  return {
    what: `${right} of ${input.files.length} SHA-256 by agents are what this process computed`,
    ok: wrong.length === 0,
    detail: firstOf(wrong),
  };
}

function counts({ input, index }: Observed): Check {
  const texts = input.files.filter(({ text }) => text !== undefined);
  const wrong = texts.filter(({ number, text }) => {
    const found = index.counts.get(number);
    return found?.lines !== text?.lines || found?.words !== text?.words || found?.distinct !== text?.distinct;
  });
  return {
    what: `lines and words of ${texts.length - wrong.length} of ${texts.length} text files are what this process counted`,
    ok: wrong.length === 0,
    detail: firstOf(wrong),
  };
}

function entries({ input, index }: Observed): Check {
  const digests = fileDigests(index.entries, input.files.length);
  const wrong = input.files.filter(({ number, text }) => text !== undefined && digests[number] !== text.digest);
  return {
    what: `all ${index.entries.length} words of the index are in the files and lines where this process found them`,
    ok: wrong.length === 0,
    detail: firstOf(wrong),
  };
}

function firstOf(files: readonly { readonly path: string }[]): string {
  return files
    .slice(0, 3)
    .map(({ path }) => path)
    .join(', ');
}

function death({ death, agents, stats }: Observed): Check {
  const isGone = death !== undefined && !stats.agents.some(({ id }) => id === death.agent) && agents.has(death.agent);
  const noticed = death?.noticedAt === undefined ? undefined : death.noticedAt - death.killedAt;
  return {
    what: `${death?.agent ?? 'an agent'} was killed in the middle of a task, and everybody was told`,
    ok: isGone && death.how === 'was ended by SIGKILL' && death.reason === 'lost',
    detail: noticed === undefined ? 'nobody was told' : `after ${(noticed / 1000).toFixed(1)} s`,
  };
}

function inheritance({ death, ledger }: Observed): Check {
  const lost = ledger.entries.filter(
    ({ agents, doneBy }) => agents.includes(death?.agent ?? '') && doneBy !== death?.agent,
  );
  const finished = lost.filter(({ doneBy }) => doneBy !== undefined);
  return {
    what: 'what it had not finished was finished by others',
    // The task that it was seen at may have been done in its last moment.
    ok: lost.length > 0 && ledger.entries.every(({ doneBy }) => doneBy !== undefined),
    detail: `${finished.length} of ${lost.length} tasks`,
  };
}

function move({ move, stats }: Observed): Check {
  const now = stats.agents.find(({ id }) => id === move?.agent);
  const isMoved = move?.after !== undefined && move.after.address !== move.before.address;
  return {
    what: `${move?.agent ?? 'an agent'} moved to another port on the same connection`,
    ok: isMoved && move.departures === 0 && now?.incarnation === move.before.incarnation,
    detail: isMoved ? `${move.before.address} to ${move.after?.address ?? ''}` : 'the coordinator saw no other port',
  };
}
