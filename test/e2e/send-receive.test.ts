import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.js';
import { receiver, skein } from './support/skein-process.js';
import { noise, readTree, writeTree } from './support/trees.js';

test('files and folders arrive as they were, and both sides end with 0', { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  const files: Record<string, string | Uint8Array> = {
    'tree/empty': '',
    'tree/big.bin': noise(5_000_000),
    'tree/größe 好.txt': 'ü',
  };
  for (let index = 0; index < 150; index++) files[`tree/many/${index}`] = noise(index * 37, index + 1);
  writeTree(folder, files);
  mkdirSync(join(folder, 'tree/hollow/inside'), { recursive: true });
  writeFileSync(join(folder, 'single.sh'), '#!/bin/sh\n');
  chmodSync(join(folder, 'single.sh'), 0o755);
  symlinkSync('/etc/hostname', join(folder, 'tree/link'));

  const { process: receiving, to } = await receiver(join(folder, 'in'));
  const sent = await skein('send', join(folder, 'tree'), join(folder, 'single.sh'), ...to).ended;
  const received = await receiving.ended;
  assert.equal(sent.code, 0, sent.stderr);
  assert.equal(received.code, 0, received.stderr);
  assert.match(sent.stdout, /^154 files of 154 stored and verified at 127\.0\.0\.1:\d+;/);
  assert.match(sent.stderr, /left out: tree\/link is a symbolic link/);
  assert.match(received.stdout, /154 files stored and verified/);
  const expected = readTree(join(folder, 'tree'));
  delete expected['link'];
  assert.deepEqual(readTree(join(folder, 'in/tree')), expected);
  assert.equal(statSync(join(folder, 'in/single.sh')).mode & 0o111, 0o111 & ~process.umask());
});

test('JSON on both sides tells what happened', { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  writeTree(folder, { 'a.txt': 'hello' });
  const receiving = skein('receive', '--out', join(folder, 'in'), '--listen', '127.0.0.1:0', '--json');
  await receiving.printed(/\n/);
  const { to, pin } = JSON.parse(receiving.stdout) as { to: string; pin: string };
  const other = `sha256/${Buffer.alloc(32).toString('base64')}`;
  const sent = await skein('send', '--pin', other, '--pin', pin, join(folder, 'a.txt'), '--to', to, '--json').ended;
  assert.equal(sent.code, 0, sent.stderr);
  const told = JSON.parse(sent.stdout) as Record<string, unknown>;
  assert.equal(told['stored'], 1);
  assert.equal(told['bytes'], 5);
  const lines = (await receiving.ended).stdout.trim().split('\n');
  const result = JSON.parse(lines[1] ?? '') as Record<string, unknown>;
  assert.deepEqual([result['stored'], result['complete'], result['mismatched']], [1, true, []]);
});

test('a file that is there stays as it is, unless the receiver is told to replace it', {
  timeout: 60_000,
}, async () => {
  const folder = temporaryFolder();
  writeTree(folder, { 'a.txt': 'new', 'b.txt': 'other', 'in/a.txt': 'old' });
  const first = await receiver(join(folder, 'in'));
  const sent = await skein('send', join(folder, 'a.txt'), join(folder, 'b.txt'), ...first.to).ended;
  assert.equal(sent.code, 1);
  assert.match(sent.stderr, /refused: a\.txt: it is there already; --force at the receiver replaces it/);
  assert.equal((await first.process.ended).code, 1);
  assert.equal(readFileSync(join(folder, 'in/a.txt'), 'utf8'), 'old');
  assert.equal(readFileSync(join(folder, 'in/b.txt'), 'utf8'), 'other');

  const second = await receiver(join(folder, 'in'), '--force');
  assert.equal((await skein('send', join(folder, 'a.txt'), ...second.to).ended).code, 0);
  assert.equal((await second.process.ended).code, 0);
  assert.equal(readFileSync(join(folder, 'in/a.txt'), 'utf8'), 'new');
  assert.deepEqual(Object.keys(readTree(join(folder, 'in'))), ['a.txt', 'b.txt']);
});

test('resuming sends what is missing, and only when both sides say so', { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  const whole = noise(3_000_000);
  writeTree(folder, {
    'whole.bin': whole,
    'part.bin': whole,
    'changed.bin': whole,
    'in/whole.bin': whole,
    'in/.part.bin.skein-part': whole.subarray(0, 1_000_000),
    'in/.changed.bin.skein-part': noise(1_000_000, 99),
  });
  const paths = ['whole.bin', 'part.bin', 'changed.bin'].map((name) => join(folder, name));
  const refused = await receiver(join(folder, 'in'));
  const alone = await skein('send', ...paths.slice(0, 1), ...refused.to, '--resume').ended;
  assert.equal(alone.code, 1, 'the receiver did not agree to resume');
  await refused.process.ended;

  const { process: receiving, to } = await receiver(join(folder, 'in'), '--resume');
  const sent = await skein('send', ...paths, ...to, '--resume', '--json').ended;
  assert.equal(sent.code, 0, sent.stderr);
  const told = JSON.parse(sent.stdout) as Record<string, unknown>;
  assert.deepEqual([told['present'], told['stored']], [1, 2]);
  assert.equal((await receiving.ended).code, 0);
  const hash = readTree(folder)['whole.bin'];
  assert.deepEqual(readTree(join(folder, 'in')), { 'whole.bin': hash, 'part.bin': hash, 'changed.bin': hash });
});

test('with --keep one transfer follows the other, and Ctrl-C between them is a good end', {
  timeout: 60_000,
}, async () => {
  const folder = temporaryFolder();
  writeTree(folder, { 'a.txt': 'a', 'b.txt': 'b' });
  const { process: receiving, to } = await receiver(join(folder, 'in'), '--keep');
  for (const name of ['a.txt', 'b.txt']) assert.equal((await skein('send', join(folder, name), ...to).ended).code, 0);
  await receiving.printed(/(.*1 file stored and verified.*\n){2}/);
  receiving.kill('SIGINT');
  assert.equal((await receiving.ended).code, 0);
  assert.deepEqual(Object.keys(readTree(join(folder, 'in'))), ['a.txt', 'b.txt']);
});

test('certificates of an own CA on both sides', { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  writeTree(folder, { 'a.txt': 'a' });
  const certs = join(folder, 'certs');
  assert.equal((await skein('cert', '--out', certs).ended).code, 0);
  const client = join(folder, 'client');
  assert.equal((await skein('cert', 'issue', 'me', '--client', '--ca', certs, '--out', client).ended).code, 0);
  const args = ['--cert', join(certs, 'cert.pem'), '--key', join(certs, 'key.pem'), '--ca', join(certs, 'ca.pem')];
  const receiving = skein('receive', '--out', join(folder, 'in'), '--listen', '127.0.0.1:0', ...args);
  const [, to = ''] = await receiving.printed(/--to (\S+)/);
  const trust = ['--to', to, '--ca', join(certs, 'ca.pem')];
  const stranger = await skein('send', join(folder, 'a.txt'), ...trust).ended;
  assert.equal(stranger.code, 3);
  assert.match(stranger.stderr, /ERR_QUIC_CERTIFICATE_REQUIRED/);
  const identity = ['--cert', join(client, 'cert.pem'), '--key', join(client, 'key.pem')];
  const known = await skein('send', join(folder, 'a.txt'), ...trust, ...identity).ended;
  assert.equal(known.code, 0, known.stderr);
  assert.equal((await receiving.ended).code, 0);
});
