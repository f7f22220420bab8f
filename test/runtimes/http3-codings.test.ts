// gzip, brotli and zstd on every Node that skein runs on, whatever its zlib has.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryFolder } from '../support/temporary-folder.js';
import { writeCertificates } from './certificates.mjs';
import { install, programOf, RUNTIMES } from './runtimes.mjs';

const program = fileURLToPath(new URL('http3-codings.mjs', import.meta.url));
const folder = temporaryFolder();
let files: Awaited<ReturnType<typeof writeCertificates>>;

before(async () => {
  install();
  files = await writeCertificates(folder);
});

const all = { gzip: true, br: true, zstd: true };

for (const runtime of [RUNTIMES.node20, RUNTIMES.node22, RUNTIMES.node24, RUNTIMES.node26]) {
  test(`${runtime.name}: fetch and skein get decode every coding`, async () => {
    const { stdout } = await promisify(execFile)(programOf(runtime), [program, files.cert, files.key, files.ca], {
      timeout: 60_000,
    });
    assert.deepEqual(JSON.parse(stdout), { fetch: all, get: all });
  });
}
