// Bare node:dgram, the ceiling of a one-way transfer: datagrams of one size from one process to another, as fast as they
// go, without acknowledgement, encryption or order. What the receiver's kernel drops does not count.
//
//   node bench/lib/peer-dgram.mjs server
//   node bench/lib/peer-dgram.mjs client PORT BYTES MIB
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { clientControl, serveControl } from './control.mjs';

const BUFFER = 4 << 20;
const BATCH = 32;
const QUEUE_BOUND = 1 << 20;

function socketOf() {
  // Without `lookup` each send would pass through dns.lookup.
  return createSocket({ type: 'udp4', lookup: (host, _options, callback) => callback(null, host, 4) });
}

async function server() {
  const socket = socketOf();
  let bytes = 0;
  let first = 0;
  let last = 0;
  socket.on('message', (payload) => {
    last = performance.now();
    if (bytes === 0) first = last;
    bytes += payload.length;
  });
  // With such a `lookup` the event comes before `bind` returns.
  const listening = once(socket, 'listening');
  socket.bind(0, '127.0.0.1');
  await listening;
  socket.setRecvBufferSize(BUFFER);
  serveControl({ port: socket.address().port }, () => {
    const seen = { receivedBytes: bytes, receiveMs: last - first };
    bytes = 0;
    return seen;
  });
}

async function flood(socket, payload, bytes) {
  for (let sent = 0; sent < bytes; ) {
    for (let count = 0; count < BATCH && sent < bytes; count++) {
      socket.send(payload);
      sent += payload.length;
    }
    do await nextTurn();
    while (socket.getSendQueueSize() > QUEUE_BOUND);
  }
}

async function client(port, size, mib) {
  const control = clientControl();
  const socket = socketOf();
  const connected = once(socket, 'connect');
  socket.connect(Number(port), '127.0.0.1');
  await connected;
  socket.setSendBufferSize(BUFFER);
  const payload = Buffer.alloc(Number(size), 7);
  const bytes = Number(mib) * (1 << 20);
  await flood(socket, payload, bytes / 8);
  await control.begin();
  await flood(socket, payload, bytes);
  control.report({ size: Number(size), sentBytes: bytes });
  socket.close();
  process.disconnect?.();
}

const [role, ...rest] = process.argv.slice(2);
await { server, client }[role](...rest);
