import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closeError } from '../../../src/quic/close-reason.js';

const context = { remote: 'example.org:4433', handshaking: false };

test('an idle timeout: the message does not take this side’s option for the one that counted', () => {
  // The smaller of both sides' counts (RFC 9000 10.1), and the engine does not tell the remote's.
  const { code, message } = closeError({ kind: 'timeout' }, { ...context, idleTimeout: 60_000 });
  assert.equal(code, 'ERR_QUIC_IDLE_TIMEOUT');
  assert.match(
    message,
    /^Nothing came from example.org:4433 for the idle timeout, the smaller of both sides' \(idleTimeout of this side: 60000 ms\)/,
  );
  assert.match(
    closeError({ kind: 'timeout' }, { ...context, idleTimeout: 0 }).message,
    /idleTimeout of this side: none/,
  );
});
