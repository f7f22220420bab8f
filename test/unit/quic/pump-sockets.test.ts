// Which sockets a pump sends from, asks whether they can take more, and names to the engine.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PumpSockets } from '../../../src/quic/pump-sockets.js';
import type { UdpSocket } from '../../../src/quic/types/udp.js';

class FakeSocket implements UdpSocket {
  readonly id: number;
  readonly local = { address: '127.0.0.1', port: 4433, family: 'IPv4' } as const;
  readonly connectedTo = undefined;
  readonly receiveBufferBytes = 0;
  writable = true;
  flushes = 0;

  constructor(id: number) {
    this.id = id;
  }

  flush(): void {
    this.flushes++;
  }

  send(): void {}
  ref(): void {}
  unref(): void {}
  close(): Promise<void> {
    return Promise.resolve();
  }
}

function three(): { sockets: PumpSockets; a: FakeSocket; b: FakeSocket; c: FakeSocket } {
  const sockets = new PumpSockets();
  const [a, b, c] = [new FakeSocket(1), new FakeSocket(2), new FakeSocket(3)];
  for (const socket of [a, b, c]) sockets.add(socket);
  return { sockets, a, b, c };
}

test('a batch ends with the sockets that it used, and with no other', () => {
  const { sockets, a, b, c } = three();
  assert.equal(sockets.use(1), a);
  assert.equal(sockets.use(1), a);
  assert.equal(sockets.use(3), c);
  sockets.flush();
  sockets.flush();
  assert.deepEqual([a.flushes, b.flushes, c.flushes], [1, 0, 1]);
});

test('nothing is sent from a socket that is unknown or gone', () => {
  const { sockets, b } = three();
  sockets.remove(b);
  assert.equal(sockets.use(2), undefined);
  assert.equal(sockets.use(0), undefined);
  sockets.flush();
  assert.equal(b.flushes, 0);
});

test('one that is full holds up all, until it has drained', () => {
  const { sockets, a, b } = three();
  sockets.use(1);
  sockets.use(2);
  a.writable = false;
  b.writable = false;
  sockets.flush();
  assert.equal(sockets.writable, false);
  sockets.drained(a);
  assert.equal(sockets.writable, false);
  sockets.drained(b);
  assert.equal(sockets.writable, true);
});

test('one that is removed holds up nobody', () => {
  const { sockets, a } = three();
  sockets.use(1);
  a.writable = false;
  sockets.flush();
  sockets.remove(a);
  assert.equal(sockets.writable, true);
});

test('nor does one that is removed, and full, in the middle of a batch', () => {
  const { sockets, a } = three();
  sockets.use(1);
  a.writable = false;
  sockets.remove(a);
  sockets.flush();
  assert.equal(sockets.writable, true);
});

test('the engine is told no number of a socket that a connection has left', () => {
  const { sockets, a, b } = three();
  sockets.leave(a);
  assert.deepEqual(
    [a, b].map((socket) => sockets.numberOf(socket)),
    [0, 2],
  );
});
