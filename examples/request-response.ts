// Requests and responses on raw streams, in the manner of `fetch`: one bidirectional stream each, a line of JSON as the
// head, web streams as bodies. Thirty lines; for the real thing use HTTP/3.

import { QuicClient, QuicServer, type QuicConnection, type QuicStream } from '../src/index.js';
import { createCertificateAuthority } from '../src/testing/index.js';

/** Reads the head, which ends with a newline, and leaves the rest of the stream as the body. */
async function readHead<T>(stream: QuicStream): Promise<{ head: T; body: ReadableStream<Uint8Array> }> {
  let text = '';
  while (!text.endsWith('\n')) {
    const bytes = await stream.receive({ maxBytes: 1 });
    if (bytes.length === 0) throw new Error('the stream ended in the head');
    text += String.fromCharCode(bytes[0] ?? 0);
  }
  return { head: JSON.parse(text) as T, body: stream.readable };
}

async function write(stream: QuicStream, head: object, body: ReadableStream<Uint8Array> | null): Promise<void> {
  // ASCII only, so that a byte is a character.
  const text = JSON.stringify(head).replace(
    /[^\x20-\x7e]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  await stream.send(new TextEncoder().encode(`${text}\n`));
  if (body) await body.pipeTo(stream.writable);
  else await stream.finish();
}

async function request(connection: QuicConnection, path: string, body?: string): Promise<Response> {
  const stream = await connection.openBidirectionalStream();
  await write(stream, { method: body === undefined ? 'GET' : 'POST', path }, new Response(body).body);
  const { head, body: answer } = await readHead<{ status: number }>(stream);
  return new Response(answer, head);
}

async function handle(method: string, path: string, body: ReadableStream<Uint8Array>): Promise<Response> {
  if (path === '/hello') return new Response('hello');
  if (path === '/upper' && method === 'POST') return new Response((await new Response(body).text()).toUpperCase());
  return new Response(`there is no ${path}`, { status: 404 });
}

const authority = await createCertificateAuthority();
const { certificate: cert, key } = await authority.issue();
await using server = new QuicServer({ host: '127.0.0.1', port: 0, cert, key });
server.handle({
  async stream(stream) {
    const { head, body } = await readHead<{ method: string; path: string }>(stream);
    const response = await handle(head.method, head.path, body);
    await write(stream, { status: response.status }, response.body);
  },
});
await server.listen();

await using client = new QuicClient({ ca: authority.certificate });
const connection = await client.connect('127.0.0.1', server.address.port);
const responses = await Promise.all([
  request(connection, '/hello'),
  request(connection, '/upper', 'many requests share one connection'),
  request(connection, '/nothing'),
]);
for (const response of responses) console.log(response.status, await response.text());
