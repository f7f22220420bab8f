import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { test } from 'node:test';
import { authority, connectTo, decode, serve } from '../support/http3.js';

test('the same handler answers over HTTP/3, HTTP/2 and HTTP/1.1 on one port number, and says where HTTP/3 is', async () => {
  const server = await serve(
    async (request, info) =>
      new Response(`${info.httpVersion} ${request.method} ${await request.text()}`, { headers: { 'x-own': 'yes' } }),
    { tcp: true },
  );
  const altSvc = `h3=":${server.port}"; ma=86400`;

  const session = connect(`https://127.0.0.1:${server.port}`, { ca: authority.certificate, servername: 'localhost' });
  const stream = session.request({ ':path': '/', ':method': 'POST' });
  let headers: Record<string, unknown> = {};
  stream.on('response', (received) => (headers = received));
  stream.end('body');
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  session.close();
  assert.equal(text, '2.0 POST body');
  assert.equal(headers['alt-svc'], altSvc);
  assert.equal(headers['x-own'], 'yes');

  const answer = await new Promise<{ altSvc: unknown; text: string }>((resolve, reject) => {
    const options = { host: '127.0.0.1', port: server.port, ca: authority.certificate, method: 'PUT', agent: false };
    const request = httpsRequest(options, (response) => {
      let body = '';
      response.on('data', (chunk) => (body += String(chunk)));
      response.on('end', () => resolve({ altSvc: response.headers['alt-svc'], text: body }));
    });
    request.on('error', reject);
    request.end('body');
  });
  assert.deepEqual(answer, { altSvc, text: '1.1 PUT body' });

  const { client, connection } = await connectTo(server);
  const response = await client.sendRequest(connection.id, 'POST', '/', {}, 'body');
  assert.equal(decode(response.body), '3.0 POST body');
});
