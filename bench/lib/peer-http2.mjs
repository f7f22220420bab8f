// node:http2 over TLS 1.3 as one side of the HTTP benchmarks.
//
//   node bench/lib/peer-http2.mjs server HANDLER CERT KEY             prints its port
//   node bench/lib/peer-http2.mjs client API PORT CA WORK SIZE        prints what it measured
//
// Handlers: stream (of node:http2), fetch (the same handler that skein gets). APIs: session (of node:http2), agent (undici's
// request), fetch (undici's).
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Agent, request, fetch as undiciFetch } from 'undici';
import { clientControl, serveControl } from './control.mjs';
import { BLOCK, downloadHeaders, fetchHandler, lengthOf, runHttpWork, SMALL, SMALL_TYPE } from './http-works.mjs';

/** The same windows as skein's defaults. */
const STREAM_WINDOW = 1536 * 1024;
const CONNECTION_WINDOW = 2048 * 1024;
const settings = { initialWindowSize: STREAM_WINDOW, maxConcurrentStreams: 1000 };

function* blocks(count) {
  for (let index = 0; index < count; index++) yield BLOCK;
}

const handlers = {
  stream(stream, headers) {
    const path = headers[':path'];
    if (path === '/1k') {
      stream.respond({ ':status': 200, 'content-type': SMALL_TYPE });
      stream.end(SMALL);
      return;
    }
    const mib = Number(path.split('=')[1]);
    stream.respond({ ':status': 200, ...downloadHeaders(path, mib) });
    Readable.from(blocks(mib), { objectMode: false }).pipe(stream);
  },
  async fetch(stream, headers) {
    const request = new Request(`https://${headers[':authority']}${headers[':path']}`, {
      method: headers[':method'],
      headers: Object.entries(headers).filter(([name]) => !name.startsWith(':')),
    });
    const response = await fetchHandler(request);
    stream.respond({ ':status': response.status, ...Object.fromEntries(response.headers) });
    await pipeline(response.body, stream);
  },
};

async function server(handler, cert, key) {
  const identity = { cert: readFileSync(cert), key: readFileSync(key) };
  const listening = http2.createSecureServer({ ...identity, minVersion: 'TLSv1.3', settings });
  listening.on('session', (session) => session.setLocalWindowSize(CONNECTION_WINDOW));
  listening.on('stream', (stream, headers) => {
    // A connection that is cut off ends its streams with an error, which is none here.
    stream.on('error', () => undefined);
    void handlers[handler](stream, headers);
  });
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  serveControl({ port: listening.address().port });
}

function throughUndici(port, ca, get) {
  const dispatcher = new Agent({ allowH2: true, connections: 1, pipelining: 1000, connect: { ca } });
  return {
    get: (path) => get(`https://127.0.0.1:${port}${path}`, { dispatcher }),
    close: () => dispatcher.close(),
  };
}

const connections = {
  async session(port, ca) {
    const session = http2.connect(`https://127.0.0.1:${port}`, { ca, minVersion: 'TLSv1.3', settings });
    await once(session, 'connect');
    session.setLocalWindowSize(CONNECTION_WINDOW);
    const get = (path) =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ':path': path });
        let length = 0;
        stream.on('data', (chunk) => (length += chunk.length));
        stream.on('end', () => resolve(length));
        stream.on('error', reject);
      });
    return { get, close: () => session.destroy() };
  },
  agent: (port, ca) => throughUndici(port, ca, async (url, options) => lengthOf((await request(url, options)).body)),
  fetch: (port, ca) =>
    throughUndici(port, ca, async (url, options) => lengthOf((await undiciFetch(url, options)).body)),
};

async function client(api, port, caPath, work, size) {
  const control = clientControl();
  const connection = await connections[api](Number(port), readFileSync(caPath));
  await runHttpWork(control, connection, work, Number(size));
  await connection.close();
  process.disconnect?.();
}

const [role, ...rest] = process.argv.slice(2);
await { server, client }[role](...rest);
