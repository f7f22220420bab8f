import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { QUIC_ERROR_CODES, QuicError, withoutStack } from '../../../src/quic/errors.js';

test('carries code, wire code, side and cause', () => {
  const cause = new Error('below');
  const error = new QuicError('ERR_QUIC_APPLICATION', 'closed by 192.0.2.1:443', { errorCode: 7, remote: true, cause });
  assert.ok(error instanceof Error);
  assert.equal(error.name, 'QuicError');
  assert.equal(error.code, 'ERR_QUIC_APPLICATION');
  assert.equal(error.errorCode, 7);
  assert.equal(error.remote, true);
  assert.equal(error.cause, cause);
  assert.match(error.stack ?? '', /^QuicError: closed by/);
});

test('without a stack: the message only; other errors keep theirs, also when making it fails', () => {
  const { stackTraceLimit } = Error;
  const error = withoutStack(() => new QuicError('ERR_QUIC_SOCKET', 'what happened'));
  assert.equal(error.stack, 'QuicError: what happened');
  assert.throws(() =>
    withoutStack(() => {
      throw new RangeError('in between');
    }),
  );
  assert.equal(Error.stackTraceLimit, stackTraceLimit);
  assert.match(new Error('next').stack ?? '', /errors\.test/);
});

test('defaults: local, without wire code or cause', () => {
  const error = new QuicError('ERR_QUIC_SOCKET', 'x');
  assert.equal(error.errorCode, undefined);
  assert.equal(error.remote, false);
  assert.ok(!('cause' in error));
});

test('is known by its brand across copies of the package', async () => {
  // Another query string makes a second instance of the module, as a second copy of the package would.
  const url = new URL('../../../src/quic/errors.ts?second-copy', import.meta.url).href;
  const copy = (await import(url)) as typeof import('../../../src/quic/errors.js');
  const foreign = new copy.QuicError('ERR_QUIC_SOCKET', 'x');
  assert.ok(!(foreign instanceof QuicError));
  assert.ok(QuicError.isQuicError(foreign));
  for (const other of [new Error('x'), null, undefined, 'ERR_QUIC_SOCKET', { code: 'ERR_QUIC_SOCKET' }]) {
    assert.ok(!QuicError.isQuicError(other));
  }
});

test('the brand does not clutter what is printed', () => {
  assert.doesNotMatch(inspect(new QuicError('ERR_QUIC_SOCKET', 'x')), /Symbol/);
});

test('every code has a sentence', () => {
  for (const [code, sentence] of Object.entries(QUIC_ERROR_CODES)) {
    assert.match(code, /^ERR_QUIC_[A-Z_]+$/);
    assert.match(sentence, /^[A-Z].*\.$/, code);
  }
});
