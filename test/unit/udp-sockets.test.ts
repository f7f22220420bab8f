// Run with SKEIN_UDP=native to hold the native backend to the same.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';

import { InterfaceTable } from '../../src/quic/udp/interfaces.js';
import { selectNetwork } from '../../src/quic/udp/select-network.js';
import { quicError } from '../support/quic-errors.js';
import { backend, bound, network, RecordingSink } from '../support/udp-sockets.js';

const limit = { timeout: 20_000 };
const hasIpv6 = Object.values(networkInterfaces()).some((infos) => infos?.some((info) => info.address === '::1'));
const ipv6Only = { ...limit, skip: hasIpv6 ? false : 'this machine has no IPv6' };
const payload = (length: number, first = 1) => Uint8Array.from({ length }, (_, at) => (at * 7 + first) & 255);

test('datagrams go both ways over IPv4, and say where they came from', limit, async () => {
  const a = await bound({ id: 7 });
  const b = await bound();
  assert.equal(a.socket.id, 7);
  assert.equal(a.socket.connectedTo, undefined);
  assert.deepEqual({ ...a.local, port: 0 }, { address: '127.0.0.1', port: 0, family: 'IPv4' });
  a.socket.send(payload(1200), 0, b.local, 0);
  a.socket.send(payload(0), 0, b.local, 0);
  a.socket.flush();
  await b.sink.until(() => b.sink.received.length === 2);
  assert.deepEqual(b.sink.received[0], { payload: payload(1200), address: '127.0.0.1', port: a.local.port });
  assert.equal(b.sink.received[1]?.payload.length, 0);
  b.socket.send(payload(5), 0, a.local, 0);
  await a.sink.until(() => a.sink.received.length === 1);
  assert.equal(a.sink.received[0]?.port, b.local.port);
  await Promise.all([a.socket.close(), b.socket.close()]);
});

test('one payload is cut into datagrams of the segment size', limit, async () => {
  const a = await bound();
  const b = await bound();
  const whole = payload(2_500);
  a.socket.send(whole, 1_000, b.local, 0);
  a.socket.send(whole.subarray(0, 1_000), 1_000, b.local, 0);
  await b.sink.until(() => b.sink.received.length === 4);
  assert.deepEqual(
    b.sink.received.map((datagram) => datagram.payload),
    [whole.subarray(0, 1_000), whole.subarray(1_000, 2_000), whole.subarray(2_000), whole.subarray(0, 1_000)],
  );
  await Promise.all([a.socket.close(), b.socket.close()]);
});

test('the payload may be overwritten as soon as send returns', limit, async () => {
  const a = await bound();
  const b = await bound();
  const memory = new Uint8Array(1_200);
  const sent: string[] = [];
  for (let count = 0; count < 100; count++) {
    memory.fill(count);
    sent.push(createHash('sha256').update(memory).digest('hex'));
    a.socket.send(memory, 0, b.local, 0);
    memory.fill(0xee);
  }
  a.socket.flush();
  await b.sink.until(() => b.sink.received.length === 100);
  assert.deepEqual(
    b.sink.received.map((datagram) => createHash('sha256').update(datagram.payload).digest('hex')),
    sent,
  );
  await Promise.all([a.socket.close(), b.socket.close()]);
});

test('datagrams go both ways over IPv6', ipv6Only, async () => {
  const a = await bound({ address: '::1', ipv6Only: true });
  const b = await bound({ address: '::1' });
  assert.deepEqual({ ...a.local, port: 0 }, { address: '::1', port: 0, family: 'IPv6' });
  a.socket.send(payload(1_200), 0, b.local, 0);
  await b.sink.until(() => b.sink.received.length === 1);
  assert.deepEqual(b.sink.received[0], { payload: payload(1_200), address: '::1', port: a.local.port });
  await Promise.all([a.socket.close(), b.socket.close()]);
});

