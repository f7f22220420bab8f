import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Message } from '../../../src/cli/files/messages.js';
import { encodeMessage, FilesProtocolError, StreamReader } from '../../../src/cli/files/messages.js';

/** Reads what arrives in pieces of at most `piece` bytes. */
function reader(bytes: Uint8Array, piece: number): StreamReader {
  let at = 0;
  return new StreamReader({
    receive: ({ maxBytes = Infinity } = {}) => {
      const part = bytes.subarray(at, at + Math.min(piece, maxBytes));
      at += part.length;
      return Promise.resolve(part);
    },
  });
}

const sha256 = 'ab'.repeat(32);
const messages: Message[] = [
  { type: 'offer', files: 3, bytes: 2 ** 53 - 1 },
  { type: 'file', path: 'a/größe 好', size: 0, executable: true, resume: false },
  { type: 'have', size: 1, sha256 },
  { type: 'from', offset: 0 },
  { type: 'refused', reason: 'because\n"so"' },
  { type: 'made' },
  { type: 'summary', stored: 1, present: 2, refused: 3, mismatched: 4, failed: 5, bytes: 6 },
];

test('messages survive however they are cut', async () => {
  const bytes = Buffer.concat([...messages.map(encodeMessage), Uint8Array.of(1, 2, 3)]);
  for (const piece of [1, 2, 7, bytes.length]) {
    const from = reader(bytes, piece);
    for (const message of messages) assert.deepEqual(await from.message(message.type), message);
    assert.deepEqual([...(await from.exactly(3))], [1, 2, 3]);
    await from.end();
  }
});

test('a stream that ends anywhere in a message is an error, not a wait', async () => {
  const bytes = encodeMessage({ type: 'have', size: 1, sha256 });
  for (let length = 0; length < bytes.length; length++) {
    await assert.rejects(reader(bytes.subarray(0, length), 5).message('have'), FilesProtocolError, `${length} bytes`);
  }
});

test('what is not exactly right goes no further', async () => {
  const wrong: [unknown, RegExp][] = [
    [null, /without type/],
    [[], /"undefined" where have/],
    [{ type: 'from', offset: 0 }, /"from" where have was expected/],
    [{ type: 'have', size: -1, sha256 }, /size is missing or no count/],
    [{ type: 'have', size: 1.5, sha256 }, /size/],
    [{ type: 'have', size: 2 ** 53, sha256 }, /size/],
    [{ type: 'have', size: '1', sha256 }, /size/],
    [{ type: 'have', size: 1, sha256: sha256.toUpperCase() }, /sha256/],
    [{ type: 'have', size: 1 }, /sha256/],
    [{ type: '__proto__' }, /where have was expected/],
  ];
  for (const [value, words] of wrong) {
    await assert.rejects(reader(encodeMessage(value as Message), 9).message('have'), (error: Error) => {
      assert.ok(error instanceof FilesProtocolError);
      assert.match(error.message, words);
      return true;
    });
  }
  const long = Uint8Array.of(0xff, 0xff, 0xff, 0xff);
  await assert.rejects(reader(long, 4).message('have'), /announced a message of 4294967295 bytes/);
  await assert.rejects(reader(Uint8Array.of(0, 0, 0, 1, 0x7b), 4).message('have'), /not JSON/);
  await assert.rejects(reader(Uint8Array.of(0), 1).end(), /more than it announced/);
});

test('unknown fields are left out', async () => {
  const message = { type: 'from', offset: 1, later: true } as Message;
  assert.deepEqual(await reader(encodeMessage(message), 100).message('from'), { type: 'from', offset: 1 });
});

test('random bytes are a message or an error of the protocol', async () => {
  const property = fc.asyncProperty(
    fc.uint8Array({ maxLength: 64 }),
    fc.integer({ min: 1, max: 64 }),
    async (bytes, piece) => {
      await reader(bytes, piece)
        .message('offer', 'file', 'folder')
        .catch((error: unknown) => assert.ok(error instanceof FilesProtocolError, String(error)));
    },
  );
  await fc.assert(property);
});
