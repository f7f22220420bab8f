import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.js';
import { receiver, skein, type Ended } from './support/skein-process.js';
import { writeTree } from './support/trees.js';

const limit = { timeout: 60_000 };

function failed(ended: Ended, code: number, words: RegExp): void {
  assert.equal(ended.code, code, ended.stderr);
  assert.match(ended.stderr, words);
  assert.doesNotMatch(ended.stderr, /\n {4}at /, 'no stack for what can happen to anybody');
}

/** A UDP port that nothing is bound to. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

test('nobody listens: an answer at once, in words', limit, async () => {
  const folder = temporaryFolder();
  writeTree(folder, { a: 'a' });
  const port = await freePort();
  for (const args of [
    ['send', join(folder, 'a'), '--to', `127.0.0.1:${port}`, '--insecure'],
    ['perf', 'client', '--to', `127.0.0.1:${port}`, '--insecure'],
  ]) {
    const began = performance.now();
    failed(await skein(...args).ended, 3, new RegExp(`Nobody listens on UDP port ${port} .*ERR_QUIC_UNREACHABLE`));
    assert.ok(performance.now() - began < 10_000, 'long before the timeout of the handshake');
  }
});

test('a host that does not exist', limit, async () => {
  failed(
    await skein('perf', 'client', '--to', 'no-such-host.invalid:1').ended,
    3,
    /no-such-host\.invalid.*ERR_QUIC_HOST_NOT_FOUND/,
  );
});

test('certificates that are missing, not trusted, or not the pinned one', limit, async () => {
  const folder = temporaryFolder();
  writeTree(folder, { a: 'a' });
  const missing = join(folder, 'missing.pem');
  failed(await skein('receive', '--out', folder, '--cert', missing).ended, 1, /missing\.pem.*ERR_QUIC_TLS_FILE/);
  failed(await skein('perf', 'server', '--cert', missing).ended, 1, /missing\.pem.*ERR_QUIC_TLS_FILE/);
  failed(await skein('receive', '--out', folder, '--key', missing).ended, 2, /--key needs --cert/);
  const { process: receiving, to } = await receiver(join(folder, 'in'));
  const target = to.slice(0, 2);
  failed(await skein('send', join(folder, 'a'), ...target).ended, 3, /ERR_QUIC_CERTIFICATE_ISSUER/);
  const pin = `sha256/${Buffer.alloc(32).toString('base64')}`;
  failed(await skein('send', join(folder, 'a'), ...target, '--pin', pin).ended, 3, /ERR_QUIC_CERTIFICATE_PIN/);
  failed(await skein('send', join(folder, 'a'), ...target, '--ca', missing).ended, 1, /ERR_QUIC_TLS_FILE/);
  assert.equal(
    (await skein('send', join(folder, 'a'), ...to).ended).code,
    0,
    'the receiver still waits for a good one',
  );
  assert.equal((await receiving.ended).code, 0);
});

test('a remote that speaks another protocol', limit, async () => {
  const folder = temporaryFolder();
  writeTree(folder, { a: 'a' });
  const { to } = await receiver(join(folder, 'in'));
  failed(await skein('perf', 'client', ...to).ended, 3, /ERR_QUIC_ALPN/);
});

test('a port that is taken', limit, async () => {
  const folder = temporaryFolder();
  const { port } = await receiver(join(folder, 'in'));
  const listen = ['--listen', `127.0.0.1:${port}`];
  failed(await skein('receive', '--out', folder, ...listen).ended, 1, /ERR_QUIC_ADDRESS_IN_USE/);
  failed(await skein('perf', 'server', ...listen).ended, 1, /ERR_QUIC_ADDRESS_IN_USE/);
});

test('what is to be sent is not there, or cannot be read', limit, async (t) => {
  const folder = temporaryFolder();
  writeTree(folder, { 'tree/a': 'a', 'tree/secret': 's', 'other/tree/b': 'b' });
  const nowhere = ['--to', '127.0.0.1:1', '--insecure'];
  failed(
    await skein('send', join(folder, 'nothing'), ...nowhere).ended,
    1,
    /cannot send .*nothing: there is no such file/,
  );
  failed(
    await skein('send', join(folder, 'tree'), join(folder, 'other/tree'), ...nowhere).ended,
    2,
    /would both be called tree at the receiver/,
  );
  if (process.getuid?.() === 0) {
    t.diagnostic('root can read everything: the unreadable file is left out');
    return;
  }
  chmodSync(join(folder, 'tree/secret'), 0);
  const { process: receiving, to } = await receiver(join(folder, 'in'));
  failed(
    await skein('send', join(folder, 'tree'), ...to).ended,
    1,
    /failed: tree\/secret cannot be read: permission denied/,
  );
  assert.equal((await receiving.ended).code, 1, 'it was promised more');
});

// Files of sysfs say that they have 4096 bytes, and end long before.
const SHORT = '/sys/kernel/mm/transparent_hugepage/enabled';

test('a file that ends before its size: it is not sent, the others are', {
  ...limit,
  skip: !existsSync(SHORT),
}, async () => {
  const folder = temporaryFolder();
  writeTree(folder, { good: 'good' });
  const { process: receiving, to } = await receiver(join(folder, 'in'));
  const sent = await skein('send', SHORT, join(folder, 'good'), ...to).ended;
  failed(sent, 1, /failed: enabled cannot be read: it became shorter while it was sent/);
  assert.match(sent.stdout, /^1 file of 2 stored and verified .*, 1 failed;/);
  const received = await receiving.ended;
  assert.equal(received.code, 1, 'it was promised two');
  assert.match(received.stdout, /1 file stored and verified .*, 1 announced file missing/);
  assert.deepEqual(readdirSync(join(folder, 'in')), ['good']);
});

test('a perf server that is killed', limit, async () => {
  const server = skein('perf', 'server', '--listen', '127.0.0.1:0');
  const [, address = '', pin = ''] = await server.printed(/--to (\S+) --pin (\S+)/);
  const client = skein('perf', 'client', '--to', address, '--pin', pin, '--duration', '30', '--timeout', '2');
  await client.printed(/1 s +up/);
  server.kill('SIGKILL');
  failed(await client.ended, 3, /ERR_QUIC_(IDLE_TIMEOUT|UNREACHABLE)/);
});

test('usage that makes no sense ends with 2 and says what does', limit, async () => {
  const cases: [string[], RegExp][] = [
    [['send', 'a'], /required option '--to/],
    [['send', 'a', '--to', 'host:99999'], /A port is at most 65535/],
    [['send', 'a', '--to', '[::1', '--insecure'], /It is HOST:PORT/],
    [['send', 'a', '--to', 'host', '--pin', 'abc'], /A pin is sha256\//],
    [['receive'], /required option '--out/],
    [['perf', 'client', '--download', 'much'], /It is a number of bytes/],
    [['perf', 'client', '--duration', '0'], /It is a time/],
    [['perf', 'client', '--streams', '0'], /whole number from 1/],
    [['nonsense'], /unknown command/],
  ];
  for (const [args, words] of cases) failed(await skein(...args).ended, 2, words);
});

test('every command explains itself', limit, async () => {
  const swarm = ['start', 'status', 'agents', 'submit', 'secret'].map((name) => ['swarm', name]);
  const perf = [['perf'], ['perf', 'server'], ['perf', 'client']];
  for (const args of [['send'], ['receive'], ...perf, ['swarm'], ...swarm, ['agent'], ['demo']]) {
    const help = await skein(...args, '--help').ended;
    assert.equal(help.code, 0, args.join(' '));
    assert.match(help.stdout, /Examples:/, args.join(' '));
    assert.match(help.stdout, /Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no connection/, args.join(' '));
  }
});
