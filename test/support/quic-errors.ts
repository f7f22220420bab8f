import assert from 'node:assert/strict';
import type { QuicErrorCode } from '../../src/quic/errors.js';
import { QuicError } from '../../src/quic/errors.js';

/** For `assert.throws` and `assert.rejects`: a QuicError with this code and a message that matches. */
export function quicError(code: QuicErrorCode, message?: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(QuicError.isQuicError(error), `not a QuicError: ${String(error)}`);
    assert.equal(error.code, code, error.message);
    if (message !== undefined) assert.match(error.message, message);
    return true;
  };
}
