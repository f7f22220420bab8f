import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { QuicClientConfig } from '../../src/index.js';
import { exchange, fetch, type FetchInit, Http3Connection } from '../../src/http3.js';
import { makeFiles, sha256 } from './support/files.js';
import { http3Agent, peerRequests, serveHttp3, startPeerHttp3 } from './support/http3.js';
import { againstEachPeer } from './support/interop-test.js';
import type { PeerField } from './support/peer-events.js';
import type { PeerServer } from './support/peers.js';
import { skeinClient } from './support/skein.js';

const files = makeFiles({ '1k': 1000, '1m': 1_000_000, '10m': 10_000_000 });
const [SMALL, LARGE, HUGE] = ['/1k', '/1m', '/10m'].map((path) => {
  const file = files.byPath.get(path);
  assert.ok(file);
  return file;
}) as [ServedFile, ServedFile, ServedFile];
type ServedFile = NonNullable<ReturnType<typeof files.byPath.get>>;

const H3_NO_ERROR = 0x100;
const HINT = '</style.css>; rel=preload; as=style';
const MANY = 100;
const TIMEOUT = 120_000;
const ROOT = ['--root', files.folder];
const text = new TextDecoder();

async function bytesOf(message: Request | Response): Promise<Uint8Array> {
  return new Uint8Array(await message.arrayBuffer());
}

/** Forty fields that no static table knows: some the same each time, some new. */
function manyFields(number: number): PeerField[] {
  return Array.from({ length: 40 }, (_, index) => [
    `x-interop-field-${index}`,
    index % 4 === 0 ? `request ${number} has its own value ${index}` : `always the same value ${index}`,
  ]);
}

