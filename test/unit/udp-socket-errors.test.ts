import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bindError, connectError, socketErrorKind } from '../../src/quic/udp/socket-errors.js';
import { quicError } from '../support/quic-errors.js';

const failed = (code: string): NodeJS.ErrnoException => Object.assign(new Error(`bind ${code} x`), { code });

test('failed binds say what to do', () => {
  const expected = [
    ['EADDRINUSE', 'ERR_QUIC_ADDRESS_IN_USE', /192\.0\.2\.1:443.*another socket has the port.*choose another/s],
    ['EADDRNOTAVAIL', 'ERR_QUIC_ADDRESS_NOT_AVAILABLE', /192\.0\.2\.1:443.*none of this machine/s],
    ['EACCES', 'ERR_QUIC_PERMISSION', /192\.0\.2\.1:443.*below 1024.*CAP_NET_BIND_SERVICE/s],
    ['EAFNOSUPPORT', 'ERR_QUIC_ADDRESS_NOT_AVAILABLE', /does not speak that IP version/],
    ['EMFILE', 'ERR_QUIC_BIND', /too many open files/],
    ['EWEIRD', 'ERR_QUIC_BIND', /EWEIRD/],
  ] as const;
  for (const [code, quicCode, message] of expected) {
    const cause = failed(code);
    const error = bindError(cause, '192.0.2.1', 443);
    assert.equal(error.cause, cause);
    quicError(quicCode, message)(error);
  }
  quicError('ERR_QUIC_PERMISSION', /\[::1\]:4433.*sandbox/s)(bindError(failed('EACCES'), '::1', 4433));
  const remote = { address: '::1', port: 9, family: 'IPv6' } as const;
  quicError(
    'ERR_QUIC_UNREACHABLE',
    /\[::1\]:9 .*from 192\.0\.2\.1:5.*ENETUNREACH/,
  )(connectError(failed('ENETUNREACH'), '192.0.2.1:5', remote));
});

test('what a code means to a bound socket', () => {
  assert.equal(socketErrorKind('EMSGSIZE'), 'ignored');
  assert.equal(socketErrorKind('ECONNREFUSED'), 'transient');
  assert.equal(socketErrorKind('EPERM'), 'transient');
  assert.equal(socketErrorKind('ENETUNREACH'), 'address');
  assert.equal(socketErrorKind('EINVAL'), 'address');
  assert.equal(socketErrorKind('EBADF'), 'broken');
  assert.equal(socketErrorKind('ESOMETHINGNEW'), 'transient');
  assert.equal(socketErrorKind(undefined), 'transient');
});
