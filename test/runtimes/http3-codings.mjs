// Content codings on one runtime: a server and the clients of skein/http3 in one process. Prints one line of JSON:
// { fetch: { CODING: right }, get: { CODING: right } }.
//
//   node http3-codings.mjs CERT KEY CA
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { createServer, fetch, Http3Agent } from '../../dist/http3.js';

const [certPath, keyPath, caPath] = process.argv.slice(2);
const TEXT = 'what was written\n'.repeat(10_000);
// Zstandard as Node 24 makes it of half of the text, twice: Node 20 makes none, and a stream may be of several frames.
const HALF = Buffer.from('KLUv/aAITAEAzQAAiHdoYXQgd2FzIHdyaXR0ZW4KAQDplyifSw==', 'base64');
const coded = {
  gzip: zlib.gzipSync(TEXT),
  br: zlib.brotliCompressSync(TEXT),
  zstd: Buffer.concat([HALF, HALF]),
};
const codings = Object.keys(coded);

const server = createServer({
  host: '127.0.0.1',
  port: 0,
  tcp: false,
  certPath,
  keyPath,
  fetch(request) {
    const coding = new URL(request.url).pathname.slice(1);
    return new Response(coded[coding], { headers: { 'content-encoding': coding } });
  },
});
await server.listen();
const base = `https://127.0.0.1:${server.port}`;
const report = { fetch: {}, get: {} };

const dispatcher = new Http3Agent({ http3: 'only', ca: readFileSync(caPath) });
for (const coding of codings) {
  const text = await fetch(`${base}/${coding}`, { dispatcher }).then((response) => response.text());
  report.fetch[coding] = text === TEXT;
}
await dispatcher.close();

const skein = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
for (const coding of codings) {
  const args = [skein, 'get', '--compressed', '--ca', caPath, `${base}/${coding}`];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 24 });
  report.get[coding] = stdout === TEXT;
}
await server.close({ timeout: 0 });
console.log(JSON.stringify(report));
