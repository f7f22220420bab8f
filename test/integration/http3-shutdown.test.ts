import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectTo, pattern, serve } from '../support/http3.js';

/** `length` bytes in pieces, one each time that `next` is called. */
function stepwise(length: number, piece: number): { body: ReadableStream<Uint8Array>; next: () => void } {
  const bytes = pattern(length);
  let at = 0;
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({ start: (given) => void (controller = given) });
  const next = (): void => {
    controller.enqueue(bytes.subarray(at, at + piece));
    at += piece;
    if (at >= length) controller.close();
  };
  return { body, next };
}

test('a server that is told to stop finishes what it has begun, and takes nothing new', async () => {
  const { body, next } = stepwise(100_000, 50_000);
  let begun!: () => void;
  const hasBegun = new Promise<void>((resolve) => (begun = resolve));
  const server = await serve((request) => {
    if (new URL(request.url).pathname === '/new') return new Response('still');
    begun();
    return new Response(body);
  });
  const { client, connection } = await connectTo(server);
  const download = client.sendRequest(connection.id, 'GET', '/');
  await hasBegun;
  next();
  const closed = server.close({ timeout: 20_000 });
  let isClosed = false;
  void closed.then(() => (isClosed = true));
  // GOAWAY has come once a new request is refused on this side.
  for (;;) {
    const error = await client.sendRequest(connection.id, 'GET', '/new').then(
      () => undefined,
      (reason: unknown) => reason as { code: string },
    );
    if (error?.code === 'ERR_HTTP3_GOING_AWAY') break;
    assert.ok(error === undefined || error.code === 'ERR_HTTP3_REQUEST_REJECTED', error?.code);
  }
  assert.equal(isClosed, false);
  next();
  const response = await download;
  assert.ok(Buffer.from(pattern(100_000)).equals(response.body));
  await closed;
  const info = await connection.closed;
  assert.equal(info.errorCode, 0x100);
});

test('what is not over at the deadline is cut off', async () => {
  const server = await serve(() => new Response(new ReadableStream({})));
  const { client, connection } = await connectTo(server);
  const download = assert.rejects(client.sendRequest(connection.id, 'GET', '/'));
  while (server.activeRequests === 0) await new Promise((resolve) => setImmediate(resolve));
  await server.close({ timeout: 50 });
  await download;
  assert.equal(server.activeRequests, 0);
});
