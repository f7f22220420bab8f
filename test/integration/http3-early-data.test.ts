import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { request } from 'undici';
import { Http3Agent } from '../../src/http3.js';
import { authority, serve } from '../support/http3.js';

test('@rfc 9114#10.9-1 a second visit sends safe requests in early data, others after the handshake, and 425 is tried again', async () => {
  const early: string[] = [];
  const server = await serve((incoming, info) => {
    const { pathname } = new URL(incoming.url);
    const mark = incoming.headers.get('early-data') ?? '';
    early.push(`${incoming.method} ${pathname} ${String(info.early)}${mark}`);
    if (pathname === '/not-early' && info.early) return new Response(null, { status: 425 });
    return new Response('fine');
  });
  const dispatcher = new Http3Agent({ ca: authority.certificate, http3: 'only', idleEviction: 20 });
  after(() => dispatcher.destroy());
  const visit = async (method: 'GET' | 'POST', path: string, headers = {}): Promise<number> => {
    const response = await request(`https://127.0.0.1:${server.port}${path}`, { dispatcher, method, headers });
    await response.body.dump();
    while (dispatcher.connections > 0 || server.connections.length > 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return response.statusCode;
  };
  for (const [method, path] of [
    ['GET', '/first'],
    ['GET', '/second'],
    ['POST', '/third'],
    ['GET', '/not-early'],
  ] as const) {
    assert.equal(await visit(method, path), 200);
  }
  // As an intermediary says of what came to it early: only its own client may repeat it (RFC 8470 sections 5.1 and 5.2).
  assert.equal(await visit('GET', '/not-early', { 'early-data': '1' }), 425);
  assert.deepEqual(early, [
    'GET /first false',
    'GET /second true',
    'POST /third false',
    'GET /not-early true',
    'GET /not-early false',
    'GET /not-early true1',
  ]);
});
