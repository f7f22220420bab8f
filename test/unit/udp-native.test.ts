// What only the native backend does. Where it cannot be used the tests are skipped and say why; test/runtimes runs them
// on a Node.js that has node:ffi.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { NativeNetwork } from '../../src/quic/udp/native/native-network.js';
import { nativeSupport } from '../../src/quic/udp/native/support.js';
import type { NativeFunctions, NativeSystem } from '../../src/quic/udp/native/system.js';
import type { UdpBindOptions, UdpSocket } from '../../src/quic/types/udp.js';
import { RecordingSink } from '../support/udp-sockets.js';
import { until } from '../support/until.js';

const support = await nativeSupport();
const system = support as NativeSystem;
const limit = { timeout: 20_000, skip: typeof support === 'string' ? support : false };
const hasIpv6 = Object.values(networkInterfaces()).some((infos) => infos?.some((info) => info.address === '::1'));
const payload = (length: number, first = 1) => Uint8Array.from({ length }, (_, at) => (at * 7 + first) & 255);

async function bound(
  options: Partial<UdpBindOptions> = {},
  on: NativeSystem = system,
): Promise<{ socket: UdpSocket; sink: RecordingSink }> {
  const sink = new RecordingSink();
  const buffers = { receiveBufferBytes: 1 << 22, sendBufferBytes: 1 << 22 };
  const where = { id: 1, address: '127.0.0.1', port: 0, ipv6Only: false };
  return { socket: await new NativeNetwork(on).bind({ ...where, ...buffers, sink, ...options }), sink };
}

const closeAll = (...all: { socket: UdpSocket }[]) => Promise.all(all.map(({ socket }) => socket.close()));

/** The system with some functions replaced, and the error that those that return -1 leave. */
function faulty(replaced: Partial<NativeFunctions>, errno: () => string | undefined): NativeSystem {
  return { ...system, functions: { ...system.functions, ...replaced }, errno: () => errno() ?? system.errno() };
}

function assertBytes(sink: RecordingSink, expected: Uint8Array): void {
  assert.ok(Buffer.concat(sink.received.map((datagram) => datagram.payload)).equals(expected));
}

test('a run of datagrams goes with one call, and comes with one', limit, async () => {
  let calls = 0;
  const sendmsg: NativeFunctions['sendmsg'] = (...values) => {
    calls++;
    return system.functions.sendmsg(...values);
  };
  const a = await bound(
    {},
    faulty({ sendmsg }, () => undefined),
  );
  const b = await bound();
  const run = payload(40 * 1452 + 500);
  a.socket.send(run, 1452, b.socket.local, 0);
  await b.sink.until(() => b.sink.received.length === 41);
  assert.equal(calls, 1);
  assert.deepEqual(b.sink.runs, [41]);
  assertBytes(b.sink, run);
  await closeAll(a, b);
});

test('runs of any size arrive: longer than a call may be, of large segments, of one', limit, async () => {
  const a = await bound();
  const b = await bound();
  for (const [length, segment] of [
    [200_000, 1200],
    [65_536, 4096],
    [300_000, 40_000],
    [100_000, 9000],
    [900, 1200],
    [1200, 1200],
    [1201, 1200],
    [100, 1],
  ] as const) {
    const run = payload(length, segment);
    const before = b.sink.received.length;
    a.socket.send(run, segment, b.socket.local, 0);
    await b.sink.until(() => b.sink.received.length === before + Math.ceil(length / segment));
    const bytes = Buffer.concat(b.sink.received.slice(before).map((datagram) => datagram.payload));
    assert.ok(bytes.equals(run), `${length} bytes in segments of ${segment}`);
  }
  await closeAll(a, b);
});

for (const [name, address, from] of [
  ['IPv4', '127.0.0.1', '127.0.0.1'],
  ['IPv6', '::1', '::1'],
  ['IPv4 from a dual-stack socket', '127.0.0.1', '::'],
] as const) {
  test(`ECN bits arrive: ${name}`, { ...limit, skip: limit.skip || (!hasIpv6 && from !== '127.0.0.1') }, async () => {
    const a = await bound({ address: from });
    const b = await bound({ address });
    for (const ecn of [0, 1, 2, 3]) a.socket.send(payload(1000), 0, b.socket.local, ecn);
    a.socket.send(payload(3000), 1200, b.socket.local, 2);
    await b.sink.until(() => b.sink.received.length === 7);
    assert.deepEqual(b.sink.ecn, [0, 1, 2, 3, 2, 2, 2]);
    await closeAll(a, b);
  });
}

