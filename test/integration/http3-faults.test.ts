import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Http3Error } from '../../src/http3.js';
import { connectTo, decode, serve } from '../support/http3.js';

describe('what goes wrong on the server', async () => {
  const told: string[] = [];
  const server = await serve(
    (request) => {
      switch (new URL(request.url).pathname) {
        case '/throws':
          throw new Error('the handler failed');
        case '/nothing':
          return undefined as unknown as Response;
        case '/body-fails':
          return new Response(
            new ReadableStream({
              start: (controller) => controller.enqueue(new Uint8Array(10)),
              pull: (controller) => controller.error(new Error('the body failed')),
            }),
          );
        case '/no-bytes':
          return new Response(
            new ReadableStream({ start: (controller) => controller.enqueue(5 as unknown as Uint8Array) }),
          );
        default:
          return new Response('fine');
      }
    },
    { onError: (error, { phase }) => void told.push(`${phase}: ${(error as Error).message}`) },
  );
  const { client, connection } = await connectTo(server);
  const ask = client.sendRequest.bind(client, connection.id);

  test('a handler that throws answers with 500 and is told', async () => {
    told.length = 0;
    const response = await ask('GET', '/throws');
    assert.equal(response.status, 500);
    assert.equal(decode(response.body), 'Internal Server Error\n');
    assert.deepEqual(told, ['handler: the handler failed']);
  });

  test('so does one that returns no Response', async () => {
    told.length = 0;
    assert.equal((await ask('GET', '/nothing')).status, 500);
    assert.deepEqual(told, ['handler: The handler returned no Response']);
  });

  for (const path of ['/body-fails', '/no-bytes']) {
    test(`a body that fails (${path}) resets the stream, and the connection goes on`, async () => {
      told.length = 0;
      await assert.rejects(ask('GET', path), (error: unknown) => {
        assert.ok(Http3Error.isHttp3Error(error));
        assert.equal(error.code, 'ERR_HTTP3_INTERNAL_ERROR');
        assert.equal(error.remote, true);
        return true;
      });
      assert.equal(told.length, 1);
      assert.match(told[0]!, /^body: /);
      assert.equal(decode((await ask('GET', '/')).body), 'fine');
    });
  }
});

test('a header section beyond the limit is answered with 431', async () => {
  const server = await serve(() => new Response('fine'), { maxFieldSectionSize: 2000 });
  const { client, connection } = await connectTo(server);
  // Settings are not there yet, so that the client does not know better.
  const response = await client.sendRequest(connection.id, 'GET', '/', { 'x-long': 'x'.repeat(3000) });
  assert.equal(response.status, 431);
  assert.equal((await client.sendRequest(connection.id, 'GET', '/')).status, 200);
});

test('a body beyond the limit is answered with 413', async () => {
  const server = await serve(async (request) => new Response(String((await request.arrayBuffer()).byteLength)), {
    maxBodySize: 1000,
  });
  const { client, connection } = await connectTo(server);
  const ask = client.sendRequest.bind(client, connection.id);
  assert.equal((await ask('POST', '/', {}, new Uint8Array(1001))).status, 413);
  const bits = async function* (): AsyncGenerator<Uint8Array> {
    for (let count = 0; count < 20; count++) yield new Uint8Array(100);
  };
  assert.equal((await ask('POST', '/', {}, bits())).status, 413);
  assert.equal(decode((await ask('POST', '/', {}, new Uint8Array(1000))).body), '1000');
});
