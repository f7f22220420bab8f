// What happens when the kernel takes datagrams later than they are given. Node's own test option makes it put every
// datagram into libuv's queue; the tests below run in a process of their own that has it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { bound } from '../support/udp-sockets.js';

const option = '--test-udp-no-try-send';
const limit = { timeout: 30_000 };

if (process.execArgv.includes(option)) {
  test('queued datagrams are never overwritten', limit, async () => {
    const a = await bound();
    const b = await bound();
    const memory = new Uint8Array(60_000);
    const sent: string[] = [];
    // Eight times the staging ring, in one turn: nothing leaves before the end of it.
    for (let count = 0; count < 40; count++) {
      const length = 1_000 + ((count * 7_919) % 59_000);
      const view = memory.subarray(0, length);
      view.fill(count + 1);
      sent.push(createHash('sha256').update(view).digest('hex'));
      a.socket.send(view, 0, b.local, 0);
      memory.fill(0xee);
    }
    a.socket.flush();
    await b.sink.until(() => b.sink.received.length === sent.length);
    assert.deepEqual(
      b.sink.received.map(({ payload }) => createHash('sha256').update(payload).digest('hex')),
      sent,
    );
    await Promise.all([a.socket.close(), b.socket.close()]);
  });

  test('a long queue makes the socket unwritable, a drained one writable, with one call', limit, async () => {
    const a = await bound();
    const b = await bound();
    const datagram = new Uint8Array(1_200);
    for (let round = 1; round <= 3; round++) {
      let count = 0;
      while (a.socket.writable) {
        for (let batch = 0; batch < 50; batch++, count++) a.socket.send(datagram, 0, b.local, 0);
        a.socket.flush();
        assert.ok(count < 10_000, 'still writable');
      }
      // Writable again at half the bound: so much is still queued in later rounds.
      assert.ok(count * 1_200 > (round === 1 ? 1 << 20 : 1 << 19), `unwritable after ${count} datagrams`);
      assert.ok(count * 1_200 < 1 << 21, `unwritable only after ${count} datagrams`);
      assert.equal(a.sink.writableCalls, round - 1);
      await a.sink.until(() => a.sink.writableCalls === round);
      assert.equal(a.socket.writable, true);
    }
    assert.deepEqual(a.sink.errors, []);
    await Promise.all([a.socket.close(), b.socket.close()]);
  });

  test('errors of queued datagrams are reported', limit, async () => {
    const a = await bound();
    for (let count = 0; count < 3; count++) {
      a.socket.send(new Uint8Array(10), 0, { address: '198.51.100.1', port: 9, family: 'IPv4' }, 0);
      a.socket.send(new Uint8Array(65_530), 0, { address: '127.0.0.1', port: 9, family: 'IPv4' }, 0);
      a.socket.flush();
    }
    // libuv before 1.49 (Node 20) gives up to 20 queued datagrams the error of the first.
    await a.sink.until(() => a.sink.errors.length >= 1);
    assert.ok(a.sink.errors.every(({ code, fatal }) => code !== 'EMSGSIZE' && !fatal));
    await a.socket.close();
  });

  test('close lets queued datagrams go out first', limit, async () => {
    const a = await bound();
    const b = await bound();
    for (let count = 0; count < 300; count++) a.socket.send(new Uint8Array(1_200), 0, b.local, 0);
    await a.socket.close();
    await b.sink.until(() => b.sink.received.length === 300);
    assert.deepEqual(a.sink.errors, []);
    assert.equal(a.sink.writableCalls, 0);
    await b.socket.close();
  });
} else {
  const able = process.allowedNodeEnvironmentFlags !== undefined && process.versions['bun'] === undefined;
  test('datagrams that wait in the queue of the runtime', { skip: able ? false : 'needs Node.js' }, () => {
    const env: NodeJS.ProcessEnv = { ...process.env };
    delete env['NODE_TEST_CONTEXT'];
    const child = spawnSync(process.execPath, [option, '--import', 'tsx', fileURLToPath(import.meta.url)], {
      env,
      encoding: 'utf8',
      timeout: 120_000,
    });
    assert.equal(child.status, 0, child.stdout + child.stderr);
    assert.match(child.stdout, /pass 4/);
  });
}
