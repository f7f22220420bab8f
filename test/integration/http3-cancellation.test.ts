import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectTo, decode, serve } from '../support/http3.js';

const endless = (): ReadableStream<Uint8Array> =>
  new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(16_384)) }, { highWaterMark: 0 });

/** A promise, and the function that resolves it. */
function event<T = void>(): { happened: Promise<T>; happens: (value: T) => void } {
  let happens!: (value: T) => void;
  const happened = new Promise<T>((resolve) => (happens = resolve));
  return { happened, happens };
}

test('request.signal is aborted when the client vanishes in the middle of a response, and the body is cancelled', async () => {
  const aborted = event();
  const cancelled = event<unknown>();
  const begun = event();
  const server = await serve((request) => {
    request.signal.addEventListener('abort', () => aborted.happens());
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(16_384));
        if (++sent === 2) begun.happens();
      },
      cancel: (reason) => cancelled.happens(reason),
    });
    return new Response(body);
  });
  const { client, connection } = await connectTo(server);
  const failed = assert.rejects(client.sendRequest(connection.id, 'GET', '/'));
  await begun.happened;
  connection.destroy();
  await Promise.all([failed, aborted.happened, cancelled.happened]);
});

test('request.signal is aborted when the client cancels the request while the handler thinks', async () => {
  const arrived = event();
  const aborted = event();
  const server = await serve(async (request) => {
    if (new URL(request.url).pathname === '/') return new Response('fine');
    arrived.happens();
    await new Promise<void>((resolve) => request.signal.addEventListener('abort', () => resolve()));
    aborted.happens();
    throw request.signal.reason;
  });
  const { client, connection } = await connectTo(server);
  const abort = new AbortController();
  const failed = assert.rejects(
    client.sendRequest(connection.id, 'GET', '/slow', {}, undefined, { signal: abort.signal }),
    (error: unknown) => error === abort.signal.reason,
  );
  await arrived.happened;
  abort.abort(new Error('enough'));
  await Promise.all([failed, aborted.happened]);
  assert.equal(decode((await client.sendRequest(connection.id, 'GET', '/')).body), 'fine');
});

test('a client that vanishes in the middle of its body fails the body', async () => {
  const begun = event();
  const failure = event<Error>();
  const server = await serve(async (request) => {
    try {
      for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>)
        if (chunk.length > 0) begun.happens();
    } catch (error) {
      failure.happens(error as Error);
    }
    return new Response();
  });
  const { client, connection } = await connectTo(server);
  const failed = assert.rejects(client.sendRequest(connection.id, 'POST', '/', {}, endless()));
  await begun.happened;
  connection.destroy();
  const error = await failure.happened;
  assert.match(error.message, /ended/);
  await failed;
});

test('a handler that does not read the body stops the client, which still gets the response', async () => {
  const server = await serve(() => new Response('no, thank you', { status: 403 }));
  const { client, connection } = await connectTo(server);
  const response = await client.sendRequest(connection.id, 'POST', '/', {}, endless());
  assert.equal(response.status, 403);
  assert.equal(decode(response.body), 'no, thank you');
});