function onlyInterop(fields: Iterable<readonly [string, string]>): PeerField[] {
  return [...fields].filter(([name]) => name.startsWith('x-interop-')).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** A connection of `QuicClient` over which HTTP/3 requests go. */
async function asking(server: PeerServer, config: QuicClientConfig = {}) {
  const client = skeinClient(server, { alpn: ['h3'], ...config });
  const connection = await client.connect();
  return { client, connection, ask: client.sendRequest.bind(client, connection.id) };
}

againstEachPeer('fetch: GET, HEAD, POST and what is not there, the peer serves', async (peer) => {
  await using server = await startPeerHttp3(peer, ROOT);
  const dispatcher = http3Agent();
  const get = (path: string, init: FetchInit = {}): Promise<Response> =>
    fetch(`https://127.0.0.1:${server.port}${path}`, { ...init, dispatcher });
  try {
    const file = await get(SMALL.path);
    assert.equal(file.status, 200);
    assert.equal(file.headers.get('content-length'), '1000');
    assert.equal(sha256(await bytesOf(file)), SMALL.sha256);

    const head = await get(LARGE.path, { method: 'HEAD' });
    assert.equal(head.headers.get('content-length'), '1000000');
    assert.equal((await bytesOf(head)).length, 0);

    const echo = await get('/echo', { method: 'POST', body: new Uint8Array(LARGE.bytes) });
    assert.equal(sha256(await bytesOf(echo)), LARGE.sha256);

    const absent = await get('/absent');
    assert.equal(absent.status, 404);
    assert.equal(await absent.text(), 'not found');
  } finally {
    await dispatcher.close();
  }
  const methods = server.process.all('request').map(({ method }) => method);
  assert.deepEqual(methods, ['GET', 'HEAD', 'POST', 'GET']);
  const closed = await server.process.of('closed');
  assert.deepEqual([closed.by, closed.kind, closed.code], ['peer', 'application', H3_NO_ERROR]);
});

againstEachPeer('10 MB each way, the peer serves', async (peer) => {
  await using server = await startPeerHttp3(peer, ROOT);
  const { client, ask } = await asking(server);
  await using _ = client;
  const uploaded = await ask('POST', '/digest', {}, HUGE.bytes);
  assert.equal(text.decode(uploaded.body), HUGE.sha256);
  const downloaded = await ask('GET', HUGE.path);
  assert.equal(sha256(downloaded.body), HUGE.sha256);
});

test('early hints and trailers, aioquic serves', { timeout: TIMEOUT }, async () => {
  await using server = await startPeerHttp3('aioquic', ROOT);
  const { client, ask } = await asking(server);
  await using _ = client;
  const hints: [number, string | null][] = [];
  const response = await ask('GET', '/hints', {}, undefined, {
    onInformational: (status, headers) => void hints.push([status, headers.get('link')]),
  });
  assert.deepEqual(hints, [[103, HINT]]);
  assert.equal(text.decode(response.body), 'with trailers');
  assert.deepEqual([...response.trailers], [['x-checksum', 'abc']]);
});

test('trailers both ways, h3 serves', { timeout: TIMEOUT }, async () => {
  await using server = await startPeerHttp3('quinn', ROOT);
  await using client = skeinClient(server, { alpn: ['h3'] });
  const http3 = new Http3Connection(await client.connect());
  const { body, trailers } = await exchange(http3, {
    method: 'POST',
    authority: 'localhost',
    path: '/trailers',
    body: new Uint8Array(SMALL.bytes),
    trailers: [{ name: 'x-checksum', value: 'abc' }],
  });
  assert.equal(await new Response(body).text(), SMALL.sha256);
  assert.deepEqual([...(await trailers)], [['x-checksum', 'abc']]);
});

againstEachPeer(`${MANY} requests at once, with many fields, the peer serves`, async (peer) => {
  await using server = await startPeerHttp3(peer, ROOT);
  const { client, connection, ask } = await asking(server);
  await using _ = client;
  // With the settings of both sides known, all field sections may use the dynamic tables.
  await ask('GET', SMALL.path);
  const asked = Array.from({ length: MANY }, async (_, number) => {
    const fields = manyFields(number);
    const response = await ask('POST', '/echo', Object.fromEntries(fields), `body ${number}`);
    assert.equal(text.decode(response.body), `body ${number}`);
    assert.deepEqual(onlyInterop(response.headers), onlyInterop(fields));
  });
  await Promise.all(asked);
  await connection.close({ code: H3_NO_ERROR });
  const { qpack, requests } = await server.process.of('closed');
  assert.equal(requests, MANY + 1);
  if (peer === 'aioquic') assertDynamic(qpack);
});

againstEachPeer('GOAWAY: the peer takes no more requests, a new connection does', async (peer) => {
  await using server = await startPeerHttp3(peer, [...ROOT, '--goaway-after', '1']);
  const { client, ask } = await asking(server);
  await using _ = client;
  assert.equal(sha256((await ask('GET', SMALL.path)).body), SMALL.sha256);
  for (;;) {
    const error = await ask('GET', SMALL.path).then(
      () => undefined,
      (reason: unknown) => reason as { code: string },
    );
    if (error?.code === 'ERR_HTTP3_GOING_AWAY') break;
    // It was on its way when GOAWAY was.
    assert.equal(error?.code, 'ERR_HTTP3_REQUEST_REJECTED');
  }
  const again = await asking(server);
  await using _again = again.client;
  assert.equal((await again.ask('GET', SMALL.path)).status, 200);
});

/** Both directions of a connection used the dynamic table, in either role. That of h3 has none. */
function assertDynamic(qpack: { readonly [name: string]: number } | undefined): void {
  assert.ok(qpack);
  // Instructions that insert, and acknowledgements of sections that refer to what was inserted.
  for (const name of ['encoderSent', 'encoderReceived']) assert.ok((qpack[name] ?? 0) > 100, JSON.stringify(qpack));
  for (const name of ['decoderSent', 'decoderReceived']) assert.ok((qpack[name] ?? 0) > 10, JSON.stringify(qpack));
}

const server = async (request: Request, hints: (headers: Record<string, string>) => void): Promise<Response> => {
  const { pathname } = new URL(request.url);
  const headers = new Headers([...request.headers].filter(([name]) => name.startsWith('x-')));
  if (pathname === '/echo') return new Response(request.body, { headers });
  if (pathname === '/digest') return new Response(sha256(await bytesOf(request)), { headers });
  if (pathname === '/hints') hints({ link: HINT });
  const file = files.byPath.get(pathname);
  if (file) {
    headers.set('content-length', String(file.bytes.length));
    return new Response(new Uint8Array(file.bytes), { headers });
  }
  return new Response('not found', { status: 404, headers });
};

againstEachPeer('GET, HEAD, POST and what is not there, skein serves', async (peer) => {
  await using skein = await serveHttp3((request, info) => server(request, (headers) => info.earlyHints(headers)));
  await using client = peerRequests(peer, skein.port, [
    [{ path: SMALL.path }],
    [{ method: 'HEAD', path: LARGE.path }],
    [{ method: 'POST', path: '/echo', bodyFile: join(files.folder, '1m') }],
    [{ path: '/absent' }],
  ]);
  await client.done();
  const seen = client.all('response').map(({ method, status, bytes }) => [method, status, bytes]);
  assert.deepEqual(seen, [
    ['GET', 200, 1000],
    ['HEAD', 200, 0],
    ['POST', 200, 1_000_000],
    ['GET', 404, 9],
  ]);
  const [get, head, post] = client.all('response');
  assert.equal(get?.sha256, SMALL.sha256);
  assert.deepEqual(
    head?.fields?.find(([name]) => name === 'content-length'),
    ['content-length', '1000000'],
  );
  assert.equal(post?.sha256, LARGE.sha256);
});

againstEachPeer('10 MB each way, skein serves', async (peer) => {
  await using skein = await serveHttp3((request) => server(request, () => undefined));
  await using client = peerRequests(peer, skein.port, [
    [{ method: 'POST', path: '/digest', bodyFile: join(files.folder, '10m') }],
    [{ path: HUGE.path }],
  ]);
  await client.done();
  const [uploaded, downloaded] = client.all('response');
  // The response is the digest of what was sent, so its own digest is known.
  assert.equal(uploaded?.sha256, sha256(Buffer.from(HUGE.sha256)));
  assert.equal(downloaded?.bytes, HUGE.bytes.length);
  assert.equal(downloaded.sha256, HUGE.sha256);
});

test('early hints, and trailers both ways, skein serves', { timeout: TIMEOUT }, async () => {
  await using skein = await serveHttp3(async (request, info) => {
    info.earlyHints({ link: HINT });
    await bytesOf(request);
    const asked = await info.trailers;
    info.sendTrailers(() => ({ 'x-checksum': `${asked.get('x-checksum')} came` }));
    return new Response('with trailers');
  });
  const trailers: PeerField[] = [['x-checksum', 'abc']];
  const bodyFile = join(files.folder, '1k');
  await using client = peerRequests('aioquic', skein.port, [[{ method: 'POST', path: '/', bodyFile, trailers }]]);
  await client.done();
  const [response] = client.all('response');
  assert.deepEqual(response?.interim, [
    [
      [':status', '103'],
      ['link', HINT],
    ],
  ]);
  assert.equal(response.sha256, sha256(Buffer.from('with trailers')));
  assert.deepEqual(response.trailers, [['x-checksum', 'abc came']]);
});

test('trailers both ways, skein serves h3', { timeout: TIMEOUT }, async () => {
  await using skein = await serveHttp3(async (request, info) => {
    await bytesOf(request);
    const asked = await info.trailers;
    info.sendTrailers(() => ({ 'x-checksum': `${asked.get('x-checksum')} came` }));
    return new Response('with trailers');
  });
  const trailers: PeerField[] = [['x-checksum', 'abc']];
  const bodyFile = join(files.folder, '1k');
  await using client = peerRequests('quinn', skein.port, [[{ method: 'POST', path: '/', bodyFile, trailers }]]);
  await client.done();
  const [response] = client.all('response');
  assert.equal(response?.sha256, sha256(Buffer.from('with trailers')));
  assert.deepEqual(response.trailers, [['x-checksum', 'abc came']]);
});

againstEachPeer(`${MANY} requests at once, with many fields, skein serves`, async (peer) => {
  await using skein = await serveHttp3((request) => server(request, () => undefined));
  const many = Array.from({ length: MANY }, (_, number) => ({ path: `/absent/${number}`, fields: manyFields(number) }));
  await using client = peerRequests(peer, skein.port, [[{ path: SMALL.path }], many]);
  await client.done();
  const responses = client.all('response').filter(({ status }) => status === 404);
  assert.equal(responses.length, MANY);
  for (const { path, fields = [] } of responses) {
    assert.deepEqual(onlyInterop(fields), onlyInterop(manyFields(Number(path?.split('/').at(-1)))));
  }
  if (peer === 'aioquic') assertDynamic((await client.of('closed')).qpack);
});

/** First the largest identifier there is, then the first request that was not taken (RFC 9114 section 5.2). */
const GOAWAYS = [String(2n ** 62n - 4n), '4'];

againstEachPeer('GOAWAY: skein closes and finishes what is under way', async (peer) => {
  let body!: ReadableStreamDefaultController<Uint8Array>;
  const content = new ReadableStream<Uint8Array>({ start: (controller) => void (body = controller) });
  await using skein = await serveHttp3(() => new Response(content));
  await using client = peerRequests(peer, skein.port, [[{ path: '/' }]], ['--wait-close']);
  body.enqueue(SMALL.bytes);
  await client.event(({ event }) => event === 'head');
  const closed = skein.close();
  if (peer === 'aioquic') await client.event(({ event, goaways }) => event === 'goaway' && goaways?.length === 2);
  assert.deepEqual(client.all('response'), []);
  body.enqueue(SMALL.bytes);
  body.close();
  await Promise.all([closed, client.done()]);
  const [response] = client.all('response');
  assert.equal(response?.sha256, sha256(Buffer.concat([SMALL.bytes, SMALL.bytes])));
  const { by, kind, code, goaways } = await client.of('closed');
  assert.deepEqual([by, kind, code], ['peer', 'application', H3_NO_ERROR]);
  if (peer === 'aioquic') assert.deepEqual(goaways, GOAWAYS);
});

againstEachPeer('GOAWAY: skein closes with nothing under way', async (peer) => {
  await using skein = await serveHttp3(() => new Response('over'));
  await using client = peerRequests(peer, skein.port, [[{ path: '/' }]], ['--wait-close']);
  await client.event(({ event }) => event === 'response');
  await Promise.all([skein.close(), client.done()]);
  const { by, kind, code, goaways } = await client.of('closed');
  assert.deepEqual([by, kind, code], ['peer', 'application', H3_NO_ERROR]);
  if (peer === 'aioquic') assert.deepEqual(goaways, GOAWAYS);
});
