import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { createServer, H3, type ServerErrorContext, type ServerStream } from '../../src/http3.js';
import { QuicClient, QuicEndpoint, QuicServer } from '../../src/index.js';
import { authority, connectTo, decode, identity, pattern, serve } from '../support/http3.js';

function event<T = void>(): { happened: Promise<T>; happens: (value: T) => void } {
  let happens!: (value: T) => void;
  const happened = new Promise<T>((resolve) => (happens = resolve));
  return { happened, happens };
}

type Handler = (stream: ServerStream) => void | Promise<void>;

describe('requests that are answered on their streams', async () => {
  const errors: [unknown, ServerErrorContext][] = [];
  const handlers: Record<string, Handler> = {
    '/text': (stream) => stream.respond(200, { 'Content-Type': 'text/plain', 'x-a': ['1', '2'], n: 3 }, 'hé'),
    '/empty': (stream) => stream.respond(200, {}, ''),
    '/none': (stream) => stream.respond(204),
    '/connection': (stream) => stream.respond(200, new Headers({ connection: 'close', 'x-b': 'b' }), 'x'),
    '/lines': (stream) => stream.respond(200, [{ name: 'X-C', value: 'c' }], new Uint8Array([1, 2, 3])),
    '/later': (stream) => void setImmediate(() => void stream.respond(200, undefined, 'later')),
    '/large': (stream) => stream.respond(200, undefined, pattern(3_000_000)),
    '/told': (stream) => {
      const { method, scheme, authority: host, fields, headers, remote, httpVersion, early, connectionId } = stream;
      const told = { method, scheme, host, fields, asked: headers.get('x-asked'), httpVersion, early };
      void stream.respond(200, {}, JSON.stringify({ ...told, remote: remote.address, named: connectionId.length > 0 }));
    },
    '/echo': async (stream) => {
      void stream.respond(201, { 'x-method': stream.method });
      for await (const chunk of stream.body) await stream.write(chunk);
      await stream.end();
    },
    '/unawaited': (stream) => {
      void stream.respond(200);
      // None of them waits for those before: the order is kept.
      for (let part = 0; part < 5; part++) void stream.write(pattern(1_000_000).fill(part));
      void stream.end('the end', { 'x-sum': 'abc' });
    },
    '/hints': async (stream) => {
      stream.earlyHints({ link: '</style.css>; rel=preload' });
      for await (const _chunk of stream.body);
      const trailers = await stream.trailers;
      void stream.respond(200, {}, trailers.get('x-sent') ?? 'none');
    },
    '/throws': () => {
      throw new Error('thrown at once');
    },
    '/rejects': async () => {
      await Promise.resolve();
      throw new Error('thrown later');
    },
    '/breaks': async (stream) => {
      void stream.respond(200);
      await stream.write('a part');
      throw new Error('in the middle');
    },
    '/resets': (stream) => stream.reset(H3.H3_EXCESSIVE_LOAD),
  };
  const server = await serve(undefined, {
    requestStream: (stream) => handlers[stream.path]?.(stream),
    onError: (error, context) => void errors.push([error, context]),
  });
  const { client, connection } = await connectTo(server);
  const ask = client.sendRequest.bind(client, connection.id);

  test('a response is one call: status, fields in any form, content', async () => {
    const response = await ask('GET', '/text');
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'text/plain');
    assert.equal(response.headers.get('x-a'), '1, 2');
    assert.equal(response.headers.get('n'), '3');
    assert.ok(Date.parse(response.headers.get('date') ?? '') > 0);
    assert.equal(decode(response.body), 'hé');
    const lines = await ask('GET', '/lines');
    assert.equal(lines.headers.get('x-c'), 'c');
    assert.deepEqual([...lines.body], [1, 2, 3]);
  });

  test('fields that HTTP/3 forbids are left out', async () => {
    const { headers } = await ask('GET', '/connection');
    assert.equal(headers.get('x-b'), 'b');
    assert.equal(headers.has('connection'), false);
  });

  test('responses without content end by themselves', async () => {
    assert.equal((await ask('GET', '/none')).status, 204);
    assert.equal((await ask('GET', '/empty')).headers.get('content-length'), '0');
    const head = await ask('HEAD', '/text');
    assert.equal(head.status, 200);
    assert.equal(head.body.length, 0);
  });

  test('a response may come after the handler has returned', async () => {
    assert.equal(decode((await ask('GET', '/later')).body), 'later');
  });

  test('the handler learns of the request and its connection', async () => {
    assert.deepEqual(JSON.parse(decode((await ask('GET', '/told', { 'x-asked': 'yes' })).body)), {
      method: 'GET',
      scheme: 'https',
      host: `127.0.0.1:${server.port}`,
      fields: [{ name: 'x-asked', value: 'yes' }],
      asked: 'yes',
      httpVersion: '3.0',
      early: false,
      remote: '127.0.0.1',
      named: true,
    });
  });

  test('content of any length, in both directions', async () => {
    const body = pattern(3_000_000);
    assert.ok(Buffer.from(body).equals((await ask('GET', '/large')).body));
    const response = await ask('PUT', '/echo', {}, body);
    assert.equal(response.status, 201);
    assert.equal(response.headers.get('x-method'), 'PUT');
    assert.ok(Buffer.from(body).equals(response.body));
  });

  test('writes that do not wait for each other keep their order, and trailers follow', async () => {
    const { body, trailers } = await ask('GET', '/unawaited');
    assert.equal(body.length, 5_000_007);
    for (let part = 0; part < 5; part++) {
      assert.ok(body.subarray(part * 1_000_000, (part + 1) * 1_000_000).every((byte) => byte === part));
    }
    assert.equal(decode(body.subarray(5_000_000)), 'the end');
    assert.equal(trailers.get('x-sum'), 'abc');
  });

  test('early hints come before the response', async () => {
    const hints: number[] = [];
    const options = { onInformational: (status: number) => void hints.push(status) };
    assert.equal(decode((await ask('POST', '/hints', {}, 'body', options)).body), 'none');
    assert.deepEqual(hints, [103]);
  });

  test('what a handler throws before its response is a 500', async () => {
    for (const [path, message] of [
      ['/throws', 'thrown at once'],
      ['/rejects', 'thrown later'],
    ] as const) {
      assert.equal((await ask('GET', path)).status, 500);
      const [error, context] = errors.pop() ?? [];
      assert.equal((error as Error).message, message);
      assert.equal(context?.phase, 'handler');
      assert.equal(context?.url, `https://127.0.0.1:${server.port}${path}`);
    }
  });

  test('what it throws afterwards breaks the response off', async () => {
    await assert.rejects(ask('GET', '/breaks'), { errorCode: H3.H3_INTERNAL_ERROR });
    const [error, context] = errors.pop() ?? [];
    assert.equal((error as Error).message, 'in the middle');
    assert.equal(context?.phase, 'body');
  });

  test('a handler may break the exchange off', async () => {
    await assert.rejects(ask('GET', '/resets'), { errorCode: H3.H3_EXCESSIVE_LOAD });
    assert.deepEqual(errors, []);
  });

  test('nothing is left of requests that are over', async () => {
    await Promise.all(Array.from({ length: 300 }, () => ask('GET', '/text')));
    assert.equal(server.activeRequests, 0);
  });
});

