// Requests that wait for their response: memory of each side. Run with --expose-gc.
//
//   node bench/lib/peer-idle-requests.mjs server CERT KEY
//   node bench/lib/peer-idle-requests.mjs client PORT CA COUNT
import { setTimeout as pause } from 'node:timers/promises';
import { serveControl } from './control.mjs';
import { loadHttp3, loadSkein } from './skein.mjs';

const { QuicEndpoint } = await loadSkein();
const { Http3Connection, Http3RequestServer, sendRequest } = await loadHttp3();

const clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  soon: (callback) => void setImmediate(callback),
  setTimer(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    return { cancel: () => clearTimeout(timer), ref: () => timer.ref(), unref: () => timer.unref() };
  },
};
const options = { alpn: ['h3'], streamTimeout: 0, maxConcurrentStreams: 10_000, maxPathMtu: 1452 };

function lookAt(endpoint, count) {
  return async () => {
    for (let round = 0; round < 3; round++) {
      globalThis.gc();
      await pause(20);
    }
    const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
    return { heapUsed: heapUsed + arrayBuffers, rss, engineMemory: endpoint.stats().engineMemory, open: count() };
  };
}

async function server(certPath, keyPath) {
  const endpoint = await QuicEndpoint.create({ host: '127.0.0.1' });
  // What createServer does, on an endpoint whose memory can be looked at.
  const requests = new Http3RequestServer({ clock, fetch: answer });
  await endpoint.listen({ certPath, keyPath, ...options }, (connection) => requests.accept(connection));
  serveControl(
    { port: endpoint.address.port },
    lookAt(endpoint, () => requests.activeRequests),
  );
}

/** Those for `/now` are answered; the others wait. */
function answer(request) {
  return request.url.endsWith('/now') ? new Response('now') : new Promise(() => undefined);
}

async function client(port, caPath, count) {
  const endpoint = await QuicEndpoint.create();
  const connection = await endpoint.connect('127.0.0.1', Number(port), { caPath, ownSocket: true, ...options });
  const http3 = new Http3Connection(connection);
  const get = (path) => sendRequest(http3, 'localhost', 'GET', path);
  // What is made once. Not more: memory of the engine that is free again would hide what waiting requests take.
  for (let done = 0; done < 50; done++) await get('/now');
  const open = [];
  process.on('message', (message) => {
    if (message !== 'open') return;
    while (open.length < Number(count)) open.push(get('/wait'));
    void pause(200).then(() => process.send({ open: open.length }));
  });
  serveControl(
    { port: endpoint.address.port },
    lookAt(endpoint, () => http3.openRequests),
  );
}

const [role, ...rest] = process.argv.slice(2);
await { server, client }[role](...rest);
