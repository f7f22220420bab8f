import assert from 'node:assert/strict';
import { readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { temporaryFolder } from '../support/temporary-folder.js';
import { receiver, skein, type Process } from './support/skein-process.js';
import { until } from './support/trees.js';

/** A transfer that takes longer than the test, caught in the middle. */
async function midTransfer(...receiverArgs: readonly string[]): Promise<{
  folder: string;
  sending: Process;
  receiving: Process;
  left: () => string[];
}> {
  const folder = temporaryFolder();
  const source = join(folder, 'huge.bin');
  // A hole in a file reads as zeros and takes no room.
  writeFileSync(source, '');
  truncateSync(source, 4 * 2 ** 30);
  const inbox = join(folder, 'in');
  const { process: receiving, to } = await receiver(inbox, '--timeout', '2', ...receiverArgs);
  const sending = skein(
    'send',
    source,
    ...to,
    '--timeout',
    '2',
    ...(receiverArgs.includes('--resume') ? ['--resume'] : []),
  );
  const left = (): string[] => readdirSync(inbox);
  await until(() => left().length > 0);
  await setTimeout(200);
  return { folder, sending, receiving, left };
}

const limit = { timeout: 60_000 };

test('Ctrl-C at the sender: 130 there, 3 at the receiver, and no half of a file', limit, async () => {
  const { sending, receiving, left } = await midTransfer();
  sending.kill('SIGINT');
  const [sent, received] = await Promise.all([sending.ended, receiving.ended]);
  assert.equal(sent.code, 130, sent.stderr);
  assert.match(sent.stderr, /interrupted: 0 of 1 file were through; the receiver keeps no unfinished file/);
  assert.equal(received.code, 3, received.stderr);
  assert.match(
    received.stderr,
    /incomplete: the transfer is incomplete: the sender was interrupted; 1 unfinished file removed/,
  );
  assert.deepEqual(left(), []);
});

test('Ctrl-C at the receiver: 130 there, 3 at the sender, and no half of a file', limit, async () => {
  const { sending, receiving, left } = await midTransfer();
  receiving.kill('SIGINT');
  const [sent, received] = await Promise.all([sending.ended, receiving.ended]);
  assert.equal(received.code, 130, received.stderr);
  assert.match(received.stderr, /incomplete: interrupted; 1 unfinished file removed/);
  assert.equal(sent.code, 3, sent.stderr);
  assert.match(sent.stderr, /the receiver was interrupted/);
  assert.deepEqual(left(), []);
});

test('with --resume the receiver leaves the part and says so', limit, async () => {
  const { sending, receiving, left } = await midTransfer('--resume');
  receiving.kill('SIGTERM');
  const [, received] = await Promise.all([sending.ended, receiving.ended]);
  assert.equal(received.code, 130);
  assert.match(received.stderr, /1 of 1 unfinished file stay as parts for --resume/);
  assert.deepEqual(left(), ['.huge.bin.skein-part']);
});

test('a sender that is killed: the receiver notices, cleans up and ends with 3', limit, async () => {
  const { sending, receiving, left } = await midTransfer();
  sending.kill('SIGKILL');
  const received = await receiving.ended;
  assert.equal(received.code, 3, received.stderr);
  assert.match(received.stderr, /incomplete: Nothing came from/);
  assert.deepEqual(left(), []);
});

test('a receiver that is killed: the sender notices and ends with 3', limit, async () => {
  const { sending, receiving } = await midTransfer();
  receiving.kill('SIGKILL');
  const sent = await sending.ended;
  assert.equal(sent.code, 3, sent.stderr);
  assert.match(sent.stderr, /ERR_QUIC_(IDLE_TIMEOUT|UNREACHABLE)/);
});

test('Ctrl-C before anything came', limit, async () => {
  const { process: receiving } = await receiver(join(temporaryFolder(), 'in'));
  receiving.kill('SIGINT');
  const received = await receiving.ended;
  assert.equal(received.code, 130);
  assert.match(received.stderr, /interrupted before anything came/);
});
