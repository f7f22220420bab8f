// Many connections that do nothing: memory and wake-ups of each side. Run with --expose-gc.
//
//   node bench/lib/peer-idle.mjs server CERT KEY [OPTIONS]
//   node bench/lib/peer-idle.mjs client PORT CA COUNT [OPTIONS]
import { serveControl } from './control.mjs';

const wakeUps = { timers: 0 };
const { setTimeout: set } = globalThis;
// Not by assignment: the type checker would take setTimeout for `any` everywhere.
Reflect.set(globalThis, 'setTimeout', (callback, ...rest) => {
  const counted = (...args) => {
    wakeUps.timers++;
    callback(...args);
  };
  return set(counted, ...rest);
});

const { loadSkein } = await import('./skein.mjs');
const { QuicEndpoint } = await loadSkein();
const pause = (ms) => new Promise((resolve) => void set(resolve, ms));

function lookAt(endpoint) {
  return async () => {
    for (let count = 0; count < 3; count++) {
      globalThis.gc();
      await pause(20);
    }
    const { heapUsed, rss } = process.memoryUsage();
    const { engineMemory, activeConnections, bytesSent, bytesReceived } = endpoint.stats();
    return { heapUsed, rss, engineMemory, activeConnections, bytes: bytesSent + bytesReceived, ...wakeUps, ends };
  };
}

/** Why connections ended, which none should. */
const ends = {};
const noteEnd = ({ error }) => (ends[error.message] = (ends[error.message] ?? 0) + 1);

const limits = { maxConnections: 100_000 };

async function server(certPath, keyPath, options = '{}') {
  const endpoint = await QuicEndpoint.create({ host: '127.0.0.1', ...limits });
  await endpoint.listen(
    { certPath, keyPath, ...JSON.parse(options) },
    { idle: (connection) => connection.on('close', noteEnd) },
  );
  serveControl({ port: endpoint.address.port }, lookAt(endpoint));
}

async function client(port, caPath, count, options = '{}') {
  const endpoint = await QuicEndpoint.create(limits);
  const connectOptions = { alpn: ['idle'], caPath, ...JSON.parse(options) };
  const connections = [];
  const open = async (wanted) => {
    while (connections.length < wanted) {
      const connection = await endpoint.connect('127.0.0.1', Number(port), connectOptions);
      connection.on('close', noteEnd);
      connections.push(connection);
    }
  };
  await open(50);
  for (const connection of connections.splice(0)) await connection.close();
  process.on('message', (message) => {
    if (message === 'open') void open(Number(count)).then(() => process.send({ open: connections.length }));
  });
  serveControl({ port: endpoint.address.port }, lookAt(endpoint));
}

const [role, ...rest] = process.argv.slice(2);
await { server, client }[role](...rest);
