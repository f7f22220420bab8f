import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createHash } from 'node:crypto';
import { encodeMessage, FILES_ALPN, StreamReader } from '../../src/cli/files/messages.js';
import type { Message } from '../../src/cli/files/messages.js';
import { QuicClient, QuicServer, type QuicConnection } from '../../src/index.js';
import { createCertificateAuthority, spkiSha256 } from '../../src/testing/index.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { receiver, skein } from './support/skein-process.js';
import { readTree, writeTree } from './support/trees.js';

/** A sender that does as it likes. */
async function hostileSender(
  to: readonly string[],
  act: (connection: QuicConnection, done: () => Promise<Message>) => Promise<void>,
): Promise<void> {
  const [, address = '', , pin = ''] = to;
  const client = new QuicClient({ publicKeyPins: [pin], verifyPeer: false, alpn: [FILES_ALPN] });
  try {
    const connection = await client.connect('127.0.0.1', Number(address.split(':')[1]));
    const control = await connection.openBidirectionalStream();
    const reader = new StreamReader(control);
    await control.send(encodeMessage({ type: 'offer', files: 1, bytes: 1 }));
    await reader.message('accept');
    await act(connection, async () => {
      await control.send(encodeMessage({ type: 'done' }));
      await control.finish();
      return reader.message('summary');
    });
    await connection.close();
  } finally {
    await client.shutdown();
  }
}

async function sendAs(connection: QuicConnection, path: string, content: string, hash?: Uint8Array): Promise<Message> {
  const stream = await connection.openBidirectionalStream();
  const bytes = Buffer.from(content);
  await stream.send(encodeMessage({ type: 'file', path, size: bytes.length, executable: false, resume: false }));
  try {
    await stream.send(bytes);
    await stream.send(hash ?? createHash('sha256').update(bytes).digest());
    await stream.finish();
  } catch {
    // The receiver has heard enough.
  }
  return new StreamReader(stream).message('stored', 'refused', 'mismatch', 'failed');
}

test('a content that is not what its hash says is not kept, and both exit codes tell', {
  timeout: 60_000,
}, async () => {
  const folder = temporaryFolder();
  const { process: receiving, to } = await receiver(join(folder, 'in'));
  await hostileSender(to, async (connection, done) => {
    assert.equal((await sendAs(connection, 'good.txt', 'good')).type, 'stored');
    const answer = await sendAs(connection, 'bad.txt', 'bad', new Uint8Array(32));
    assert.equal(answer.type, 'mismatch');
    assert.deepEqual(
      { ...(await done()) },
      { type: 'summary', stored: 1, present: 0, refused: 0, mismatched: 1, failed: 0, bytes: 4 },
    );
  });
  const received = await receiving.ended;
  assert.equal(received.code, 4);
  assert.match(received.stderr, /mismatch: bad\.txt arrived with the SHA-256 [0-9a-f]{64}/);
  assert.deepEqual(readdirSync(join(folder, 'in')), ['good.txt']);
});

test('no path leads out of the folder', { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'in'));
  mkdirSync(join(folder, 'elsewhere'));
  symlinkSync(join(folder, 'elsewhere'), join(folder, 'in/link'));
  symlinkSync(join(folder, 'elsewhere/target'), join(folder, 'in/dangling'));
  const { process: receiving, to } = await receiver(join(folder, 'in'), '--force');
  const paths = [
    '../up',
    'a/../../up',
    '/absolute',
    '..',
    '.',
    '',
    'a//b',
    'a/./b',
    'back\\slash',
    'nul\0byte',
    'new\nline',
    'link/file',
    'dangling',
    'x.skein-part',
    'n'.repeat(300),
  ];
  await hostileSender(to, async (connection, done) => {
    for (const path of paths) {
      const answer = await sendAs(connection, path, 'evil');
      assert.equal(answer.type, 'refused', `${JSON.stringify(path)}: ${JSON.stringify(answer)}`);
    }
    assert.equal((await sendAs(connection, 'a/fine', 'fine')).type, 'stored');
    assert.equal((await sendAs(connection, 'a/fine', 'twice')).type, 'refused');
    await done();
  });
  const received = await receiving.ended;
  assert.equal(received.code, 1);
  assert.deepEqual(readdirSync(folder).sort(), ['elsewhere', 'in']);
  assert.deepEqual(readdirSync(join(folder, 'elsewhere')), []);
  assert.equal(readFileSync(join(folder, 'in/a/fine'), 'utf8'), 'fine');
});

test('a sender that breaks the protocol is cut off with words', { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  const { process: receiving, to } = await receiver(join(folder, 'in'));
  await hostileSender(to, async (connection) => {
    const stream = await connection.openBidirectionalStream();
    await stream.send(Uint8Array.of(0, 0, 0, 2, 0x7b, 0x7d));
    const { error } = await connection.closed;
    assert.equal(error.code, 'ERR_QUIC_APPLICATION');
    assert.equal(error.errorCode, 2);
  });
  const received = await receiving.ended;
  assert.equal(received.code, 3);
  assert.match(received.stderr, /incomplete: the remote sent "undefined" where offer or file or folder was expected/);
});

test('a receiver that computes another hash makes the sender end with 4', { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  writeTree(folder, { 'a.txt': 'content' });
  const { certificate: cert, key } = await (await createCertificateAuthority()).issue();
  const server = new QuicServer({ host: '127.0.0.1', port: 0, cert, key, alpn: [FILES_ALPN] });
  server.handle({
    async stream(stream) {
      const reader = new StreamReader(stream);
      const opening = await reader.message('offer', 'file');
      if (opening.type === 'offer') {
        await stream.send(encodeMessage({ type: 'accept' }));
        await reader.message('done');
        await stream.send(
          encodeMessage({ type: 'summary', stored: 0, present: 0, refused: 0, mismatched: 1, failed: 0, bytes: 0 }),
        );
      } else {
        await reader.exactly(opening.size + 32);
        await stream.send(encodeMessage({ type: 'mismatch', sha256: '0'.repeat(64) }));
      }
      await stream.finish();
    },
  });
  await server.listen();
  const pin = `sha256/${spkiSha256(cert).toString('base64')}`;
  const sent = await skein('send', join(folder, 'a.txt'), '--to', `127.0.0.1:${server.address.port}`, '--pin', pin)
    .ended;
  await server.stop();
  assert.equal(sent.code, 4, sent.stderr);
  assert.match(sent.stdout, /1 arrived with a wrong hash and were not kept/);
});

test('a second sender is told that the receiver is busy', { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  writeTree(folder, { 'a.txt': 'a' });
  const { process: receiving, to } = await receiver(join(folder, 'in'));
  await hostileSender(to, async (_connection, done) => {
    const second = await skein('send', join(folder, 'a.txt'), ...to).ended;
    assert.equal(second.code, 1);
    assert.match(second.stderr, /the receiver refused: it is busy with another sender/);
    await done();
  });
  assert.equal((await receiving.ended).code, 1, 'the first had announced a file and sent none');
  assert.equal(existsSync(join(folder, 'in/a.txt')), false);
  assert.deepEqual(readTree(join(folder, 'in')), {});
});
