import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../support/temporary-folder.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface BenchmarkReport {
  readonly cases: readonly {
    readonly name: string;
    readonly missing: readonly string[];
    readonly medians: Readonly<Record<string, Readonly<Record<string, number>>>>;
    readonly results: readonly { readonly label: string; readonly value: number }[];
  }[];
}

const ALL = [
  'request-1',
  'request-32',
  'request-100',
  'lossy-200',
  'lossy-500',
  'lossy-mixed',
  'lossy-32',
  'tasks',
  'death',
  'memory',
];

test('every benchmark of swarms runs and measures something', { timeout: 240_000 }, (context) => {
  const json = join(temporaryFolder(), 'report.json');
  const run = spawnSync(process.execPath, [join(root, 'bench/swarm.mjs'), '--quick', '--json', json], {
    cwd: root,
    encoding: 'utf8',
    timeout: 220_000,
  });
  assert.equal(run.status, 0, `${run.stdout}\n${run.stderr}`);
  const report = JSON.parse(readFileSync(json, 'utf8')) as BenchmarkReport;
  assert.deepEqual(
    report.cases.map(({ name }) => name),
    ALL,
  );
  for (const { name, missing, medians, results } of report.cases) {
    for (const why of missing) context.diagnostic(`${name}: skipped: ${why}`);
    for (const [side, row] of Object.entries(medians)) {
      for (const [key, value] of Object.entries(row)) {
        assert.ok(Number.isFinite(value), `${name}: ${key} of ${side} is ${value}`);
      }
    }
    if (missing.length === 0) assert.ok(results.length > 0, name);
  }
});
