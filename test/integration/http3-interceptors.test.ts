/** The interceptors of undici on an `Http3Agent`, as undici documents them. */

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { cacheStores, type Dispatcher, errors, interceptors, request } from 'undici';
import { Http3Agent, type HttpServerOptions } from '../../src/http3.js';
import { authority, pattern, serve } from '../support/http3.js';

/** A server, and an agent for it with an interceptor. */
async function compose(
  interceptor: Dispatcher.DispatcherComposeInterceptor,
  fetch: HttpServerOptions['fetch'],
): Promise<{ dispatcher: Dispatcher; base: string }> {
  const server = await serve(fetch, { onError: () => undefined });
  const agent = new Http3Agent({ ca: authority.certificate, http3: 'only' });
  after(() => agent.destroy());
  return { dispatcher: agent.compose(interceptor), base: `https://127.0.0.1:${server.port}` };
}

describe('retry', () => {
  const quick = { minTimeout: 1, maxTimeout: 10, maxRetries: 3 };

  test('statuses that ask for it, for methods that may be repeated', async () => {
    const seen: string[] = [];
    const { dispatcher, base } = await compose(interceptors.retry(quick), (incoming) => {
      seen.push(incoming.method);
      return new Response('', { status: seen.length % 2 === 1 ? 503 : 200 });
    });
    for (const method of ['GET', 'PUT'] as const) {
      assert.equal((await request(`${base}/`, { dispatcher, method })).statusCode, 200);
    }
    assert.deepEqual(seen.splice(0), ['GET', 'GET', 'PUT', 'PUT']);
    await assert.rejects(request(`${base}/`, { dispatcher, method: 'POST' }), { statusCode: 503 });
    assert.deepEqual(seen, ['POST']);
  });

  test('Retry-After is waited for, and maxRetries is the end of it', async () => {
    let asked = 0;
    const { dispatcher, base } = await compose(interceptors.retry(quick), () => {
      asked++;
      return new Response('', { status: 429, headers: { 'retry-after': '0' } });
    });
    await assert.rejects(request(`${base}/`, { dispatcher }), { code: 'UND_ERR_REQ_RETRY', statusCode: 429 });
    assert.equal(asked, 1 + quick.maxRetries);
  });

  test('a response that breaks off is continued by Range where it stopped', async () => {
    const whole = pattern(100_000);
    const ranges: (string | null)[] = [];
    const { dispatcher, base } = await compose(interceptors.retry(quick), (incoming) => {
      const range = incoming.headers.get('range');
      ranges.push(range);
      const start = Number(/bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
      const headers = { etag: '"it"', 'content-length': String(whole.length - start) };
      if (range === null) {
        let given = false;
        const half = new ReadableStream<Uint8Array>({
          async pull(controller) {
            if (given) {
              // Until the first half has arrived: a reset overtakes what is under way.
              await received;
              controller.error(new Error('the disk is broken'));
            } else controller.enqueue(whole.subarray(0, 40_000));
            given = true;
          },
        });
        return new Response(half, { headers });
      }
      const contentRange = `bytes ${start}-${whole.length - 1}/${whole.length}`;
      return new Response(whole.subarray(start), {
        status: 206,
        headers: { ...headers, 'content-range': contentRange },
      });
    });
    let firstHalf!: () => void;
    const received = new Promise<void>((resolve) => (firstHalf = resolve));
    const response = await request(`${base}/`, { dispatcher });
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= 40_000) firstHalf();
    }
    assert.ok(Buffer.concat(chunks).equals(whole));
    assert.deepEqual(ranges, [null, 'bytes=40000-99999']);
  });

  test('a connection that is lost before the response is tried again on a new one', async () => {
    const server = await serve(async () => {
      asked++;
      if (asked === 1) {
        server.connections[0]?.destroy(undefined, 0x102);
        await new Promise(() => undefined);
      }
      return new Response('at last');
    });
    let asked = 0;
    const agent = new Http3Agent({ ca: authority.certificate, http3: 'only' });
    after(() => agent.destroy());
    const base = `https://127.0.0.1:${server.port}/`;
    const plain = request(base, { dispatcher: agent });
    await assert.rejects(plain, (error: unknown) => {
      assert.ok(error instanceof errors.SocketError);
      assert.equal(error.code, 'UND_ERR_SOCKET');
      assert.equal((error.cause as { code: string }).code, 'ERR_HTTP3_INTERNAL_ERROR');
      return true;
    });
    asked = 0;
    const dispatcher = agent.compose(interceptors.retry(quick));
    assert.equal(await (await request(base, { dispatcher })).body.text(), 'at last');
    assert.equal(asked, 2);
  });
});

