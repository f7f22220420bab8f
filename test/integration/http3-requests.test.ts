import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connectTo, decode, pattern, serve } from '../support/http3.js';

describe('requests and responses', async () => {
  const server = await serve(async (request, info) => {
    const { pathname, search } = new URL(request.url);
    switch (pathname) {
      case '/echo':
        return new Response(request.body, { status: 201, headers: { 'x-method': request.method } });
      case '/none':
        return new Response(null, { status: 204 });
      case '/empty':
        return new Response(null);
      case '/info':
        return Response.json({
          version: info.httpVersion,
          address: info.remote.address,
          alpn: info.tls.alpn,
          early: info.early,
          header: request.headers.get('x-asked'),
        });
      case '/cookies': {
        const headers = new Headers({ 'content-type': 'text/plain' });
        headers.append('set-cookie', 'a=1');
        headers.append('set-cookie', 'b=2');
        return new Response(request.headers.get('cookie'), { headers });
      }
      case '/trailers':
        await request.arrayBuffer();
        info.earlyHints({ link: '</style.css>; rel=preload' });
        info.sendTrailers(() => ({ 'x-checksum': 'abc' }));
        return new Response('with trailers');
      default:
        return new Response(`${request.method} ${pathname}${search}`);
    }
  });
  const { client, connection } = await connectTo(server);
  const ask = client.sendRequest.bind(client, connection.id);

  test('a GET brings status, headers and body', async () => {
    const response = await ask('GET', '/some/path?and=query');
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'text/plain;charset=UTF-8');
    assert.ok(Date.parse(response.headers.get('date') ?? '') > 0);
    assert.equal(decode(response.body), 'GET /some/path?and=query');
    assert.deepEqual([...response.trailers], []);
  });

  test('a body comes back as it was sent', async () => {
    const body = pattern(3_000_000);
    const response = await ask('POST', '/echo', { 'content-type': 'application/octet-stream' }, body);
    assert.equal(response.status, 201);
    assert.equal(response.headers.get('x-method'), 'POST');
    assert.ok(Buffer.from(body).equals(response.body));
  });

  test('a body that comes bit by bit is sent bit by bit', async () => {
    const parts = async function* (): AsyncGenerator<Uint8Array> {
      for (const part of ['one ', 'two ', 'three']) yield new TextEncoder().encode(part);
    };
    assert.equal(decode((await ask('PUT', '/echo', {}, parts())).body), 'one two three');
  });

  test('HEAD has the headers only', async () => {
    const response = await ask('HEAD', '/anything');
    assert.equal(response.status, 200);
    assert.equal(response.body.length, 0);
  });

  test('a length is stated only where it is known', async () => {
    assert.equal((await ask('GET', '/empty')).headers.get('content-length'), '0');
    assert.equal((await ask('HEAD', '/empty')).headers.has('content-length'), false);
  });

  test('statuses without content have none', async () => {
    const response = await ask('GET', '/none');
    assert.equal(response.status, 204);
    assert.equal(response.headers.has('content-length'), false);
    assert.equal(response.body.length, 0);
  });

  test('the handler learns of the connection', async () => {
    const response = await ask('GET', '/info', { 'x-asked': 'yes' });
    assert.deepEqual(JSON.parse(decode(response.body)), {
      version: '3.0',
      address: '127.0.0.1',
      alpn: 'h3',
      early: false,
      header: 'yes',
    });
  });

  test('several cookies stay several on the way down, and are one line for the handler', async () => {
    const response = await ask('GET', '/cookies', { cookie: 'x=1; y=2' });
    assert.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2']);
    assert.equal(decode(response.body), 'x=1; y=2');
  });

  test('early hints come before the response, trailers after it', async () => {
    const hints: [number, string | null][] = [];
    const response = await ask('GET', '/trailers', {}, undefined, {
      onInformational: (status, headers) => void hints.push([status, headers.get('link')]),
    });
    assert.deepEqual(hints, [[103, '</style.css>; rel=preload']]);
    assert.equal(decode(response.body), 'with trailers');
    assert.equal(response.trailers.get('x-checksum'), 'abc');
  });

  test('a thousand requests at once are each answered with their own', async () => {
    const responses = await Promise.all(Array.from({ length: 1000 }, (_, index) => ask('GET', `/${index}`)));
    for (const [index, response] of responses.entries()) assert.equal(decode(response.body), `GET /${index}`);
    assert.equal(server.activeRequests, 0);
  });
});