test('calls out of turn, and what cannot be sent, are errors of the handler', async () => {
  const told: string[] = [];
  const attempt = (call: () => unknown): void => {
    try {
      call();
      told.push('fine');
    } catch (error) {
      told.push((error as { code?: string }).code ?? (error as Error).name);
    }
  };
  const server = await serve(undefined, {
    requestStream(stream) {
      attempt(() => stream.write('too early'));
      attempt(() => stream.end());
      attempt(() => stream.respond(199));
      attempt(() => stream.respond(200, { 'a b': 'c' }, 'x'));
      attempt(() => stream.respond(200, { a: 'b\nc' }, 'x'));
      attempt(() => stream.respond(200, { a: '\u0100' }, 'x'));
      attempt(() => stream.respond(200, {}, 7 as unknown as string));
      attempt(() => stream.respond(200, {}, 'x'));
      attempt(() => stream.respond(200));
      attempt(() => stream.write('too late'));
      attempt(() => stream.end());
    },
  });
  const { client, connection } = await connectTo(server);
  assert.equal(decode((await client.sendRequest(connection.id, 'GET', '/')).body), 'x');
  const [state, message] = ['ERR_HTTP3_INVALID_STATE', 'ERR_HTTP3_INVALID_MESSAGE'];
  assert.deepEqual(told, [
    ...[state, state, 'TypeError', message, message, message, 'TypeError', 'fine'],
    ...[state, state, state],
  ]);
});

test('a client that goes away is told by the signal, and by what is sent to it', async () => {
  const begun = event();
  const failed = event<unknown>();
  const server = await serve(undefined, {
    async requestStream(stream) {
      void stream.respond(200);
      await stream.write('a part');
      const aborted = new Promise<void>((resolve) => stream.signal.addEventListener('abort', () => resolve()));
      begun.happens();
      await aborted;
      // Unobserved: it ends nothing.
      void stream.write('more');
      await stream.write('yet more').catch(failed.happens);
    },
    onError: (error) => failed.happens(error),
  });
  const { client, connection } = await connectTo(server);
  const controller = new AbortController();
  const asked = client.sendRequest(connection.id, 'GET', '/', {}, undefined, { signal: controller.signal });
  await begun.happened;
  controller.abort();
  await assert.rejects(asked, { name: 'AbortError' });
  assert.equal(((await failed.happened) as { code?: string }).code, 'ERR_HTTP3_REQUEST_CANCELLED');
});

