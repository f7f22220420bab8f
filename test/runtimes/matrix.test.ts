// The echo on every runtime that skein runs on. `node test/runtimes/run.mjs` prints the same as a table.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.js';
import { writeCertificates } from './certificates.mjs';
import { CASE_NAMES, runEcho } from './echo.mjs';
import { install, programOf, RUNTIMES } from './runtimes.mjs';

const folder = temporaryFolder();
let files: Awaited<ReturnType<typeof writeCertificates>>;

before(async () => {
  install();
  files = await writeCertificates(folder);
});

for (const runtime of Object.values(RUNTIMES)) {
  describe(runtime.name, () => {
    let results: Awaited<ReturnType<typeof runEcho>> = [];

    before(async () => {
      results = await runEcho({ ...runtime, program: programOf(runtime) }, files, { timeout: 5 * 60_000 });
    });

    for (const name of [...CASE_NAMES]) {
      test(name, () => {
        const result = results.find((one) => one.name === name);
        assert.ok(result?.ok, result?.error ?? 'no result');
      });
    }

    test('both processes end by themselves, without a word of complaint', () => {
      const others = results.filter(({ name }) => !CASE_NAMES.includes(name));
      assert.deepEqual(others, []);
    });
  });
}