describe('redirect', async () => {
  const seen: string[] = [];
  const other = await serve((incoming) => {
    seen.push(`other ${incoming.method} ${String(incoming.headers.get('authorization'))}`);
    return new Response('elsewhere');
  });
  const { dispatcher, base } = await compose(interceptors.redirect({ maxRedirections: 3 }), async (incoming) => {
    const { pathname, search } = new URL(incoming.url);
    seen.push(`${pathname} ${incoming.method} ${await incoming.text()}`);
    const status = Number(/^\/(30\d)$/.exec(pathname)?.[1] ?? 0);
    if (status > 0) return new Response(null, { status, headers: { location: 'target' } });
    // undici knows a redirect to the same URL for what it is.
    if (pathname === '/loop')
      return new Response(null, { status: 302, headers: { location: `/loop${search === '' ? '?' : search}x` } });
    if (pathname === '/away') {
      return new Response(null, { status: 302, headers: { location: `https://127.0.0.1:${other.port}/` } });
    }
    return new Response('reached');
  });

  for (const [status, method, after] of [
    [301, 'GET', 'GET '],
    [302, 'GET', 'GET '],
    [303, 'POST', 'GET '],
    [307, 'POST', 'POST body'],
    [308, 'PUT', 'PUT body'],
  ] as const) {
    test(`${status} of ${method}`, async () => {
      seen.length = 0;
      const body = method === 'GET' ? undefined : 'body';
      const response = await request(`${base}/${status}`, { dispatcher, method, ...(body !== undefined && { body }) });
      assert.equal(await response.body.text(), 'reached');
      assert.deepEqual(seen, [`/${status} ${method} ${body ?? ''}`, `/target ${after}`]);
    });
  }

  test('no further than maxRedirections', async () => {
    seen.length = 0;
    const response = await request(`${base}/loop`, { dispatcher });
    await response.body.dump();
    assert.equal(response.statusCode, 302);
    assert.equal(seen.length, 4);
  });

  test('to another origin, without credentials', async () => {
    seen.length = 0;
    const response = await request(`${base}/away`, { dispatcher, headers: { authorization: 'Basic secret' } });
    assert.equal(await response.body.text(), 'elsewhere');
    assert.deepEqual(seen, ['/away GET ', 'other GET null']);
  });
});

describe('cache', () => {
  test('what is fresh is not asked for again; what has gone stale is revalidated', async () => {
    const seen: string[] = [];
    const { dispatcher, base } = await compose(interceptors.cache(), (incoming) => {
      const { pathname } = new URL(incoming.url);
      seen.push(`${pathname} ${String(incoming.headers.get('if-none-match'))}`);
      if (incoming.headers.get('if-none-match') === '"v1"') return new Response(null, { status: 304 });
      const control = pathname === '/fresh' ? 'public, max-age=60' : 'public, max-age=60, no-cache';
      return new Response(`content of ${pathname}`, { headers: { 'cache-control': control, etag: '"v1"' } });
    });
    const get = async (path: string): Promise<string> => (await request(base + path, { dispatcher })).body.text();
    for (let count = 0; count < 3; count++) assert.equal(await get('/fresh'), 'content of /fresh');
    assert.deepEqual(seen.splice(0), ['/fresh null']);
    for (let count = 0; count < 2; count++) assert.equal(await get('/revalidated'), 'content of /revalidated');
    assert.deepEqual(seen, ['/revalidated null', '/revalidated "v1"']);
  });

  test('a response out of the store has an age, and the store can be shared and bounded', async () => {
    let asked = 0;
    const store = new cacheStores.MemoryCacheStore({ maxCount: 10 });
    const { dispatcher, base } = await compose(interceptors.cache({ store }), () => {
      asked++;
      return new Response('kept', { headers: { 'cache-control': 'max-age=60' } });
    });
    const first = await request(`${base}/`, { dispatcher });
    assert.equal(first.headers['age'], undefined);
    await first.body.dump();
    const second = await request(`${base}/`, { dispatcher });
    assert.ok(Number(second.headers['age']) >= 0);
    assert.equal(await second.body.text(), 'kept');
    assert.equal(asked, 1);
  });

  test('Vary, no-store, and what an unsafe method makes invalid', async () => {
    const seen: string[] = [];
    const { dispatcher, base } = await compose(interceptors.cache(), (incoming) => {
      const { pathname } = new URL(incoming.url);
      const language = incoming.headers.get('accept-language') ?? '';
      seen.push(`${incoming.method} ${pathname} ${language}`);
      const headers = { 'cache-control': pathname === '/secret' ? 'no-store' : 'max-age=60', vary: 'accept-language' };
      return new Response(language, { headers });
    });
    const ask = async (path: string, language: string, method: 'GET' | 'POST' = 'GET'): Promise<void> => {
      const response = await request(base + path, { dispatcher, method, headers: { 'accept-language': language } });
      assert.equal(await response.body.text(), language);
    };
    await ask('/page', 'de');
    await ask('/page', 'en');
    await ask('/page', 'de');
    assert.deepEqual(seen.splice(0), ['GET /page de', 'GET /page en']);
    await ask('/page', 'de', 'POST');
    await ask('/page', 'de');
    assert.deepEqual(seen.splice(0), ['POST /page de', 'GET /page de']);
    await ask('/secret', 'de');
    await ask('/secret', 'de');
    assert.deepEqual(seen, ['GET /secret de', 'GET /secret de']);
  });
});

