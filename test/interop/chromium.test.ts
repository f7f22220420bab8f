import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { skein } from '../e2e/support/skein-process.js';
import { noise, writeTree } from '../e2e/support/trees.js';
import { Chromium } from './support/chromium.js';

const TIMEOUT = 120_000;

const folder = mkdtempSync(join(tmpdir(), 'skein-chromium-site-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const large = noise(20 * 1024 * 1024);
const sha256 = createHash('sha256').update(large).digest('hex');
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const images = Array.from({ length: 12 }, (_, index) => `images/${index}.png`);

writeTree(folder, {
  'index.html': `<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="style.css"><link rel="icon" href="data:,">
<script src="script.js"></script><script type="module" src="module.mjs"></script>
${images.map((path) => `<img src="${path}">`).join('\n')}<img src="vector.svg">`,
  'style.css': 'body { color: rgb(1, 2, 3) }',
  'script.js': `globalThis.fromScript = 'script';${'// padding that makes compression worth while\n'.repeat(100)}`,
  'module.mjs': "import { value } from './imported.mjs'; globalThis.fromModule = value;",
  'imported.mjs': "export const value = 'module';",
  'vector.svg': '<svg xmlns="http://www.w3.org/2000/svg" width="3" height="2"/>',
  'large.bin': large,
  ...Object.fromEntries(images.map((path) => [path, Buffer.from(PNG, 'base64')])),
});

interface Fetched {
  readonly posted: boolean;
  readonly sha256: string;
  readonly received: number;
  readonly range: readonly [number, string];
  readonly missing: number;
  readonly again: number;
  readonly loaded: boolean;
  readonly scripts: readonly unknown[];
  readonly color: string;
  readonly protocols: readonly (readonly [string, string])[];
}

const SCRIPT = `
  const body = new Uint8Array(500_000).map((_, index) => index % 251);
  const echoed = new Uint8Array(await (await fetch('/echo', { method: 'POST', body })).arrayBuffer());
  const download = await (await fetch('/large.bin')).arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', download));
  const part = await fetch('/large.bin', { headers: { range: 'bytes=100-199' }, cache: 'no-store' });
  const range = [part.status, part.headers.get('content-range')];
  await part.arrayBuffer();
  const answered = await fetch('/none');
  const missing = answered.status;
  await answered.text();
  const again = (await fetch('/script.js', { cache: 'no-cache' })).status;
  // Entries come a moment after the content.
  const listed = () => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
  while (!listed().some(({ name }) => name.endsWith('/none'))) await new Promise((resolve) => setTimeout(resolve, 20));
  const entries = listed();
  return {
    posted: echoed.length === body.length && echoed.every((byte, index) => byte === body[index]),
    sha256: [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
    received: download.byteLength,
    range, missing, again,
    loaded: [...document.images].every(({ complete, naturalWidth }) => complete && naturalWidth > 0),
    scripts: [globalThis.fromScript, globalThis.fromModule],
    color: getComputedStyle(document.body).color,
    protocols: entries
      .filter(({ name }) => name.startsWith('https:'))
      .map(({ name, nextHopProtocol }) => [new URL(name).pathname, nextHopProtocol]),
  };`;

test('Chromium loads a page, posts and downloads from skein serve, all of it over HTTP/3', {
  timeout: TIMEOUT,
}, async () => {
  const serving = skein('serve', folder, '--listen', '127.0.0.1:0', '--echo', '/echo', '--json');
  const [line] = await serving.printed(/^\{"listening".*$/m);
  const { port, publicKey } = JSON.parse(line) as { port: number; publicKey: string };
  {
    await using browser = new Chromium(`localhost:${port}`, publicKey);
    const page = await browser.open(`https://localhost:${port}/`);
    const { protocols, ...fetched } = (await page.run(SCRIPT)) as Fetched;
    assert.deepEqual(fetched, {
      posted: true,
      sha256,
      received: large.length,
      range: [206, `bytes 100-199/${large.length}`],
      missing: 404,
      again: 200,
      loaded: true,
      scripts: ['script', 'module'],
      color: 'rgb(1, 2, 3)',
    });
    const paths = ['style.css', 'script.js', 'module.mjs', 'imported.mjs', 'vector.svg', 'echo', 'large.bin', 'none'];
    const expected = new Set(['/', ...[...paths, ...images].map((path) => `/${path}`)]);
    assert.deepEqual(new Set(protocols.map(([path]) => path)), expected);
    assert.deepEqual([...new Set(protocols.map(([, protocol]) => protocol))], ['h3']);
  }
  // The server's own view of it: HTTP/3 alone, compressed where it says so, and an answer to a condition.
  await serving.printed(/"path":"\/script\.js","status":304/);
  const log = serving.stdout.split('\n').filter((text) => text.startsWith('{"time"'));
  const seen = log.map(
    (text) => JSON.parse(text) as { protocol: string; path: string; status: number; complete: boolean },
  );
  assert.deepEqual([...new Set(seen.map(({ protocol }) => protocol))], ['HTTP/3']);
  assert.ok(seen.some(({ path, status }) => path === '/script.js' && status === 304));
  assert.ok(seen.every(({ complete }) => complete));
  serving.kill('SIGINT');
  const ended = await serving.ended;
  assert.deepEqual([ended.code, ended.stderr], [0, '']);
});

test('Chromium leaves in the middle of a download: the server goes on, and logs that it was cut off', {
  timeout: TIMEOUT,
}, async () => {
  const serving = skein('serve', folder, '--listen', '127.0.0.1:0', '--json');
  const [line] = await serving.printed(/^\{"listening".*$/m);
  const { port, publicKey } = JSON.parse(line) as { port: number; publicKey: string };
  await using browser = new Chromium(`localhost:${port}`, publicKey);
  const page = await browser.open(`https://localhost:${port}/`);
  await page.run(`
    const abort = new AbortController();
    const response = await fetch('/large.bin', { signal: abort.signal, cache: 'no-store' });
    await response.body.getReader().read();
    abort.abort();`);
  await serving.printed(/"path":"\/large\.bin".*"complete":false/);
  assert.equal(await page.run("return (await fetch('/style.css', { cache: 'no-store' })).status;"), 200);
});
