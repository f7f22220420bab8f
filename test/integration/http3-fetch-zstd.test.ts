import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { fetch, Http3Agent } from '../../src/http3.js';
import { authority, pattern, serve } from '../support/http3.js';
import { until } from '../support/until.js';
import { CODED_WORDS, WORDS, zstdFrame } from '../support/zstd.js';

/** Content and the codings that it is said to have. */
const CONTENT: Readonly<Record<string, readonly [Buffer, string]>> = {
  '/words': [CODED_WORDS, 'zstd'],
  '/frames': [Buffer.concat([CODED_WORDS, zstdFrame([new Uint8Array(0)]), CODED_WORDS]), 'ZSTD'],
  '/nothing': [Buffer.alloc(0), 'zstd'],
  '/zstd-in-gzip': [gzipSync(CODED_WORDS), 'zstd, gzip'],
  '/gzip-in-zstd': [zstdFrame([gzipSync(WORDS)]), 'gzip, zstd'],
  '/plain-in-zstd': [CODED_WORDS, 'identity, zstd'],
  '/strange-in-zstd': [CODED_WORDS, 'strange, zstd'],
  '/cut': [CODED_WORDS.subarray(0, -100), 'zstd'],
  '/wrong': [Buffer.concat([CODED_WORDS.subarray(0, 50), CODED_WORDS]), 'zstd'],
  '/not-zstd': [Buffer.from('plain text'), 'zstd'],
  '/large-window': [zstdFrame([Buffer.from('content')], 28), 'zstd'],
};
/** From Node 26 on the runtime's own `fetch` decodes whole streams of frames. */
const decodesItself = Number.parseInt(process.versions.node, 10) >= 26;
const BLOCK = Buffer.from(pattern(100_000));

describe('content coded by zstd, of fetch', async () => {
  let pulled = 0;
  let cancelled = false;
  const server = await serve(
    (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === '/asked') return new Response(request.headers.get('accept-encoding') ?? 'nothing');
      if (pathname === '/empty') return new Response(null, { status: 204, headers: { 'content-encoding': 'zstd' } });
      if (pathname === '/endless') {
        const whole = zstdFrame([BLOCK]);
        const body = new ReadableStream<Uint8Array>(
          {
            pull(controller) {
              pulled++;
              controller.enqueue(whole);
            },
            cancel: () => void (cancelled = true),
          },
          { highWaterMark: 0 },
        );
        return new Response(body, { headers: { 'content-encoding': 'zstd' } });
      }
      const [body, coding] = CONTENT[pathname] ?? [BLOCK, 'identity'];
      return new Response(body, { headers: { 'content-encoding': coding } });
    },
    { tcp: true },
  );
  const base = `https://127.0.0.1:${server.port}`;

  for (const [name, http3] of [
    ['over HTTP/3', 'only'],
    ['over TCP', 'alt-svc'],
  ] as const) {
    describe(name, () => {
      // With 'alt-svc' the first request to an origin goes over TCP; every test has an agent of its own.
      const asking = async (path: string, init: RequestInit = {}): Promise<Response> => {
        const dispatcher = new Http3Agent({ ca: authority.certificate, http3 });
        after(() => dispatcher.destroy());
        return fetch(base + path, { ...(init as object), dispatcher });
      };
      const textOf = async (path: string): Promise<string> => (await asking(path)).text();

      test('is asked for, unless the caller or a range asks for something else', async () => {
        assert.equal(await textOf('/asked'), 'gzip, deflate, br, zstd');
        const own = await asking('/asked', { headers: { 'accept-encoding': 'br' } });
        assert.equal(await own.text(), 'br');
        const range = await asking('/asked', { headers: { range: 'bytes=0-' } });
        assert.equal(await range.text(), 'identity');
      });

      test('is decoded, alone and with others', async () => {
        assert.equal(await textOf('/words'), WORDS);
        assert.equal(await textOf('/frames'), WORDS + WORDS);
        assert.equal(await textOf('/zstd-in-gzip'), WORDS);
        assert.equal(await textOf('/gzip-in-zstd'), WORDS);
        // The fetch of Node 26 wants a frame, and knows no identity.
        if (decodesItself) return;
        assert.equal(await textOf('/nothing'), '');
        assert.equal(await textOf('/plain-in-zstd'), WORDS);
      });

      test('stays as it is beneath a coding that nobody knows', async () => {
        const response = await asking('/strange-in-zstd');
        assert.ok(Buffer.from(await response.arrayBuffer()).equals(CODED_WORDS));
      });

      test('responses without content have none', async () => {
        assert.equal(await (await asking('/words', { method: 'HEAD' })).text(), '');
        assert.equal((await asking('/empty')).status, 204);
      });

      test('that is none, or not whole, is an error that names the URL', async () => {
        for (const path of ['/cut', '/wrong', '/not-zstd', '/large-window']) {
          await assert.rejects(textOf(path), (error: TypeError) => {
            const { message } = error.cause as Error;
            if (decodesItself) return error instanceof TypeError;
            return message.startsWith(`${base}${path}: content does not decode as its Content-Encoding says`);
          });
        }
      });

      test('a reader that does not read holds the server up, and one that leaves ends the request', async () => {
        pulled = 0;
        cancelled = false;
        const abort = new AbortController();
        const response = await asking('/endless', { signal: abort.signal });
        const reader = (response.body as ReadableStream<Uint8Array>).getReader();
        let bytes = 0;
        while (bytes < 20 * BLOCK.length) {
          const { value } = await reader.read();
          assert.ok(value);
          bytes += value.length;
        }
        // The server comes to a standstill, with what the buffers on the way hold.
        let before = 0;
        let looks = 0;
        await until(() => {
          looks = pulled === before ? looks + 1 : 0;
          before = pulled;
          return looks === 50;
        });
        abort.abort();
        await assert.rejects(async () => {
          for (;;) if ((await reader.read()).done) return;
        });
        // Over HTTP/2, Node before 26 tells the server of an abort only when it reads on.
        if (http3 === 'only')
          if (http3 === 'only')
            // Over HTTP/2, Node before 26 tells the server of an abort only when it reads on.
            await until(() => cancelled);
      });
    });
  }

  test('a request given as a Request keeps its fields', async () => {
    const dispatcher = new Http3Agent({ ca: authority.certificate, http3: 'only' });
    after(() => dispatcher.destroy());
    const request = new Request(`${base}/asked`, { headers: { 'accept-encoding': 'gzip' } });
    assert.equal(await (await fetch(request, { dispatcher })).text(), 'gzip');
    const other = await fetch(new Request(`${base}/words`), { dispatcher });
    assert.equal(await other.text(), WORDS);
  });
});
