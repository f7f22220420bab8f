import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../support/temporary-folder.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('the QPACK benchmark runs and measures something', () => {
  const json = join(temporaryFolder(), 'report.json');
  const program = join(root, 'bench/qpack.mjs');
  const run = spawnSync(process.execPath, [program, '--quick', '--json', json], { encoding: 'utf8', timeout: 60_000 });
  assert.equal(run.status, 0, `${run.stdout}\n${run.stderr}`);
  const report = JSON.parse(readFileSync(json, 'utf8')) as { medians: Record<string, Record<string, number>> };
  assert.ok(Object.keys(report.medians).length >= 3);
  for (const [side, numbers] of Object.entries(report.medians)) {
    for (const [name, value] of Object.entries(numbers))
      assert.ok(value > 0 && Number.isFinite(value), `${side}: ${name}`);
  }
});