test('a dual-stack socket speaks IPv4 as IPv4', ipv6Only, async () => {
  const both = await bound({ address: '::' });
  const four = await bound();
  const six = await bound({ address: '::1' });
  assert.deepEqual({ ...both.local, port: 0 }, { address: '::', port: 0, family: 'IPv6' });
  const { port } = both.local;
  four.socket.send(payload(4), 0, { address: '127.0.0.1', port, family: 'IPv4' }, 0);
  await both.sink.until(() => both.sink.received.length === 1);
  six.socket.send(payload(6), 0, { address: '::1', port, family: 'IPv6' }, 0);
  await both.sink.until(() => both.sink.received.length === 2);
  assert.deepEqual(
    both.sink.received.map(({ address, port: from }) => ({ address, port: from })),
    [
      { address: '127.0.0.1', port: four.local.port },
      { address: '::1', port: six.local.port },
    ],
  );
  both.socket.send(payload(8), 0, four.local, 0);
  both.socket.send(payload(9), 0, six.local, 0);
  both.socket.send(payload(10), 0, four.local, 0);
  await four.sink.until(() => four.sink.received.length === 2);
  await six.sink.until(() => six.sink.received.length === 1);
  assert.deepEqual(both.sink.errors, []);
  await Promise.all([both, four, six].map(({ socket }) => socket.close()));
});

test('an IPv6-only socket leaves the port to IPv4', ipv6Only, async () => {
  const six = await bound({ address: '::', ipv6Only: true });
  const four = await bound({ address: '0.0.0.0', port: six.local.port });
  assert.equal(four.local.port, six.local.port);
  await Promise.all([six.socket.close(), four.socket.close()]);
});

test('the largest payload that the interface takes arrives whole', limit, async () => {
  for (const address of hasIpv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1']) {
    const a = await bound({ address });
    const b = await bound({ address });
    const largest = network.maxPayloadTowards(a.local, b.local);
    if (process.platform === 'linux') {
      assert.ok(largest !== undefined && largest > 16_000, `${largest}`);
      if (readFileSync('/sys/class/net/lo/mtu', 'utf8').trim() === '65536') {
        assert.equal(largest, address === '::1' ? 65_488 : 65_507);
      }
    }
    const length = largest ?? 9_000;
    a.socket.send(payload(length), 0, b.local, 0);
    await b.sink.until(() => b.sink.received.length === 1);
    assert.ok(Buffer.from(payload(length)).equals(b.sink.received[0]!.payload), `${length} bytes arrive unharmed`);
    await Promise.all([a.socket.close(), b.socket.close()]);
  }
});

test('a datagram that is too large is no error', limit, async () => {
  const a = await bound();
  const b = await bound();
  a.socket.send(payload(65_530), 0, b.local, 0);
  a.socket.send(payload(300_000), 0, b.local, 0);
  a.socket.flush();
  a.socket.send(payload(10), 0, b.local, 0);
  a.socket.flush();
  await b.sink.until(() => b.sink.received.length === 1);
  assert.equal(b.sink.received[0]?.payload.length, 10);
  assert.deepEqual(a.sink.errors, []);
  assert.equal(a.socket.writable, true);
  await Promise.all([a.socket.close(), b.socket.close()]);
});

test('a connected socket sends, receives, and hears of a refused port', limit, async () => {
  const server = await bound();
  const client = await bound({ connectTo: server.local });
  const stranger = await bound();
  assert.deepEqual(client.socket.connectedTo, server.local);
  client.socket.send(payload(1_200), 0, server.local, 0);
  await server.sink.until(() => server.sink.received.length === 1);
  stranger.socket.send(payload(3), 0, client.local, 0);
  server.socket.send(payload(4), 0, client.local, 0);
  await client.sink.until(() => client.sink.received.length === 1);
  assert.equal(client.sink.received[0]?.payload.length, 4);
  await server.socket.close();
  client.socket.send(payload(5), 0, server.local, 0);
  client.socket.flush();
  await client.sink.until(() => client.sink.errors.length > 0);
  assert.deepEqual(client.sink.errors[0], { code: 'ECONNREFUSED', fatal: false });
  // Still of use: the server comes back.
  const again = await bound({ port: server.local.port });
  client.socket.send(payload(6), 0, server.local, 0);
  client.socket.send(payload(6), 0, server.local, 0);
  client.socket.flush();
  await again.sink.until(() => again.sink.received.length > 0);
  await Promise.all([client, stranger, again].map(({ socket }) => socket.close()));
});

