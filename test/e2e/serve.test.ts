import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { get as httpsGet } from 'node:https';
import { connect as http2Connect } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { WholeResponse } from '../../src/http3.js';
import { Http3TestClient } from './support/http3-client.js';
import { skein, type Process } from './support/skein-process.js';
import { noise, until, writeTree } from './support/trees.js';

const text = 'All work and no play makes Jack a dull boy.\n'.repeat(2000);
const large = noise(20_000_000);

interface Served {
  readonly process: Process;
  readonly url: string;
  readonly port: number;
  readonly publicKey: string;
  readonly ca: string;
}

async function serve(folder: string, ...args: readonly string[]): Promise<Served> {
  const started = skein('serve', folder, '--listen', '127.0.0.1:0', '--json', ...args);
  const [line] = await started.printed(/^\{"listening".*$/m);
  const { listening, ...rest } = JSON.parse(line) as Omit<Served, 'url' | 'process'> & { listening: string };
  return { process: started, url: listening, ...rest };
}

function logged(process: Process, path: string): Record<string, unknown>[] {
  const lines = process.stdout.split('\n').filter((line) => line.startsWith('{"time"'));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => line['path'] === path);
}

const folder = mkdtempSync(join(tmpdir(), 'skein-serve-test-'));
const outside = mkdtempSync(join(tmpdir(), 'skein-serve-outside-'));
// Not in a hook: a process ends with the test or hook that started it.
const served = await serve(folder, '--echo', '/echo');