test('limits hold as for fetch handlers', async () => {
  const server = await serve(undefined, {
    async requestStream(stream) {
      if (stream.path === '/endless') {
        void stream.respond(200);
        for (;;) await stream.write(new Uint8Array(65_536));
      }
      for await (const _chunk of stream.body);
      void stream.respond(200, {}, 'read');
    },
    maxBodySize: 1000,
    sendTimeout: 200,
    bodyTimeout: 200,
  });
  const { client, connection } = await connectTo(server);
  const ask = client.sendRequest.bind(client, connection.id);
  assert.equal((await ask('POST', '/', {}, new Uint8Array(1001))).status, 413, 'announced');
  assert.equal((await ask('POST', '/', {}, [new Uint8Array(600), new Uint8Array(600)])).status, 413, 'found');
  const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array(10)) });
  await assert.rejects(ask('POST', '/', {}, body), { code: 'ERR_HTTP3_REQUEST_CANCELLED' });
  const endpoint = await QuicEndpoint.create({ host: '127.0.0.1' });
  after(() => endpoint.close({ timeout: 0 }));
  const raw = await endpoint.connect('127.0.0.1', server.port, { alpn: ['h3'], ca: authority.certificate });
  const stream = await raw.openBidirectionalStream();
  // :method GET, :scheme https, :authority a, :path /endless. What comes back is not read.
  const path = [...new TextEncoder().encode('/endless')];
  await stream.send(Uint8Array.of(0x01, 18, 0, 0, 0xd1, 0xd7, 0x50, 0x01, 0x61, 0x51, path.length, ...path));
  await assert.rejects(stream.acknowledged, { code: 'ERR_QUIC_STREAM_STOPPED', errorCode: H3.H3_REQUEST_CANCELLED });
});

test('a response that does not begin is given up after handlerTimeout', async () => {
  const late = event<unknown>();
  const server = await serve(undefined, {
    requestStream(stream) {
      stream.signal.addEventListener('abort', () => void stream.respond(200, {}, 'late').catch(late.happens));
    },
    handlerTimeout: 200,
  });
  const { client, connection } = await connectTo(server);
  assert.equal((await client.sendRequest(connection.id, 'GET', '/')).status, 503);
  assert.match(String(await late.happened), /handlerTimeout/);
  assert.equal(server.activeRequests, 0);
});

test('over TCP it is fetch that answers, or nobody', async () => {
  const both = createServer({
    host: '127.0.0.1',
    port: 0,
    ...identity,
    fetch: () => new Response('by fetch'),
    requestStream: (stream) => stream.respond(200, {}, 'on the stream'),
  });
  after(() => both.close({ timeout: 0 }));
  await both.listen();
  const { client, connection } = await connectTo(both);
  assert.equal(decode((await client.sendRequest(connection.id, 'GET', '/')).body), 'on the stream');
  const one = createServer({ host: '127.0.0.1', port: 0, ...identity, requestStream: () => undefined });
  await assert.rejects(one.listen(), { code: 'ERR_QUIC_INVALID_OPTION' });
  assert.throws(() => createServer({ ...identity }), TypeError);
});

test('QuicServer.handle takes the handler too', async () => {
  const server = new QuicServer({ host: '127.0.0.1', port: 0, ...identity });
  after(() => server.stop({ timeout: 0 }));
  server.handle({ requestStream: (stream) => stream.respond(200, {}, stream.path) });
  await server.listen();
  const client = new QuicClient({
    serverPort: server.address.port,
    serverHost: '127.0.0.1',
    ca: authority.certificate,
  });
  after(() => client.shutdown({ timeout: 0 }));
  const { id } = await client.connect();
  assert.equal(decode((await client.sendRequest(id, 'GET', '/a?b')).body), '/a?b');
});

test('a length that is announced and beyond all bounds takes no memory', async () => {
  const server = await serve(undefined, {
    async requestStream(stream) {
      void stream.respond(200, { 'content-length': Number.MAX_SAFE_INTEGER });
      await stream.write(new Uint8Array(200_000));
      await stream.write(new Uint8Array(200_000));
      stream.reset(H3.H3_EXCESSIVE_LOAD);
    },
  });
  const { client, connection } = await connectTo(server);
  await assert.rejects(client.sendRequest(connection.id, 'GET', '/'), { errorCode: H3.H3_EXCESSIVE_LOAD });
});