test('a dual-stack socket connects to IPv4 as well', ipv6Only, async () => {
  const server = await bound();
  const client = await bound({ address: '::', connectTo: server.local });
  assert.deepEqual(client.socket.connectedTo, server.local);
  assert.deepEqual(client.local, { address: '127.0.0.1', port: client.local.port, family: 'IPv4' });
  client.socket.send(payload(7), 0, server.local, 0);
  await server.sink.until(() => server.sink.received.length === 1);
  server.socket.send(payload(8), 0, client.local, 0);
  await client.sink.until(() => client.sink.received.length === 1);
  assert.equal(client.sink.received[0]?.address, '127.0.0.1');
  await Promise.all([client.socket.close(), server.socket.close()]);
});

test('what cannot be sent is reported once a batch, and once for each remote, and is not fatal', limit, async () => {
  const a = await bound();
  // From 127.0.0.1 no other machine can be reached.
  const one = { address: '198.51.100.1', port: 9, family: 'IPv4' } as const;
  const other = { address: '198.51.100.2', port: 9, family: 'IPv4' } as const;
  for (let batch = 0; batch < 2; batch++) {
    for (let count = 0; count < 5; count++) a.socket.send(payload(100), 0, one, 0);
    a.socket.send(payload(100), 0, other, 0);
    a.socket.flush();
  }
  await a.sink.until(() => a.sink.errors.length === 4);
  await new Promise(setImmediate);
  assert.equal(a.sink.errors.length, 4);
  for (const { code, fatal } of a.sink.errors) {
    assert.match(code ?? '', /^E(INVAL|NETUNREACH|HOSTUNREACH|ADDRNOTAVAIL)$/);
    assert.equal(fatal, false);
  }
  // Nonsense arguments do not throw either.
  a.socket.send(payload(1), 0, { address: '127.0.0.1', port: 0, family: 'IPv4' }, 0);
  a.socket.send(payload(1), 0, { address: '::1', port: 9, family: 'IPv6' }, 0);
  a.socket.flush();
  await a.sink.until(() => a.sink.errors.length === 6);
  assert.ok(a.sink.errors.every((error) => !error.fatal));
  await a.socket.close();
});

test('the same failure is fatal once the address of the socket has left the machine', limit, async () => {
  let gone = false;
  const table = new InterfaceTable({
    interfaces: () => (gone ? {} : { lo: [{ address: '127.0.0.1', cidr: '127.0.0.1/8', internal: true }] }),
    mtu: () => 65_536,
    now: () => performance.now(),
    wholeLoopbackBlock: true,
  });
  const sink = new RecordingSink();
  const { network: watching } = await selectNetwork(backend, table);
  const socket = await watching.bind({
    id: 1,
    address: '127.0.0.1',
    port: 0,
    ipv6Only: false,
    receiveBufferBytes: 0,
    sendBufferBytes: 0,
    sink,
  });
  const remote = { address: '198.51.100.1', port: 9, family: 'IPv4' } as const;
  socket.send(payload(1), 0, remote, 0);
  socket.flush();
  await sink.until(() => sink.errors.length === 1);
  gone = true;
  await new Promise((resolve) => setTimeout(resolve, 150));
  socket.send(payload(1), 0, remote, 0);
  socket.flush();
  await sink.until(() => sink.errors.length === 2);
  assert.deepEqual(
    sink.errors.map(({ fatal }) => fatal),
    [false, true],
  );
  await socket.close();
});

