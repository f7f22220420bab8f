// What a person would write without skein: `ws` over TLS, messages in JSON, ids that say which answer belongs to which question.
//
//   node bench/lib/peer-ws.mjs server CERT KEY [HOST [PORT]]              tells its port
//   node bench/lib/peer-ws.mjs client HOST PORT CA turns COUNT AT_A_TIME   tells what it measured
//   node bench/lib/peer-ws.mjs client HOST PORT CA rate|mixed-rate PER_SECOND SECONDS
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import WebSocket, { WebSocketServer } from 'ws';
import { clientControl, serveControl } from './control.mjs';
import { runRequests } from './requests.mjs';

const handlers = { echo: (value) => value };

async function server(cert, key, host = '127.0.0.1', port = '0') {
  const web = https.createServer({ cert: readFileSync(cert), key: readFileSync(key), minVersion: 'TLSv1.3' });
  const sockets = new WebSocketServer({ server: web, perMessageDeflate: false });
  sockets.on('connection', (socket) => {
    socket.on('message', (bytes) => {
      const { id, name, value } = JSON.parse(bytes.toString());
      socket.send(JSON.stringify({ id, value: handlers[name](value) }));
    });
  });
  web.listen(Number(port), host);
  await once(web, 'listening');
  serveControl({ port: web.address().port });
}

async function client(host, port, caPath, work, ...numbers) {
  const control = clientControl();
  const socket = new WebSocket(`wss://${host}:${port}`, {
    ca: readFileSync(caPath),
    servername: 'localhost',
    perMessageDeflate: false,
  });
  await once(socket, 'open');
  const waiting = new Map();
  let lastId = 0;
  socket.on('message', (bytes) => {
    const { id, value } = JSON.parse(bytes.toString());
    waiting.get(id)(value);
    waiting.delete(id);
  });
  const ask = (value) =>
    new Promise((resolve) => {
      const id = ++lastId;
      waiting.set(id, resolve);
      socket.send(JSON.stringify({ id, name: 'echo', value }));
    });
  await runRequests(control, ask, work, ...numbers.map(Number));
  socket.terminate();
  process.disconnect?.();
}

const [role, ...rest] = process.argv.slice(2);
await { server, client }[role](...rest);
