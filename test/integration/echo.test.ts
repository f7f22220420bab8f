// The first test that must pass and the last that may break: bytes go to another process and come back, under
// backpressure, and every hash is what it was. The same programs run on other runtimes in test/runtimes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeCertificates } from '../runtimes/certificates.mjs';
import { CASE_NAMES, runEcho } from '../runtimes/echo.mjs';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();

test('echo between two processes', async (t) => {
  const files = await writeCertificates(folder);
  const results = await runEcho({ program: process.execPath, flags: [] }, files);
  assert.deepEqual(
    results.map(({ name }) => name),
    CASE_NAMES,
  );
  for (const { name, ok, error } of results) await t.test(name, () => assert.ok(ok, error));
});
