import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AttemptSettings, type Attempt } from '../../../src/quic/attempt-settings.js';
import { OptionsResolver, resolveConnectionOptions } from '../../../src/quic/options.js';

const options = resolveConnectionOptions();
const attempt: Attempt = {
  profile: 0,
  serverName: 'example.org',
  port: 443,
  address: { address: '192.0.2.1', port: 443, family: 'IPv4' },
  alpn: ['h3', 'echo'],
  resumption: true,
  options,
  mtuBound: 1472,
  receiveBuffer: 0,
};

test('the same attempt again has the same settings; what differs in anything has others', () => {
  const settings = new AttemptSettings();
  const first = settings.of(attempt);
  assert.equal(settings.of({ ...attempt, address: { ...attempt.address }, alpn: [...attempt.alpn] }), first);
  const others: Partial<Attempt>[] = [
    { profile: 1 },
    { serverName: 'www.example.org' },
    { port: 444 },
    { address: { address: '192.0.2.2', port: 443, family: 'IPv4' } },
    { address: { address: '192.0.2.1', port: 444, family: 'IPv4' } },
    { alpn: ['h3'] },
    { alpn: ['echo', 'h3'] },
    { resumption: false },
    { options: resolveConnectionOptions({ idleTimeout: 1 }) },
    { mtuBound: 1452 },
    { receiveBuffer: 100_000 },
  ];
  for (const other of others) {
    const given = { ...attempt, ...other };
    const made = settings.of(given);
    assert.deepEqual(made, new AttemptSettings().of(given));
    assert.notDeepEqual(made, first, JSON.stringify(other));
    assert.deepEqual(settings.of(attempt), first);
  }
});

test('a list of protocols that the caller changes is another one', () => {
  const settings = new AttemptSettings();
  const alpn = ['h3'];
  assert.deepEqual(settings.of({ ...attempt, alpn }).alpn, ['h3']);
  alpn[0] = 'echo';
  assert.deepEqual(settings.of({ ...attempt, alpn }).alpn, ['echo']);
});

test('the number of a zone is looked up for each attempt', () => {
  const settings = new AttemptSettings();
  const linkLocal: Attempt = { ...attempt, address: { address: 'fe80::1%1', port: 443, family: 'IPv6' } };
  assert.notEqual(settings.of(linkLocal), settings.of(linkLocal));
});

test('the same options again resolve to the same object, changed ones do not, and bad ones change nothing', () => {
  const resolver = new OptionsResolver(options);
  assert.equal(resolver.resolve({}), options);
  const mine: { idleTimeout: number; maxPaths?: number } = { idleTimeout: 1000 };
  const first = resolver.resolve(mine);
  assert.equal(first.idleTimeout, 1000);
  assert.equal(resolver.resolve({ idleTimeout: 1000 }), first);
  mine.idleTimeout = 2000;
  assert.equal(resolver.resolve(mine).idleTimeout, 2000);
  assert.throws(() => resolver.resolve({ idleTimeout: -1 }), /idleTimeout/);
  assert.throws(() => resolver.resolve({ idleTimeout: -1 }), /idleTimeout/);
  assert.equal(resolver.resolve({}).idleTimeout, options.idleTimeout);
  assert.equal(first.idleTimeout, 1000);
});