test('a port in use, a foreign address and a host name each fail in words', limit, async () => {
  const holder = await bound();
  await assert.rejects(bound({ port: holder.local.port }), quicError('ERR_QUIC_ADDRESS_IN_USE', /127\.0\.0\.1:\d+/));
  await assert.rejects(
    bound({ address: '198.51.100.1' }),
    quicError('ERR_QUIC_ADDRESS_NOT_AVAILABLE', /198\.51\.100\.1/),
  );
  await assert.rejects(bound({ address: 'localhost' }), quicError('ERR_QUIC_INVALID_OPTION', /localhost/));
  await assert.rejects(
    bound({ connectTo: { address: 'localhost', port: 1, family: 'IPv4' } }),
    quicError('ERR_QUIC_INVALID_OPTION', /localhost/),
  );
  await assert.rejects(
    bound({ connectTo: { address: '198.51.100.1', port: 9, family: 'IPv4' } }),
    quicError('ERR_QUIC_UNREACHABLE', /198\.51\.100\.1:9 .*from 127\.0\.0\.1/),
  );
  await holder.socket.close();
  const again = await bound({ port: holder.local.port });
  await again.socket.close();
});

test('a privileged port without privilege fails in words', { ...limit, ...privilege() }, async () => {
  process.seteuid!(65_534);
  let attempt: Promise<unknown>;
  try {
    attempt = bound({ port: 443 });
  } finally {
    process.seteuid!(0);
  }
  await assert.rejects(attempt, quicError('ERR_QUIC_PERMISSION', /127\.0\.0\.1:443.*below 1024/s));
});

function privilege(): { skip: string | false } {
  if (process.geteuid?.() !== 0) return { skip: 'only the superuser can drop its privilege' };
  try {
    const first = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
    return { skip: first <= 443 ? 'this machine leaves low ports to everybody' : false };
  } catch {
    return { skip: false };
  }
}

test('several sockets share a port where the runtime has SO_REUSEPORT', limit, async () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const able = backend === 'native' || major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
  if (!able) {
    await assert.rejects(bound({ reusePort: true }), quicError('ERR_QUIC_INVALID_OPTION', /reusePort/));
    return;
  }
  const a = await bound({ reusePort: true });
  const b = await bound({ reusePort: true, port: a.local.port });
  assert.equal(a.local.port, b.local.port);
  await Promise.all([a.socket.close(), b.socket.close()]);
});

test('buffers are asked for and told as granted', limit, async () => {
  const small = await bound({ receiveBufferBytes: 100_000, sendBufferBytes: 100_000 });
  const big = await bound({ receiveBufferBytes: 2 ** 31 - 1, sendBufferBytes: 2 ** 31 - 1 });
  if (process.platform === 'linux') {
    const limitOf = (name: string) => Number(readFileSync(`/proc/sys/net/core/${name}`, 'utf8'));
    assert.equal(big.socket.receiveBufferBytes, limitOf('rmem_max'));
    assert.equal(big.socket.sendBufferBytes, limitOf('wmem_max'));
  }
  assert.ok(small.socket.receiveBufferBytes >= 65_536);
  assert.ok(big.socket.receiveBufferBytes >= small.socket.receiveBufferBytes);
  await Promise.all([small.socket.close(), big.socket.close()]);
});

test('closing while sending loses nothing that the kernel can take, and frees the port', limit, async () => {
  const a = await bound();
  const b = await bound();
  for (let count = 0; count < 200; count++) a.socket.send(payload(1_200, count), 0, b.local, 0);
  const closed = a.socket.close();
  a.socket.send(payload(1), 0, b.local, 0);
  a.socket.flush();
  assert.equal(a.socket.close(), closed);
  await closed;
  const reused = await bound({ port: a.local.port });
  await b.sink.until(() => b.sink.received.length >= 200);
  assert.equal(b.sink.received.length, 200);
  assert.deepEqual(a.sink.errors, []);
  await Promise.all([reused.socket.close(), b.socket.close()]);
});

test('an unreferenced socket does not keep the process alive, a closed one is silent', limit, async () => {
  const a = await bound();
  a.socket.unref();
  a.socket.ref();
  const b = await bound();
  b.socket.send(payload(1), 0, a.local, 0);
  await a.socket.close();
  await b.socket.close();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(a.sink.received, []);
  a.socket.unref();
});
