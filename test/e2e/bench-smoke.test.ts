import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../support/temporary-folder.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface BenchmarkReport {
  readonly quick: boolean;
  readonly cases: readonly {
    readonly name: string;
    readonly missing: readonly string[];
    readonly medians: Readonly<Record<string, Readonly<Record<string, number>>>>;
    readonly results: readonly { readonly label: string; readonly value: number }[];
  }[];
}

function runBenchmark(program: string): BenchmarkReport {
  const json = join(temporaryFolder(), 'report.json');
  const run = spawnSync(process.execPath, [join(root, program), '--quick', '--json', json], {
    cwd: root,
    encoding: 'utf8',
    timeout: 220_000,
  });
  assert.equal(run.status, 0, `${run.stdout}\n${run.stderr}`);
  return JSON.parse(readFileSync(json, 'utf8')) as BenchmarkReport;
}

const ALL = [
  'upload-1452',
  'upload-loopback',
  'echo',
  'small',
  'small-warm',
  'handshake',
  'many-handshakes',
  'early-data',
  'idle',
];

test('every transport benchmark runs and measures something', { timeout: 240_000 }, (context) => {
  const report = runBenchmark('bench/transport.mjs');
  assert.deepEqual(
    report.cases.map(({ name }) => name),
    ALL,
  );
  for (const { name, missing, medians, results } of report.cases) {
    for (const side of missing) context.diagnostic(`${name}: skipped ${side}`);
    for (const [key, value] of Object.entries(medians['skein'] ?? {})) {
      assert.ok(Number.isFinite(value), `${name}: ${key} is ${value}`);
    }
    assert.ok(results.length > 0, name);
  }
  const earlyData = report.cases.find(({ name }) => name === 'early-data');
  assert.equal(earlyData?.medians['skein']?.['percentAccepted'], 100);
});

const HTTP3 = ['get-32', 'get-100', 'download', 'idle-requests', 'fields'];

test('every HTTP/3 benchmark runs and measures something', { timeout: 240_000 }, (context) => {
  const report = runBenchmark('bench/http3.mjs');
  assert.deepEqual(
    report.cases.map(({ name }) => name),
    HTTP3,
  );
  for (const { name, missing, medians, results } of report.cases) {
    for (const side of missing) context.diagnostic(`${name}: skipped ${side}`);
    for (const [side, numbers] of Object.entries(medians)) {
      for (const [key, value] of Object.entries(numbers)) {
        assert.ok(Number.isFinite(value), `${name}, ${side}: ${key} is ${value}`);
      }
    }
    assert.ok(results.length > 0, name);
  }
});
