import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { fetch, Http3Agent } from '../../src/http3.js';
import { authority, pattern, serve } from '../support/http3.js';

describe('fetch over HTTP/3', async () => {
  const server = await serve(async (request, info) => {
    const { pathname } = new URL(request.url);
    switch (pathname) {
      case '/echo':
        return new Response(request.body, { headers: { 'x-version': info.httpVersion } });
      case '/moved':
        return new Response(null, { status: 302, headers: { location: '/target' } });
      case '/packed':
        return new Response(gzipSync('packed text'), { headers: { 'content-encoding': 'gzip' } });
      case '/endless':
        return new Response(
          new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1000)) }, { highWaterMark: 0 }),
        );
      default:
        return new Response(`${request.method} ${pathname} ${info.httpVersion}`);
    }
  });
  const dispatcher = new Http3Agent({ ca: authority.certificate, http3: 'only' });
  after(() => dispatcher.destroy());
  const base = `https://127.0.0.1:${server.port}`;

  test('a GET is answered over HTTP/3', async () => {
    const response = await fetch(`${base}/path`, { dispatcher });
    assert.equal(response.status, 200);
    assert.equal(response.url, `${base}/path`);
    assert.equal(await response.text(), 'GET /path 3.0');
    assert.ok(response instanceof Response);
  });

  test('bodies go both ways', async () => {
    const body = pattern(1_000_000);
    const response = await fetch(`${base}/echo`, { method: 'POST', body, dispatcher });
    assert.ok(Buffer.from(body).equals(Buffer.from(await response.arrayBuffer())));
    const stream = new Blob(['one ', 'two']).stream();
    const streamed = await fetch(`${base}/echo`, { method: 'POST', body: stream, duplex: 'half', dispatcher });
    assert.equal(await streamed.text(), 'one two');
    const form = new FormData();
    form.set('name', 'value');
    const formed = await fetch(`${base}/echo`, { method: 'POST', body: form, dispatcher });
    assert.match(await formed.text(), /name="name"\r\n\r\nvalue/);
  });

  test('redirects are followed, handed over, or refused', async () => {
    const followed = await fetch(`${base}/moved`, { dispatcher });
    assert.equal(await followed.text(), 'GET /target 3.0');
    assert.equal(followed.redirected, true);
    assert.equal((await fetch(`${base}/moved`, { redirect: 'manual', dispatcher })).status, 302);
    await assert.rejects(fetch(`${base}/moved`, { redirect: 'error', dispatcher }), TypeError);
  });

  test('compressed content is unpacked', async () => {
    assert.equal(await (await fetch(`${base}/packed`, { dispatcher })).text(), 'packed text');
  });

  test('an abort ends the request and its body', async () => {
    const abort = new AbortController();
    const response = await fetch(`${base}/endless`, { signal: abort.signal, dispatcher });
    const reader = response.body!.getReader();
    await reader.read();
    abort.abort();
    await assert.rejects(
      async () => {
        for (;;) if ((await reader.read()).done) return;
      },
      { name: 'AbortError' },
    );
    while (server.activeRequests > 0) await new Promise((resolve) => setImmediate(resolve));
    await assert.rejects(fetch(base, { signal: AbortSignal.abort(), dispatcher }), { name: 'AbortError' });
  });

  test('a Request is taken as well', async () => {
    const response = await fetch(new Request(`${base}/echo`, { method: 'PUT', body: 'text' }), { dispatcher });
    assert.equal(await response.text(), 'text');
  });

  test('a server that is not trusted is not talked to', async () => {
    const strict = new Http3Agent({ http3: 'only' });
    after(() => strict.destroy());
    await assert.rejects(fetch(base, { dispatcher: strict }), (error: unknown) => {
      assert.equal(((error as Error).cause as { code: string }).code, 'ERR_QUIC_CERTIFICATE_ISSUER');
      return true;
    });
  });
});