test('what a full kernel does not take is queued in order, and the sink hears when it is gone', limit, async () => {
  let room = 2;
  const sendmsg: NativeFunctions['sendmsg'] = (...values) => (room-- > 0 ? system.functions.sendmsg(...values) : -1);
  const a = await bound(
    {},
    faulty({ sendmsg }, () => (room < 0 ? 'EAGAIN' : undefined)),
  );
  const b = await bound();
  const memory = new Uint8Array(5000);
  const expected: Uint8Array[] = [];
  for (let count = 0; count < 10; count++) {
    memory.fill(count);
    expected.push(memory.slice());
    a.socket.send(memory, 1200, b.socket.local, 0);
    memory.fill(0xee);
  }
  a.socket.flush();
  assert.equal(a.socket.writable, false);
  await b.sink.until(() => b.sink.received.length === 2 * 5);
  assert.equal(a.sink.writableCalls, 0);
  room = 3;
  await b.sink.until(() => b.sink.received.length === 5 * 5);
  assert.equal(a.sink.writableCalls, 0);
  room = Infinity;
  await a.sink.until(() => a.sink.writableCalls === 1);
  assert.equal(a.socket.writable, true);
  await b.sink.until(() => b.sink.received.length === 10 * 5);
  assertBytes(b.sink, Buffer.concat(expected));
  assert.deepEqual(a.sink.errors, []);
  await closeAll(a, b);
});

test('close lets what is queued go out, for a while', limit, async () => {
  let full = true;
  const sendmsg: NativeFunctions['sendmsg'] = (...values) => (full ? -1 : system.functions.sendmsg(...values));
  const on = faulty({ sendmsg }, () => (full ? 'EAGAIN' : undefined));
  const a = await bound({}, on);
  const stuck = await bound({}, on);
  const b = await bound();
  a.socket.send(payload(1000), 0, b.socket.local, 0);
  const closed = a.socket.close();
  full = false;
  await b.sink.until(() => b.sink.received.length === 1);
  await closed;
  full = true;
  stuck.socket.send(payload(1000), 0, b.socket.local, 0);
  await stuck.socket.close();
  assert.equal(stuck.sink.writableCalls + a.sink.writableCalls, 0);
  await closeAll(b);
});

for (const code of ['EIO', 'EINVAL', 'EMSGSIZE']) {
  test(`a run that the device or the route does not take (${code}) goes one by one`, limit, async () => {
    let refused = 0;
    let calls = 0;
    const sendmsg: NativeFunctions['sendmsg'] = (...values) => {
      calls++;
      if (calls > 1 && code !== 'EIO') return system.functions.sendmsg(...values);
      if (calls === 1) refused++;
      return calls === 1 ? -1 : system.functions.sendmsg(...values);
    };
    const a = await bound(
      {},
      faulty({ sendmsg }, () => (calls === 1 ? code : undefined)),
    );
    const b = await bound();
    const run = payload(5 * 1200);
    a.socket.send(run, 1200, b.socket.local, 2);
    await b.sink.until(() => b.sink.received.length === 5);
    assert.equal(calls, 6);
    // What the device cannot do once, it cannot do at all.
    a.socket.send(run, 1200, b.socket.local, 2);
    await b.sink.until(() => b.sink.received.length === 10);
    assert.equal(calls, code === 'EIO' ? 11 : 7);
    assertBytes(b.sink, Buffer.concat([run, run]));
    assert.deepEqual([refused, a.sink.errors], [1, []]);
    await closeAll(a, b);
  });
}

test('a socket may be closed while it delivers, and while it is being told of', limit, async () => {
  const a = await bound();
  const sink = new RecordingSink();
  const closing: Promise<void>[] = [];
  const receive = sink.receive.bind(sink);
  sink.receive = (...values) => {
    receive(...values);
    closing.push(b.socket.close());
  };
  const b = await bound({ sink });
  for (let count = 0; count < 20; count++) a.socket.send(payload(100), 0, b.socket.local, 0);
  await sink.until(() => sink.received.length > 0);
  await Promise.all(closing);
  assert.equal(sink.received.length, 1);
  await closeAll(a);
});

test('ten thousand sockets leave no descriptor, and no memory', limit, async () => {
  // Without folders: the loader of these tests has that of its cache open for a while.
  const descriptors = () =>
    readdirSync('/proc/self/fd').flatMap((number) => {
      const path = `/proc/self/fd/${number}`;
      try {
        return statSync(path).isDirectory() ? [] : [readlinkSync(path)];
      } catch {
        return []; // that of the list itself
      }
    });
  const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
  const churn = async (count: number): Promise<void> => {
    for (let done = 0; done < count; done += 50) {
      const some = await Promise.all(Array.from({ length: 50 }, () => bound()));
      some[0]!.socket.send(payload(1200), 0, some[1]!.socket.local, 0);
      await closeAll(...some);
    }
  };
  await churn(2000);
  // What sockets receive into is a mebibyte each, in buffers of the JavaScript heap, most of it never touched.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const buffers = (): number => {
    collect();
    return process.memoryUsage().arrayBuffers;
  };
  const before = { descriptors: descriptors(), resident: resident(), buffers: buffers() };
  await churn(8000);
  assert.deepEqual(descriptors(), before.descriptors);
  await until(() => buffers() - before.buffers < 64 * 2 ** 20);
  // Garbage is in it as well, whose size is V8's affair.
  const grown = resident() - before.resident;
  assert.ok(grown < 128 * 1024, `${grown} KiB more`);
});
