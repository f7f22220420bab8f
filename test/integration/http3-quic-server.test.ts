import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { QuicServer, type QuicServerHandlers } from '../../src/server.js';
import { connectTo, decode, identity, serve } from '../support/http3.js';

async function quicServer(handlers: QuicServerHandlers): Promise<QuicServer> {
  const server = new QuicServer({ host: '127.0.0.1', port: 0, ...identity }).handle(handlers);
  after(() => server.stop({ timeout: 500 }));
  await server.listen();
  return server;
}

const echo: QuicServerHandlers['stream'] = async (stream) => {
  for await (const chunk of stream) await stream.send(chunk);
  await stream.finish();
};

test('requests and raw streams share one connection', async () => {
  const server = await quicServer({
    request: async (request) => new Response(`asked ${await request.text()}`),
    stream: echo,
  });
  const { client, connection } = await connectTo(server.address);
  assert.equal(connection.details.alpn, 'h3');
  const stream = await client.createStream(connection.id);
  await stream.send(new TextEncoder().encode('raw bytes'));
  const response = await client.sendRequest(connection.id, 'POST', '/', {}, 'something');
  await stream.finish();
  assert.equal(decode(response.body), 'asked something');
  assert.equal(decode(await stream.receiveAll()), 'raw bytes');
});

test('a server without a handler for requests speaks raw streams only', async () => {
  const server = await quicServer({ stream: echo });
  const { client, connection } = await connectTo(server.address);
  assert.equal(connection.details.alpn, 'skein/1');
  const stream = await client.createStream(connection.id);
  await stream.send(new TextEncoder().encode('raw bytes'));
  await stream.finish();
  assert.equal(decode(await stream.receiveAll()), 'raw bytes');
  await assert.rejects(client.sendRequest(connection.id, 'GET', '/'), { code: 'ERR_QUIC_ALPN' });
});

test('an HTTP/3 server that has not announced raw streams sees none', async () => {
  const server = await serve(() => new Response('fine'));
  const { client, connection } = await connectTo(server);
  await assert.rejects(client.createStream(connection.id), { code: 'ERR_HTTP3_UNSUPPORTED' });
  assert.equal((await client.sendRequest(connection.id, 'GET', '/')).status, 200);
});
