// gzip, brotli and zstd on every Node that skein runs on: whether zstd is there depends on the runtime.
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

const everywhere = { gzip: true, br: true };
const withZstd = { ...everywhere, zstd: true };

for (const [name, runtime, expected] of [
  ['has no zstd', RUNTIMES.node20, { zstd: false, fetch: everywhere, get: everywhere }],
  // Its zlib has it, its fetch does not use it, and does not ask servers for it.
  ['has zstd for skein get', RUNTIMES.node22, { zstd: true, fetch: { ...withZstd, zstd: false }, get: withZstd }],
  ['has zstd', RUNTIMES.node24, { zstd: true, fetch: withZstd, get: withZstd }],
  ['has zstd', RUNTIMES.node26, { zstd: true, fetch: withZstd, get: withZstd }],
] as const) {
  test(`${runtime.name} ${name}: fetch and skein get decode what it has`, async () => {
    const { stdout } = await promisify(execFile)(programOf(runtime), [program, files.cert, files.key, files.ca], {
      timeout: 60_000,
    });
    assert.deepEqual(JSON.parse(stdout), expected);
  });
}
