import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { getGlobalDispatcher, interceptors, request, setGlobalDispatcher } from 'undici';
import { Http3Agent, type Http3AgentOptions } from '../../src/http3.js';
import { authority, identity, serve } from '../support/http3.js';

/** Waits for QUIC however busy the machine is, unless the options say otherwise. */
function agent(options: Http3AgentOptions = {}): Http3Agent {
  const made = new Http3Agent({ ca: authority.certificate, fallbackAfter: 30_000, ...options });
  after(() => made.destroy());
  return made;
}

describe('an agent for undici', async () => {
  let failures = 0;
  const seen = new Set<string>();
  const server = await serve((incoming, info) => {
    const { pathname } = new URL(incoming.url);
    if (pathname === '/connection') seen.add(info.connectionId);
    if (pathname === '/moved') return new Response(null, { status: 301, headers: { location: '/target' } });
    if (pathname === '/flaky' && failures++ < 2) return new Response('later', { status: 503 });
    if (pathname === '/trailers') info.sendTrailers({ 'x-sum': '7' });
    return new Response(`${pathname} ${info.httpVersion}`, { headers: { 'x-one': '1' } });
  });
  const base = `https://127.0.0.1:${server.port}`;

  test('request() brings status, headers, body and trailers', async () => {
    const response = await request(`${base}/trailers`, { dispatcher: agent() });
    assert.equal(response.statusCode, 200);
    assert.equal(response.headers['x-one'], '1');
    assert.equal(await response.body.text(), '/trailers 3.0');
    assert.equal(response.trailers['x-sum'], '7');
  });

  test('as the global dispatcher it serves the global fetch', async () => {
    const before = getGlobalDispatcher();
    setGlobalDispatcher(agent());
    try {
      assert.equal(await (await globalThis.fetch(`${base}/global`)).text(), '/global 3.0');
    } finally {
      setGlobalDispatcher(before);
    }
  });

  test('interceptors work on it: redirect and retry', async () => {
    const redirecting = agent().compose(interceptors.redirect({ maxRedirections: 3 }));
    assert.equal(await (await request(`${base}/moved`, { dispatcher: redirecting })).body.text(), '/target 3.0');
    const retrying = agent().compose(interceptors.retry({ minTimeout: 1, maxRetries: 3 }));
    const answer = await request(`${base}/flaky`, { dispatcher: retrying });
    assert.equal(answer.statusCode, 200);
    assert.equal(failures, 3);
  });

  test('all requests to an origin share a connection', async () => {
    const dispatcher = agent();
    const ask = async (): Promise<string> => (await request(`${base}/connection`, { dispatcher })).body.text();
    await Promise.all(Array.from({ length: 50 }, ask));
    assert.equal(seen.size, 1);
    assert.equal(dispatcher.connections, 1);
  });

  test('close() lets what is under way finish, and refuses what comes later', async () => {
    const dispatcher = agent();
    const response = await request(`${base}/last`, { dispatcher });
    const closed = dispatcher.close();
    assert.equal(await response.body.text(), '/last 3.0');
    await closed;
    await assert.rejects(request(base, { dispatcher }), { code: 'UND_ERR_CLOSED' });
  });
});

test('where QUIC does not answer, the request goes over TCP', async () => {
  const silent = createSocket('udp4');
  after(() => void silent.close());
  const secure = createSecureServer({ ...identity, allowHTTP1: true }, (incoming, response) => {
    response.end(`over ${incoming.httpVersion}`);
  });
  after(() => void secure.close());
  await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
  const { port } = secure.address() as AddressInfo;
  await new Promise<void>((resolve) => silent.bind(port, '127.0.0.1', resolve));
  const dispatcher = agent({ fallbackAfter: 50 });
  const first = await request(`https://127.0.0.1:${port}/`, { dispatcher });
  assert.equal(await first.body.text(), 'over 2.0');
  await dispatcher.destroy();
});

test('Alt-Svc of a response over TCP leads to HTTP/3', async () => {
  const server = await serve((_, info) => new Response(info.httpVersion), { tcp: true });
  const dispatcher = agent({ http3: 'alt-svc' });
  const ask = async (): Promise<string> =>
    (await request(`https://127.0.0.1:${server.port}/`, { dispatcher })).body.text();
  assert.equal(await ask(), '2.0');
  assert.equal(await ask(), '3.0');
});
