// What people use today as one side of the transport benchmarks: node:tls and node:http2 over TLS 1.3.
//
//   node bench/lib/peer-node.mjs tls|http2 server CERT KEY
//   node bench/lib/peer-node.mjs tls|http2 client PORT CA WORK SIZE
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import tls from 'node:tls';
import { clientControl, serveControl } from './control.mjs';
import { runWork } from './works.mjs';

/** The same windows as skein's defaults. */
const STREAM_WINDOW = 1536 * 1024;
const CONNECTION_WINDOW = 2048 * 1024;
const settings = { initialWindowSize: STREAM_WINDOW, maxConcurrentStreams: 1000 };

/** A stream of Node as works want it. */
function wrap(stream) {
  return {
    write: (bytes) => (stream.write(bytes) ? undefined : once(stream, 'drain')),
    end: () => stream.end(),
    consume(onBytes) {
      stream.on('data', onBytes);
      return once(stream, 'end');
    },
  };
}

const servers = {
  tls: (identity) =>
    tls.createServer({ ...identity, minVersion: 'TLSv1.3', noDelay: true }, (socket) => {
      socket.on('error', () => undefined);
      socket.pipe(socket);
    }),
  http2: (identity) => {
    const server = http2.createSecureServer({ ...identity, minVersion: 'TLSv1.3', settings });
    server.on('session', (session) => session.setLocalWindowSize(CONNECTION_WINDOW));
    server.on('stream', (stream) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    });
    return server;
  },
};

const connections = {
  async tls(port, ca) {
    const sockets = [];
    const connect = async () => {
      const socket = tls.connect({ port, host: '127.0.0.1', ca, minVersion: 'TLSv1.3', noDelay: true });
      sockets.push(socket);
      await once(socket, 'secureConnect');
      return socket;
    };
    const first = await connect();
    // A connection is all the streams that TLS has: each further stream is a further connection.
    const open = async () => wrap(first.writableEnded ? await connect() : first);
    return { open, close: () => sockets.forEach((socket) => socket.destroy()) };
  },
  async http2(port, ca) {
    const session = http2.connect(`https://127.0.0.1:${port}`, { ca, minVersion: 'TLSv1.3', settings });
    await once(session, 'connect');
    session.setLocalWindowSize(CONNECTION_WINDOW);
    const open = () => Promise.resolve(wrap(session.request({ ':method': 'POST', ':path': '/' })));
    return { open, close: () => session.destroy() };
  },
};

async function server(kind, cert, key) {
  const listening = servers[kind]({ cert: readFileSync(cert), key: readFileSync(key) });
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  serveControl({ port: listening.address().port });
}

async function client(kind, port, caPath, work, size) {
  const control = clientControl();
  const ca = readFileSync(caPath);
  const connect = () => connections[kind](Number(port), ca);
  if (work === 'handshakes') {
    const one = async () => (await connect()).close();
    for (let done = 0; done < Math.min(Number(size), 200); done++) await one();
    await control.begin();
    for (let done = 0; done < Number(size); done++) await one();
    control.report({ work, size: Number(size) });
  } else {
    const connection = await connect();
    await runWork(control, connection, work, Number(size));
    connection.close();
  }
  process.disconnect?.();
}

const [kind, role, ...rest] = process.argv.slice(2);
await { server, client }[role](kind, ...rest);
