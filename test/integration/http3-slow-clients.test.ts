import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { H3 } from '../../src/http3.js';
import { QuicEndpoint } from '../../src/quic/index.js';
import { authority, connectTo, decode, serve } from '../support/http3.js';

function event<T = void>(): { happened: Promise<T>; happens: (value: T) => void } {
  let happens!: (value: T) => void;
  const happened = new Promise<T>((resolve) => (happens = resolve));
  return { happened, happens };
}

async function rawConnection(port: number): Promise<Awaited<ReturnType<QuicEndpoint['connect']>>> {
  const endpoint = await QuicEndpoint.create({ host: '127.0.0.1' });
  after(() => endpoint.close({ timeout: 500 }));
  return endpoint.connect('127.0.0.1', port, { alpn: ['h3'], ca: authority.certificate });
}

test('a client that does not take its response is given up after sendTimeout', async () => {
  const aborted = event<Error>();
  const server = await serve(
    (request) => {
      request.signal.addEventListener('abort', () => aborted.happens(request.signal.reason as Error));
      const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void =>
        controller.enqueue(new Uint8Array(65_536));
      return new Response(new ReadableStream<Uint8Array>({ pull }, { highWaterMark: 0 }));
    },
    { sendTimeout: 200 },
  );
  const connection = await rawConnection(server.port);
  const stream = await connection.openBidirectionalStream();
  // :method GET, :scheme https, :authority a, :path /, all from the static table or literal.
  await stream.send(Uint8Array.of(0x01, 8, 0, 0, 0xd1, 0xd7, 0xc1, 0x50, 0x01, 0x61));
  await stream.finish();
  assert.match((await aborted.happened).message, /sendTimeout/);
});

test('a client that does not go on with its body is given up after bodyTimeout', async () => {
  const failed = event<Error>();
  const server = await serve(
    async (request) => {
      await request.arrayBuffer().catch((error: unknown) => failed.happens(error as Error));
      return new Response();
    },
    { bodyTimeout: 200 },
  );
  const { client, connection } = await connectTo(server);
  const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array(10)) });
  const rejected = assert.rejects(client.sendRequest(connection.id, 'POST', '/', {}, body), {
    code: 'ERR_HTTP3_REQUEST_CANCELLED',
  });
  assert.match((await failed.happened).message, /bodyTimeout/);
  await rejected;
});

test('a header section that does not come to its end is given up after headersTimeout', async () => {
  const server = await serve(() => new Response('fine'), { headersTimeout: 200 });
  const connection = await rawConnection(server.port);
  const stream = await connection.openBidirectionalStream();
  await stream.send(Uint8Array.of(0x01, 100, 0, 0));
  await assert.rejects(stream.receive(), { code: 'ERR_QUIC_STREAM_RESET', errorCode: H3.H3_REQUEST_CANCELLED });
  assert.equal(connection.isClosed, false);
});

test('a handler that takes too long is answered for after handlerTimeout', async () => {
  const server = await serve(() => new Promise<Response>(() => undefined), { handlerTimeout: 200 });
  const { client, connection } = await connectTo(server);
  const response = await client.sendRequest(connection.id, 'GET', '/');
  assert.equal(response.status, 503);
  assert.equal(decode(response.body), 'The server took too long\n');
});
