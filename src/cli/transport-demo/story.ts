/** What a person reads of the demonstration, and the judgement at its end. */

import { colors as pc } from '../colors.js';
import type { ConnectionStats } from '../../index.js';
import { engineRows } from '../engine-report.js';
import { count, formatBytes, formatRate, formatTime, table } from '../format.js';
import type { FileList } from '../files/file-list.js';
import type { FirstBytes, Migration, ServerReport, Transfer } from './messages.js';

/** Everything that was seen, filled in as it happens. */
export interface Observed {
  port?: number;
  first?: Transfer;
  second?: Transfer;
  migration?: Migration;
  firstBytes?: FirstBytes;
  moved?: { readonly from: number; readonly to: number };
  readonly arrived: Map<number, Arrived>;
}

export type Arrived = Extract<ServerReport, { type: 'received' }>;

/** The server's connections, rehearsals not counted. */
const FIRST = 0;
const SECOND = 1;

export class Story {
  readonly #json: boolean;

  constructor(json: boolean) {
    this.#json = json;
  }

  #say(...lines: string[]): void {
    if (!this.#json) console.log(lines.join('\n'));
  }

  prepared(tree: FileList, large: FileList, streams: number): void {
    this.#say(
      pc.bold('skein: QUIC in WebAssembly and TypeScript, two processes on this machine'),
      '',
      `  certificates   a development CA, and a certificate for localhost`,
      `  files          ${count(tree.files.length, 'file')} of this package, ${formatBytes(tree.bytes)}, on ${streams} streams at a time`,
      `                 then ${formatBytes(large.bytes)} of random bytes`,
    );
  }

  listening(port: number, server: number, client: number): void {
    this.#say(`  processes      server ${server} on 127.0.0.1:${port}, client ${client}`, '');
  }

  sent({ result, firstByte, seen }: Transfer): void {
    this.#say(
      pc.bold('First connection') + pc.dim(`   full handshake, ${seen.cipher ?? ''}`),
      `  first byte of the answer after ${pc.bold(formatTime(firstByte))}`,
      `  ${count(result.stored, 'file')}, ${formatBytes(result.bytes)} in ${formatTime(result.ms)} (${formatRate(result.bytes, result.ms)}), up to ${pc.bold(count(result.peakStreams, 'stream'))} at a time`,
      '',
    );
  }

  migrated({ fromPort, toPort, atBytes, ofBytes }: Migration): void {
    this.#say(
      `${pc.bold('Second connection')}${pc.dim('   the server is known: 0-RTT')}`,
      `  client: moved from port ${fromPort} to port ${pc.bold(String(toPort))} after ${formatBytes(atBytes)} of ${formatBytes(ofBytes)}`,
    );
  }

  moved(from: number, to: number): void {
    this.#say(`  server: the remote address changed from 127.0.0.1:${from} to 127.0.0.1:${pc.bold(String(to))}`);
  }

  sentAgain({ result, firstByte, seen }: Transfer): void {
    this.#say(
      `  first byte of the answer after ${pc.bold(formatTime(firstByte))} (early data ${seen.earlyData})`,
      `  ${formatBytes(result.bytes)} in ${formatTime(result.ms)} (${formatRate(result.bytes, result.ms)}), across the move`,
      '',
    );
  }

  /** Prints what the engine measured and whether all is as it should be; the latter is the result. */
  judge(observed: Observed, tree: FileList, large: FileList, wrong: readonly string[], streams: number): boolean {
    const checks = judge(observed, tree, large, wrong, streams);
    const ok = checks.every((check) => check.ok);
    if (this.#json) {
      const arrived = Object.fromEntries(observed.arrived);
      console.log(JSON.stringify({ ok, checks, ...observed, arrived }, null, 2));
      return ok;
    }
    this.#say(
      ...firstBytes(observed),
      pc.bold('What the engines measured'),
      measured(observed),
      '',
      pc.bold('Verified'),
    );
    for (const check of checks) {
      this.#say(
        `  ${check.ok ? pc.green('yes') : pc.red('NO ')}  ${check.what}${check.detail ? pc.dim(`  ${check.detail}`) : ''}`,
      );
    }
    this.#say('', ok ? pc.green('Everything was verified.') : pc.red('Not everything could be verified: see above.'));
    return ok;
  }
}

interface Check {
  readonly what: string;
  readonly ok: boolean;
  readonly detail?: string;
}

function judge(
  observed: Observed,
  tree: FileList,
  large: FileList,
  wrong: readonly string[],
  streams: number,
): readonly Check[] {
  const { first, second, migration, moved, arrived } = observed;
  const atServer = [arrived.get(FIRST), arrived.get(SECOND)];
  const files = tree.files.length + large.files.length;
  const confirmed = (first?.result.stored ?? 0) + (second?.result.stored ?? 0);
  const stored = atServer.reduce((sum, report) => sum + (report?.result.stored ?? 0), 0);
  const peak = atServer[0]?.result.peakStreams ?? 0;
  const errors = atServer.flatMap((report) => report?.error ?? []);
  return [
    {
      what: `${confirmed} of ${files} SHA-256 confirmed by the receiver`,
      ok: confirmed === files && stored === files && errors.length === 0,
      detail: errors.join('; '),
    },
    {
      what: `${files - wrong.length} of ${files} files read back from disk are what was sent`,
      ok: wrong.length === 0,
      detail: wrong.slice(0, 3).join(', '),
    },
    {
      what: `the server had ${peak} streams open at one time`,
      ok: peak >= Math.min(100, streams, tree.files.length),
    },
    {
      what: 'the second connection resumed the session, and its early data was accepted',
      ok: second?.seen.resumed === true && second.seen.earlyData === 'accepted' && first?.seen.resumed === false,
    },
    {
      what: 'the server saw the client at its new port in the middle of the transfer',
      ok: migration !== undefined && moved?.from === migration.fromPort && moved.to === migration.toPort,
      detail: migration && moved ? `${moved.from} to ${moved.to}` : 'no change of address was seen',
    },
  ];
}

/** Single connections are at the mercy of what else the machine does: medians are not. */
function firstBytes({ firstBytes }: Observed): string[] {
  if (!firstBytes) return [];
  const { full, early } = firstBytes;
  return [
    pc.bold('Time to the first byte of an answer') + pc.dim(`   median of ${full.length} connections each`),
    `  full handshake ${formatTime(median(full))}, 0-RTT ${pc.bold(formatTime(median(early)))}; over a network, 0-RTT saves one round trip more`,
    '',
  ];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function measured({ first, second, arrived }: Observed): string {
  const sides: [string, ConnectionStats | undefined][] = [
    ['1st, client', first?.seen.stats],
    ['1st, server', arrived.get(FIRST)?.seen.stats],
    ['2nd, client', second?.seen.stats],
    ['2nd, server', arrived.get(SECOND)?.seen.stats],
  ];
  const known = sides.flatMap(([name, stats]) => (stats ? [{ name, stats }] : []));
  return table(['connection', ...known.map(({ name }) => name)], engineRows(known.map(({ stats }) => stats)));
}
