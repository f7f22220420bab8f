// The store in an SQLite file on every runtime that skein runs on, each with the SQLite that it has.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../support/temporary-folder.js';
import { install, programOf, RUNTIMES } from './runtimes.mjs';

const folder = temporaryFolder();
const program = fileURLToPath(new URL('store.mjs', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));
const contract = ['sqlite-store', 'sqlite-files'].map((name) => join(root, `test/unit/swarm/${name}.test.ts`));
// This test runs under a test runner itself; the others begin anew.
const { NODE_TEST_CONTEXT: _, ...env } = process.env;

before(() => install());

// Those with an environment differ in their sockets only.
for (const runtime of Object.values(RUNTIMES).filter((one) => !('env' in one))) {
  const { name, flags } = runtime;

  describe(name, () => {
    test('a store in a file, without a word of complaint', () => {
      const run = spawnSync(
        programOf(runtime),
        [...flags, program, join(folder, `${runtime.folder}.sqlite`), ...flags],
        {
          encoding: 'utf8',
          env,
          timeout: 60_000,
        },
      );
      assert.equal(run.stderr, '');
      assert.equal(run.status, 0);
      assert.equal(run.stdout.trim(), runtime === RUNTIMES.node20 ? 'libsql' : 'node:sqlite');
    });

    if (!runtime.folder.startsWith('node-')) return;
    test('everything that a store promises', () => {
      const run = spawnSync(programOf(runtime), ['--import', 'tsx', '--test', ...contract], {
        cwd: root,
        encoding: 'utf8',
        env,
        timeout: 5 * 60_000,
      });
      assert.equal(run.status, 0, `${run.stdout}${run.stderr}`);
    });
  });
}
