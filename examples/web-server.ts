// A web server and `fetch`, over HTTP/3: a Request comes in, a Response goes out, and bodies stream both ways.

import { createServer, fetch, Http3Agent } from '../src/http3.js';
import { createCertificateAuthority } from '../src/testing/index.js';

const authority = await createCertificateAuthority();
const { certificate: cert, key } = await authority.issue({ names: ['localhost'] });

const server = createServer({
  host: '127.0.0.1',
  port: 0,
  cert,
  key,
  async fetch(request, info) {
    const { pathname } = new URL(request.url);
    if (pathname === '/shout') {
      const louder = new TransformStream<string, string>({
        transform: (text, controller) => controller.enqueue(text.toUpperCase()),
      });
      const body = request.body?.pipeThrough(new TextDecoderStream()).pipeThrough(louder);
      return new Response(body?.pipeThrough(new TextEncoderStream()));
    }
    return new Response(`hello over HTTP/${info.httpVersion}`);
  },
});
await server.listen();

// A public server needs no options: `fetch(url)` is enough.
const dispatcher = new Http3Agent({ ca: authority.certificate, servername: 'localhost' });
const base = `https://127.0.0.1:${server.port}`;
const hello = await fetch(base, { dispatcher });
console.log(hello.status, await hello.text());
const shout = await fetch(`${base}/shout`, { method: 'POST', body: 'streams both ways', dispatcher });
console.log(shout.status, await shout.text());

await dispatcher.close();
await server.close();