test('several interceptors, one around the other', async () => {
  let asked = 0;
  const { dispatcher, base } = await compose(interceptors.redirect({ maxRedirections: 1 }), (incoming) => {
    if (new URL(incoming.url).pathname === '/moved') return Response.redirect(new URL('/new', incoming.url), 302);
    asked++;
    if (asked === 1) return new Response('', { status: 503 });
    return new Response('new', { headers: { 'cache-control': 'max-age=60' } });
  });
  const all = dispatcher.compose(interceptors.retry({ minTimeout: 1 }), interceptors.cache());
  for (let count = 0; count < 2; count++) {
    assert.equal(await (await request(`${base}/moved`, { dispatcher: all })).body.text(), 'new');
  }
  assert.ok(asked >= 2);
});

test('dump reads a body away, and responseError makes statuses errors', async () => {
  const answer: HttpServerOptions['fetch'] = (incoming) =>
    new Response('content', { status: new URL(incoming.url).pathname === '/bad' ? 400 : 200 });
  const dumping = await compose(interceptors.dump(), answer);
  const dumped = await request(`${dumping.base}/`, { dispatcher: dumping.dispatcher });
  assert.equal(await dumped.body.text(), '');
  const strict = await compose(interceptors.responseError(), answer);
  await assert.rejects(request(`${strict.base}/bad`, { dispatcher: strict.dispatcher }), { statusCode: 400 });
  assert.equal((await request(`${strict.base}/`, { dispatcher: strict.dispatcher })).statusCode, 200);
});

test('decompress', async () => {
  const { dispatcher, base } = await compose(
    interceptors.decompress(),
    () => new Response(gzipSync('content'), { headers: { 'content-encoding': 'gzip' } }),
  );
  const response = await request(`${base}/`, { dispatcher });
  assert.equal(await response.body.text(), 'content');
  assert.equal(response.headers['content-encoding'], undefined);
});

test('dns: the address is resolved by the interceptor, the certificate is that of the name', async () => {
  const names: (string | undefined)[] = [];
  const server = await serve((incoming, info) => {
    names.push(info.tls.serverName);
    return new Response(new URL(incoming.url).host);
  });
  const agent = new Http3Agent({ ca: authority.certificate, http3: 'only' });
  after(() => agent.destroy());
  const dispatcher = agent.compose(
    interceptors.dns({
      dualStack: false,
      affinity: 4,
      lookup: (_name, _options, callback) => callback(null, [{ address: '127.0.0.1', ttl: 1000, family: 4 }]),
    }),
  );
  const response = await request(`https://localhost:${server.port}/`, { dispatcher });
  assert.equal(await response.body.text(), `localhost:${server.port}`);
  assert.deepEqual(names, ['localhost']);
});
