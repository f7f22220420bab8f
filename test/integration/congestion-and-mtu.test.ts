import assert from 'node:assert/strict';
import { test } from 'node:test';
import { echo, EndpointPair, roundTrip, text, until } from '../support/quic-pair.js';
import { UdpProxy } from '../support/quic-udp-proxy.js';

const bytes = new Uint8Array(4 << 20).map((_, index) => index * 3);

for (const congestionControl of ['cubic', 'newreno', 'bbr'] as const) {
  test(`${congestionControl}, also with loss`, async () => {
    await using pair = await EndpointPair.start({ server: { congestionControl }, client: { congestionControl } });
    const proxy = await UdpProxy.start(pair.server.address.port);
    const [client, server] = await Promise.all([pair.dial({ maxPathMtu: 1400 }, proxy.port), pair.accepted()]);
    await Promise.all([client.ready, server.ready]);
    echo(server);
    // Every 97th datagram is lost.
    let count = 0;
    proxy.meddler = (datagram) => (++count % 97 === 0 ? [] : datagram);
    assert.ok(Buffer.from(await roundTrip(client, bytes)).equals(bytes));
    const stats = client.stats();
    assert.ok(stats.packetsLost > 0 && stats.congestionWindow > 0 && stats.rttMs > 0);
    if (congestionControl === 'bbr') assert.ok(stats.bandwidthEstimateBitsPerSecond > 0);
    else assert.ok(stats.congestionEvents > 0);
  });
}

test('initialCongestionWindow is in packets of maxDatagramSize', async () => {
  await using pair = await EndpointPair.start();
  const windows: number[] = [];
  for (const initialCongestionWindow of [10, 32]) {
    const { client } = await pair.connect({ initialCongestionWindow, resumption: false });
    windows.push(client.stats().congestionWindow);
  }
  // The handshake itself may have widened them a little.
  assert.ok(windows[0]! >= 10 * 1200 && windows[0]! < 20 * 1200, String(windows));
  assert.ok(windows[1]! >= 32 * 1200, String(windows));
});

test('DPLPMTUD: the MTU grows to what the loopback interface takes', async () => {
  await using pair = await EndpointPair.start();
  const { client, server } = await pair.connect();
  echo(server);
  assert.ok(client.stats().mtu >= 1200);
  const before = client.maxDatagramSize;
  await until(() => {
    client.ping();
    return client.stats().mtu > 9000;
  });
  assert.ok(client.stats().mtuProbesSent > 0);
  assert.ok(client.maxDatagramSize >= before);
  assert.ok(Buffer.from(await roundTrip(client, bytes)).equals(bytes));
});

test('maxPathMtu is the bound of the search; equal to maxDatagramSize there is none', async () => {
  await using pair = await EndpointPair.start({ listen: { maxPathMtu: 1200 } });
  const { client, server } = await pair.connect({ maxPathMtu: 1300 });
  echo(server);
  for (let round = 0; round < 20; round++) await roundTrip(client, text.encode('some traffic'));
  await until(() => client.stats().mtu > 1200);
  assert.ok(client.stats().mtu <= 1300);
  assert.equal(server.stats().mtu, 1200);
  assert.equal(server.stats().mtuProbesSent, 0);
});

test('a path that takes less than the interface: the search finds its limit', async () => {
  await using pair = await EndpointPair.start();
  const proxy = await UdpProxy.start(pair.server.address.port);
  let largest = 0;
  proxy.meddler = (datagram) => {
    if (datagram.length > 1350) return [];
    largest = Math.max(largest, datagram.length);
    return datagram;
  };
  const [client, server] = await Promise.all([pair.dial({}, proxy.port), pair.accepted()]);
  await Promise.all([client.ready, server.ready]);
  echo(server);
  assert.ok(Buffer.from(await roundTrip(client, bytes)).equals(bytes));
  await until(() => {
    client.ping();
    return client.stats().mtuProbesLost > 0;
  });
  assert.ok(client.stats().mtu >= 1200 && client.stats().mtu <= 1350, String(client.stats().mtu));
  assert.ok(largest <= 1350);
});
