// The option `udp`: which backend an endpoint gets, and what it says where there is none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QuicEndpoint } from '../../src/quic/index.js';
import { nativeSupport } from '../../src/quic/udp/native/support.js';
import { quicError } from '../support/quic-errors.js';
import { SegmentNetwork } from '../support/segment-network.js';

const limit = { timeout: 20_000 };
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const able = process.platform === 'linux' && (major > 26 || (major === 26 && minor >= 6));

test('the default is node:dgram', limit, async () => {
  const before = process.env['SKEIN_UDP'];
  delete process.env['SKEIN_UDP'];
  await using endpoint = await QuicEndpoint.create();
  if (before !== undefined) process.env['SKEIN_UDP'] = before;
  assert.equal(endpoint.udp, 'dgram');
});

test('native is an error that says why, where it cannot be used; auto takes node:dgram there', limit, async () => {
  await using auto = await QuicEndpoint.create({ udp: 'auto' });
  if (able) {
    const support = await nativeSupport();
    assert.ok(typeof support !== 'string', `${support as string}`);
    assert.equal(auto.udp, 'native');
    await using native = await QuicEndpoint.create({ udp: 'native' });
    assert.equal(native.udp, 'native');
    return;
  }
  assert.equal(auto.udp, 'dgram');
  const why = process.platform === 'linux' ? /Node\.js \d+\.\S+ has no node:ffi/ : /there is none for/;
  await assert.rejects(QuicEndpoint.create({ udp: 'native' }), quicError('ERR_QUIC_UDP_UNAVAILABLE', why));
});

test('nonsense, and a choice between backends beside a network, are refused', limit, async () => {
  const nonsense = { udp: 'fast' as 'auto' };
  await assert.rejects(QuicEndpoint.create(nonsense), quicError('ERR_QUIC_INVALID_OPTION', /udp is "fast"/));
  await assert.rejects(
    QuicEndpoint.create({ udp: 'dgram', network: new SegmentNetwork() }),
    quicError('ERR_QUIC_INVALID_OPTION', /one of both/),
  );
  await using endpoint = await QuicEndpoint.create({ network: new SegmentNetwork() });
  assert.equal(endpoint.udp, undefined);
});
