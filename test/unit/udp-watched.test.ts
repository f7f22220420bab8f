// Which datagrams are given to node:dgram with a callback, by which alone it tells what went wrong at once.
import assert from 'node:assert/strict';
import type { Socket } from 'node:dgram';
import { EventEmitter } from 'node:events';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';

import { DgramSocket } from '../../src/quic/udp/dgram-socket.js';
import type { SocketAddress } from '../../src/quic/types/udp.js';
import { RecordingSink } from '../support/udp-sockets.js';
import { until } from '../support/until.js';

type Callback = (error: Error | null) => void;

/** Takes what it is given, and tells a callback of `failure` in the next tick. */
class FakeSocket extends EventEmitter {
  failure: Error | null = null;
  /** Whether each datagram had a callback. */
  watched: boolean[] = [];

  send(_bytes: Uint8Array, _port: number, _address: string, callback?: Callback): void {
    this.watched.push(callback !== undefined);
    if (callback) process.nextTick(callback, this.failure);
  }

  getSendQueueSize(): number {
    return 0;
  }
}

const remote = (port: number): SocketAddress => ({ address: '192.0.2.1', port, family: 'IPv4' });
const one = remote(1);
const other = remote(2);

function make(): { fake: FakeSocket; sink: RecordingSink; batch: (...remotes: SocketAddress[]) => Promise<boolean[]> } {
  const fake = new FakeSocket();
  const sink = new RecordingSink();
  const socket = new DgramSocket({
    socket: fake as unknown as Socket,
    id: 1,
    local: remote(9),
    connectedTo: undefined,
    receiveBufferBytes: 0,
    sendBufferBytes: 0,
    dualStack: false,
    sink,
    addressIsLocal: () => true,
  });
  /** Sends a batch; which of it were watched, once all callbacks were called. */
  const batch = async (...remotes: SocketAddress[]): Promise<boolean[]> => {
    fake.watched = [];
    for (const to of remotes) socket.send(new Uint8Array(10), 0, to, 0);
    socket.flush();
    await new Promise(setImmediate);
    return fake.watched;
  };
  return { fake, sink, batch };
}

test('the first of a batch is watched until one has left well, and again after a while', async (t) => {
  let now = 1000;
  t.mock.method(performance, 'now', () => now);
  const { batch } = make();
  assert.deepEqual(await batch(one, one, one), [true, false, false]);
  // Each other remote is watched all the same.
  assert.deepEqual(await batch(other, other, one), [true, false, true]);
  now += 9;
  assert.deepEqual(await batch(one), [false]);
  now += 1;
  // Trust is looked at where a batch ends.
  assert.deepEqual(await batch(one), [false]);
  assert.deepEqual(await batch(one), [true]);
});

test('after a failure the first of each batch is watched', async () => {
  const { fake, sink, batch } = make();
  await batch(one);
  fake.failure = Object.assign(new Error('no route'), { code: 'ENETUNREACH' });
  await until(async () => {
    await batch(one);
    return sink.errors.length > 0;
  });
  for (let count = 2; count < 6; count++) {
    assert.deepEqual(await batch(one, one), [true, false]);
    assert.equal(sink.errors.length, count);
  }
});
