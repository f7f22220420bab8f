import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, duration, formatHostAndPort, hostAndPort, integer, trust } from '../../../src/cli/arguments.js';

test('numbers of bytes, with suffixes of powers of 1024', () => {
  const cases = { '0': 0, '1500': 1500, '64k': 65_536, '1.5M': 1_572_864, '2G': 2 ** 31, '1GiB': 2 ** 30, '3 ': 3 };
  for (const [text, value] of Object.entries(cases)) assert.equal(bytes(text), value, text);
  for (const text of ['', '-1', '1x', 'k', '1e3', '99999999T'])
    assert.throws(() => bytes(text), /number of bytes/, text);
});

test('durations', () => {
  const cases = { '10': 10_000, '10s': 10_000, '500ms': 500, '2m': 120_000, '0.5': 500 };
  for (const [text, value] of Object.entries(cases)) assert.equal(duration(text), value, text);
  for (const text of ['', '0', '-1', '1h', '9999999']) assert.throws(() => duration(text), /It is a time/, text);
});

test('whole numbers in a range', () => {
  assert.equal(integer(1, 10)('10'), 10);
  for (const text of ['0', '11', '1.5', '0x1', '']) assert.throws(() => integer(1, 10)(text), /from 1 to 10/, text);
});

test('hosts and ports, IPv6 in brackets or alone', () => {
  const read = hostAndPort({ host: 'localhost', port: 4433 });
  const cases: Record<string, [string, number]> = {
    'example.org:1': ['example.org', 1],
    'example.org': ['example.org', 4433],
    '192.0.2.1:99': ['192.0.2.1', 99],
    '[2001:db8::1]:99': ['2001:db8::1', 99],
    '[::1]': ['::1', 4433],
    '2001:db8::1': ['2001:db8::1', 4433],
    '[fe80::1%eth0]:7': ['fe80::1%eth0', 7],
    ':99': ['localhost', 99],
    '99': ['localhost', 99],
  };
  for (const [text, [host, port]] of Object.entries(cases)) assert.deepEqual(read(text), { host, port }, text);
  for (const text of ['a:b', 'a:70000', '70000', '[a]:1', '[::1', 'a:1:2'])
    assert.throws(() => read(text), Error, text);
  assert.equal(formatHostAndPort({ host: '::1', port: 1 }), '[::1]:1');
  assert.equal(formatHostAndPort({ host: 'a', port: 1 }), 'a:1');
});

test('a pin alone replaces the CA; with a CA both must hold; nothing at all is not trust', () => {
  const verify = (given: Parameters<typeof trust>[0]): boolean => trust(given).verifyPeer;
  assert.equal(verify({}), true);
  assert.equal(verify({ pin: ['x'] }), false);
  assert.equal(verify({ pin: ['x'], ca: 'ca.pem' }), true);
  assert.equal(verify({ pin: [] }), true);
  assert.equal(verify({ insecure: true }), false);
});