describe('skein serve', { timeout: 120_000 }, () => {
  let client: Http3TestClient;

  const ask: Http3TestClient['ask'] = (...request) => client.ask(...request);
  const words = (answer: WholeResponse): string => Buffer.from(answer.body).toString();

  before(async () => {
    writeTree(folder, {
      'index.html': '<h1>hello</h1>',
      'text.txt': text,
      'large.bin': large,
      'empty.txt': '',
      digits: '0123456789',
      '.env': 'secret',
      '.well-known/security.txt': 'mail',
      'sub/a b&c.txt': 'odd',
      'sub/.hidden': 'secret',
      'site/index.html': 'site',
    });
    writeTree(outside, { 'secret.txt': 'secret' });
    symlinkSync(join(outside, 'secret.txt'), join(folder, 'sub/out.txt'));
    symlinkSync(outside, join(folder, 'sub/outdir'));
    symlinkSync('../text.txt', join(folder, 'sub/in.txt'));
    symlinkSync('../.env', join(folder, 'sub/env.txt'));
    utimesSync(join(folder, 'digits'), 1_000_000_000, 1_000_000_000);
    client = await Http3TestClient.connect(served.port, { caPath: served.ca });
  });

  after(async () => {
    await client.close();
    served.process.kill('SIGKILL');
    for (const path of [folder, outside]) rmSync(path, { recursive: true, force: true });
  });

  test('files, folders, HEAD, OPTIONS and what is not allowed', async () => {
    const page = await ask('/');
    assert.deepEqual([page.status, words(page)], [200, '<h1>hello</h1>']);
    assert.equal(page.headers.get('content-type'), 'text/html;charset=utf-8');
    assert.equal(words(await ask('/sub/a%20b&c.txt?query')), 'odd');
    assert.equal(words(await ask('/site/')), 'site');
    const file = await ask('/large.bin');
    assert.ok(large.equals(file.body));
    assert.equal(file.headers.get('content-length'), String(large.length));
    const empty = await ask('/empty.txt');
    assert.deepEqual([empty.status, empty.body.length, empty.headers.get('content-length')], [200, 0, '0']);

    const head = await ask('/large.bin', {}, 'HEAD');
    assert.deepEqual([head.status, head.body.length, head.headers.get('content-length')], [200, 0, '20000000']);
    const redirect = await ask('/sub?x=1');
    assert.deepEqual([redirect.status, redirect.headers.get('location')], [308, '/sub/?x=1']);
    const listing = words(await ask('/sub/'));
    assert.match(listing, /a b&amp;c\.txt/);
    assert.match(listing, /in\.txt/);
    assert.doesNotMatch(listing, /hidden|out|env/);

    assert.equal((await ask('/', {}, 'OPTIONS')).headers.get('allow'), 'GET, HEAD, OPTIONS');
    const posted = await ask('/', {}, 'POST', 'x'.repeat(200_000));
    assert.deepEqual([posted.status, posted.headers.get('allow')], [405, 'GET, HEAD, OPTIONS']);
    const echoed = await ask('/echo', { 'content-type': 'text/x-mine' }, 'POST', text);
    assert.deepEqual([echoed.status, echoed.headers.get('content-type'), words(echoed)], [200, 'text/x-mine', text]);
    for (const path of ['/none', '/digits/', '/none/', '/site/none']) assert.equal((await ask(path)).status, 404, path);
  });

  test('no path leads out of the folder, nor to what is hidden', async () => {
    const paths = [
      '/../secret.txt',
      '/%2e%2e/x',
      '/..%2f..%2fetc/passwd',
      '/sub/..%5c..%5cx',
      '//etc/passwd',
      '/sub//in.txt',
    ];
    const links = ['/sub/out.txt', '/sub/outdir', '/sub/outdir/', '/sub/outdir/secret.txt', '/sub/env.txt'];
    for (const path of [...paths, ...links, '/.env', '/%2eenv', '/sub/.hidden', '/%00', '/text.txt%00.html']) {
      const answer = await ask(path);
      assert.equal(answer.status, 404, path);
      assert.doesNotMatch(words(answer), /secret/, path);
    }
    assert.equal(words(await ask('/sub/in.txt')), text);
    assert.equal(words(await ask('/.well-known/security.txt')), 'mail');
  });

  test('a file that the user may not read is 403', {
    skip: process.getuid?.() === 0 && 'root may read all',
  }, async () => {
    writeTree(folder, { 'locked.txt': 'x' });
    chmodSync(join(folder, 'locked.txt'), 0);
    assert.equal((await ask('/locked.txt')).status, 403);
  });

  test('ranges: one, several, none that can be had', async () => {
    const one = await ask('/digits', { range: 'bytes=2-4' });
    assert.deepEqual([one.status, words(one)], [206, '234']);
    assert.deepEqual([one.headers.get('content-range'), one.headers.get('content-length')], ['bytes 2-4/10', '3']);
    const end = await ask('/large.bin', { range: 'bytes=-1000000' });
    assert.ok(large.subarray(-1_000_000).equals(end.body));

    const two = await ask('/digits', { range: 'bytes=0-1,-1' });
    const boundary = /^multipart\/byteranges; boundary=(.+)$/.exec(two.headers.get('content-type') ?? '')?.[1] ?? '';
    assert.equal(two.status, 206);
    assert.equal(two.headers.get('content-length'), String(two.body.length));
    const part = (range: string, content: string): string =>
      `--${boundary}\r\ncontent-type: application/octet-stream\r\ncontent-range: bytes ${range}/10\r\n\r\n${content}\r\n`;
    assert.equal(words(two), `${part('0-1', '01')}${part('9-9', '9')}--${boundary}--\r\n`);

    const beyond = await ask('/digits', { range: 'bytes=10-' });
    assert.deepEqual([beyond.status, beyond.headers.get('content-range')], [416, 'bytes */10']);
    for (const range of ['bytes=4-2', 'lines=1-2']) assert.equal((await ask('/digits', { range })).status, 200);
    assert.equal((await ask('/digits', { range: 'bytes=0-1' }, 'HEAD')).status, 200);
  });

  test('conditions: by tag, by date, with ranges; a changed file is another', async () => {
    const first = await ask('/digits');
    const etag = first.headers.get('etag') ?? '';
    const date = first.headers.get('last-modified') ?? '';
    assert.equal(date, 'Sun, 09 Sep 2001 01:46:40 GMT');
    const not = await ask('/digits', { 'if-none-match': `"other", ${etag}` });
    assert.deepEqual([not.status, not.body.length, not.headers.get('etag')], [304, 0, etag]);
    assert.equal((await ask('/digits', { 'if-modified-since': date })).status, 304);
    assert.equal((await ask('/digits', { 'if-modified-since': 'Sun, 09 Sep 2001 01:46:39 GMT' })).status, 200);
    assert.equal((await ask('/digits', { 'if-match': '"other"' })).status, 412);
    assert.equal((await ask('/digits', { range: 'bytes=0-1', 'if-range': etag })).status, 206);
    assert.equal((await ask('/digits', { range: 'bytes=0-1', 'if-range': date })).status, 206);
    assert.equal((await ask('/digits', { range: 'bytes=0-1', 'if-range': '"other"' })).status, 200);
    writeTree(folder, { digits: '9876543210' });
    utimesSync(join(folder, 'digits'), 1_000_000_000, 1_000_000_001);
    const changed = await ask('/digits', { 'if-none-match': etag, 'if-modified-since': date });
    assert.deepEqual([changed.status, words(changed)], [200, '9876543210']);
  });

  test('compression: negotiated, for what gets smaller only, never with ranges', async () => {
    const plain = await ask('/text.txt');
    assert.deepEqual([plain.headers.get('content-encoding'), plain.headers.get('vary')], [null, 'accept-encoding']);
    const brotli = await ask('/text.txt', { 'accept-encoding': 'gzip, br' });
    assert.equal(brotli.headers.get('content-encoding'), 'br');
    assert.equal(brotliDecompressSync(brotli.body).toString(), text);
    const etag = brotli.headers.get('etag') ?? '';
    assert.match(etag, /^W\//);
    assert.notEqual(etag.replace('W/', ''), plain.headers.get('etag'));
    assert.equal((await ask('/text.txt', { 'accept-encoding': 'br', 'if-none-match': etag })).status, 304);
    const gzip = await ask('/text.txt', { 'accept-encoding': 'gzip, br;q=0.1' });
    assert.equal(gzip.headers.get('content-encoding'), 'gzip');
    assert.equal(gunzipSync(gzip.body).toString(), text);
    const head = await ask('/text.txt', { 'accept-encoding': 'gzip' }, 'HEAD');
    assert.deepEqual([head.headers.get('content-encoding'), head.headers.get('content-length')], ['gzip', null]);
    const part = await ask('/text.txt', { 'accept-encoding': 'gzip', range: 'bytes=0-7' });
    assert.deepEqual([part.headers.get('content-encoding'), words(part)], [null, 'All work']);
    for (const path of ['/large.bin', '/digits', '/']) {
      assert.equal((await ask(path, { 'accept-encoding': 'gzip' })).headers.get('content-encoding'), null, path);
    }
  });

  test('over TCP on the same port: HTTP/1.1 and HTTP/2, which tell of HTTP/3', async () => {
    const ca = readFileSync(served.ca);
    const one = await new Promise<{ status: number | undefined; altSvc: unknown; body: Buffer }>((resolve, reject) => {
      httpsGet({ host: '127.0.0.1', port: served.port, path: '/large.bin', ca }, (response) => {
        const { statusCode: status, headers } = response;
        buffer(response).then((body) => resolve({ status, altSvc: headers['alt-svc'], body }), reject);
      }).on('error', reject);
    });
    assert.deepEqual([one.status, one.altSvc], [200, `h3=":${served.port}"; ma=86400`]);
    assert.ok(large.equals(one.body));
    const http2 = http2Connect(`https://127.0.0.1:${served.port}`, { ca });
    const stream = http2.request({ ':path': '/digits', range: 'bytes=0-1' });
    const status = new Promise((resolve) => stream.once('response', (headers) => resolve(headers[':status'])));
    assert.equal((await buffer(stream)).length, 2);
    assert.equal(await status, 206);
    http2.close();
  });

  test('the access log has a line for each request, with what was sent', async () => {
    await ask('/text.txt?logged=1');
    await ask('/none?logged=1', {}, 'HEAD');
    await until(() => logged(served.process, '/none?logged=1').length > 0);
    const [line] = logged(served.process, '/text.txt?logged=1');
    assert.deepEqual(
      [line?.['protocol'], line?.['method'], line?.['status'], line?.['bytes'], line?.['remote'], line?.['complete']],
      ['HTTP/3', 'GET', 200, text.length, '127.0.0.1', true],
    );
    const [none] = logged(served.process, '/none?logged=1');
    assert.deepEqual([none?.['method'], none?.['status'], none?.['bytes']], ['HEAD', 404, 0]);
  });

  test('options: dotfiles shown, folders not listed, nothing compressed', async () => {
    const other = await serve(folder, '--dotfiles', '--no-listing', '--no-compression', '--quiet');
    // The first server's CA says nothing about the second.
    await assert.rejects(Http3TestClient.connect(other.port, { caPath: served.ca }), {
      code: 'ERR_QUIC_CERTIFICATE_ISSUER',
    });
    const pins = [other.publicKey];
    const second = await Http3TestClient.connect(other.port, { publicKeyPins: pins, verifyPeer: false });
    assert.equal(words(await second.ask('/.env')), 'secret');
    assert.equal((await second.ask('/sub/')).status, 404);
    const sent = await second.ask('/text.txt', { 'accept-encoding': 'gzip' });
    assert.equal(sent.headers.get('content-encoding'), null);
    await second.close();
    other.process.kill('SIGINT');
    const ended = await other.process.ended;
    assert.equal(ended.code, 0, ended.stderr);
    assert.doesNotMatch(ended.stdout, /"time"/);
    assert.throws(() => readFileSync(other.ca), { code: 'ENOENT' });
  });

  test('Ctrl-C lets a download come to its end, takes no new connection, and ends with 0', async () => {
    const other = await serve(folder);
    const own = await Http3TestClient.connect(other.port, { caPath: other.ca });
    const download = own.ask('/large.bin');
    await until(() => own.received > 100_000);
    other.process.kill('SIGINT');
    assert.ok(large.equals((await download).body));
    const ended = await other.process.ended;
    assert.equal(ended.code, 0, ended.stderr);
    await own.close();
  });

  test('what is wrong with the call is said in words, with exit codes', async () => {
    const missing = await skein('serve', join(folder, 'none')).ended;
    assert.deepEqual([missing.code, missing.stdout], [1, '']);
    assert.match(missing.stderr, /there is no folder .*none/);
    const file = await skein('serve', join(folder, 'digits')).ended;
    assert.match(file.stderr, /digits is no folder/);
    const taken = await skein('serve', folder, '--listen', `127.0.0.1:${served.port}`).ended;
    assert.equal(taken.code, 1);
    assert.match(taken.stderr, /another socket has the port/);
    assert.doesNotMatch(taken.stderr, / {4}at /);
    const holder = createTcpServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    const tcp = await skein('serve', folder, '--listen', `127.0.0.1:${port}`).ended;
    holder.close();
    assert.deepEqual([tcp.code, /TCP port .* is in use/.test(tcp.stderr)], [1, true], tcp.stderr);
    const name = await skein('serve', folder, '--listen', 'example.org:1').ended;
    assert.deepEqual([name.code, /localhost or an IP address/.test(name.stderr)], [2, true]);
    const key = await skein('serve', folder, '--key', 'x').ended;
    assert.equal(key.code, 2);
    const cert = await skein('serve', folder, '--cert', join(folder, 'digits')).ended;
    assert.equal(cert.code, 1);
    assert.doesNotMatch(cert.stderr, / {4}at /);
  });

  test('a certificate of one’s own', async () => {
    const certs = join(folder, 'certs');
    mkdirSync(certs);
    assert.equal((await skein('cert', '--out', certs).ended).code, 0);
    const cert = join(certs, 'cert.pem');
    const other = skein('serve', folder, '--listen', '127.0.0.1:0', '--cert', cert, '--key', join(certs, 'key.pem'));
    const [, url = ''] = await other.printed(/on (https:\S+)/);
    const run = await skein('get', url, '--ca', join(certs, 'ca.pem')).ended;
    assert.deepEqual([run.code, run.stdout], [0, '<h1>hello</h1>'], run.stderr);
    other.kill('SIGTERM');
    assert.equal((await other.ended).code, 0);
  });
});
