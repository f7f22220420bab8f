// A Hono application, unchanged, over HTTP/3: any framework whose applications have a `fetch` works like this.

import { Hono } from 'hono';
import { createServer, fetch, Http3Agent } from '../src/http3.js';
import { createCertificateAuthority } from '../src/testing/index.js';

const app = new Hono();
app.get('/hello/:name', (context) => context.json({ hello: context.req.param('name') }));
app.post('/length', async (context) => context.text(String((await context.req.arrayBuffer()).byteLength)));

const authority = await createCertificateAuthority();
const { certificate: cert, key } = await authority.issue({ names: ['localhost'] });
const server = await createServer({
  host: '127.0.0.1',
  port: 0,
  cert,
  key,
  fetch: (request) => app.fetch(request),
}).listen();

const dispatcher = new Http3Agent({ ca: authority.certificate, servername: 'localhost' });
const base = `https://127.0.0.1:${server.port}`;
console.log(await (await fetch(`${base}/hello/world`, { dispatcher })).json());
const body = new Uint8Array(100_000);
console.log(await (await fetch(`${base}/length`, { method: 'POST', body, dispatcher })).text());
console.log((await fetch(`${base}/nothing`, { dispatcher })).status);

await dispatcher.close();
await server.close();
