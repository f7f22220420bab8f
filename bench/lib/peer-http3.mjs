// skein as one side of the HTTP/3 benchmarks.
//
//   node bench/lib/peer-http3.mjs server HANDLER CERT KEY             createServer; prints its port
//   node bench/lib/peer-http3.mjs client API PORT CA WORK SIZE        prints what it measured
//
// Handlers: fetch, stream (requestStream of createServer). APIs: sendRequest (of QuicClient), agent (undici's request through Http3Agent), fetch. Works: http-works.mjs.
import { request } from 'undici';
import { clientControl, serveControl } from './control.mjs';
import { BLOCK, downloadHeaders, fetchHandler, lengthOf, runHttpWork, SMALL, SMALL_TYPE } from './http-works.mjs';
import { loadHttp3, loadSkein } from './skein.mjs';

const connections = {
  async sendRequest(port, caPath) {
    const { QuicClient } = await loadSkein();
    const client = new QuicClient({ caPath, maxConcurrentStreams: 1000 });
    const { id } = await client.connect('127.0.0.1', port);
    return {
      get: async (path) => {
        const { status, body } = await client.sendRequest(id, 'GET', path);
        if (status !== 200) throw new Error(`the status is ${status}`);
        return body.length;
      },
      close: () => client.shutdown(),
    };
  },
  async agent(port, caPath) {
    const { Http3Agent } = await loadHttp3();
    const dispatcher = new Http3Agent({ caPath, http3: 'only' });
    return {
      get: async (path) => {
        const { statusCode, body } = await request(`https://127.0.0.1:${port}${path}`, { dispatcher });
        if (statusCode !== 200) throw new Error(`the status is ${statusCode}`);
        return lengthOf(body);
      },
      close: () => dispatcher.close(),
    };
  },
  async fetch(port, caPath) {
    const { Http3Agent, fetch } = await loadHttp3();
    const dispatcher = new Http3Agent({ caPath, http3: 'only' });
    return {
      get: async (path) => {
        const response = await fetch(`https://127.0.0.1:${port}${path}`, { dispatcher });
        if (response.status !== 200) throw new Error(`the status is ${response.status}`);
        return lengthOf(response.body);
      },
      close: () => dispatcher.close(),
    };
  },
};

const handlers = {
  fetch: { fetch: fetchHandler },
  stream: {
    requestStream(stream) {
      if (stream.path === '/1k') return stream.respond(200, { 'content-type': SMALL_TYPE }, SMALL);
      return sendBlocks(stream, Number(stream.path.split('=')[1]));
    },
  },
};

async function sendBlocks(stream, count) {
  void stream.respond(200, downloadHeaders(stream.path, count));
  for (let index = 0; index < count; index++) await stream.write(BLOCK);
  await stream.end();
}

async function server(handler, certPath, keyPath) {
  const { createServer } = await loadHttp3();
  const listening = createServer({
    certPath,
    keyPath,
    host: '127.0.0.1',
    port: 0,
    tcp: false,
    maxConcurrentStreams: 1000,
    ...handlers[handler],
  });
  await listening.listen();
  serveControl({ port: listening.port });
}

async function client(api, port, caPath, work, size) {
  const control = clientControl();
  const connection = await connections[api](Number(port), caPath);
  await runHttpWork(control, connection, work, Number(size));
  await connection.close();
}

const [role, ...rest] = process.argv.slice(2);
await { server, client }[role](...rest);
