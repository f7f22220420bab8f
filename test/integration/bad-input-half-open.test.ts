import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import { test } from 'node:test';
import type { ListenOptions, QuicConnection } from '../../src/quic/index.js';
import { ALPN, authority, echo, endpoint, EndpointPair, roundTrip, text, until } from '../support/quic-pair.js';
import { UdpProxy } from '../support/quic-udp-proxy.js';

const MIB = 1024 * 1024;

/** A server that gets `count` first flights whose senders never hear of it, and a live connection beside them. */
async function flooded(
  count: number,
  listen: Partial<ListenOptions>,
  check: (pair: EndpointPair, live: QuicConnection) => Promise<void>,
): Promise<void> {
  await using pair = await EndpointPair.start({ listen });
  const live = await pair.connect();
  echo(live.server);
  const proxy = await UdpProxy.start(pair.server.address.port);
  let flights = 0;
  proxy.meddler = (datagram, towardsServer) => {
    if (!towardsServer) return [];
    flights++;
    return datagram;
  };
  const attacker = await endpoint({ maxConnections: count });
  const stop = new AbortController();
  setMaxListeners(count, stop.signal);
  const attempts: Promise<unknown>[] = [];
  while (attempts.length < count) {
    // As fast as the proxy's socket takes them.
    for (let batch = 0; batch < 25; batch++) {
      const options = { alpn: [ALPN], ca: authority.certificate, signal: stop.signal };
      attempts.push(attacker.connect('127.0.0.1', proxy.port, options).catch(() => undefined));
    }
    await until(() => flights >= attempts.length);
  }
  await check(pair, live.client);
  stop.abort();
  await Promise.all(attempts);
}

test('1,000 half-open handshakes: from the hundredth on addresses must be proved, and honest clients get in', async () => {
  await flooded(1000, {}, async (pair, live) => {
    await until(() => pair.server.stats().attemptsRetried >= 800);
    const { handshaking, engineMemory } = pair.server.stats();
    assert.ok(handshaking <= 100, `${handshaking} handshakes`);
    assert.ok(engineMemory < 32 * MIB, `${engineMemory} bytes`);
    assert.equal(text.decode(await roundTrip(live, text.encode('alive'))), 'alive');
    await pair.connect({ resumption: false });
  });
});

test('without Retry, maxHandshakes bounds them', async () => {
  const listen: Partial<ListenOptions> = { retry: 'never', maxHandshakes: 150, connectionTimeout: 0 };
  await flooded(1000, listen, async (pair, live) => {
    await until(() => pair.server.stats().attemptsIgnored >= 500);
    const { handshaking, engineMemory } = pair.server.stats();
    assert.ok(handshaking <= 150, `${handshaking} handshakes`);
    assert.ok(engineMemory < 32 * MIB, `${engineMemory} bytes`);
    assert.equal(text.decode(await roundTrip(live, text.encode('alive'))), 'alive');
  });
});

test('half-open handshakes are gone after connectionTimeout, and make room', async () => {
  const listen: Partial<ListenOptions> = { retry: 'never', maxHandshakes: 10, connectionTimeout: 300 };
  await flooded(20, listen, async (pair) => {
    await until(() => pair.server.stats().handshaking > 0);
    // Honest clients repeat a first flight that was ignored: this one gets in when there is room.
    await pair.connect({ resumption: false });
  });
});

test('attempts that cannot all be kept are refused by maxConnections, whatever else is allowed', async () => {
  await using pair = await EndpointPair.start({ server: { maxConnections: 5 }, listen: { retry: 'never' } });
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => pair.dial({ resumption: false })));
  const refused = results.filter(({ status }) => status === 'rejected').length;
  assert.equal(refused, 15);
  assert.equal(pair.server.stats().activeConnections, 5);
});
