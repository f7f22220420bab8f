import assert from 'node:assert/strict';
import { test } from 'node:test';
import { echo, EndpointPair, roundTrip, text } from '../support/quic-pair.js';
import { quicError } from '../support/quic-errors.js';

test('exported keying material is the same on both sides, and depends on everything it should', async () => {
  await using pair = await EndpointPair.start();
  const { client, server } = await pair.connect();
  const context = text.encode('context');
  const material = client.exportKeyingMaterial(32, 'EXPORTER-test', context);
  assert.equal(material.length, 32);
  assert.deepEqual(server.exportKeyingMaterial(32, 'EXPORTER-test', context), material);
  assert.deepEqual(client.exportKeyingMaterial(32, 'EXPORTER-test', context), material);
  const others = [
    client.exportKeyingMaterial(32, 'EXPORTER-other', context),
    client.exportKeyingMaterial(32, 'EXPORTER-test', text.encode('other')),
    (await pair.connect()).client.exportKeyingMaterial(32, 'EXPORTER-test', context),
  ];
  for (const other of others) assert.notDeepEqual(other, material);
  assert.equal(server.exportKeyingMaterial(500, 'EXPORTER-test').length, 500);
  assert.throws(() => client.exportKeyingMaterial(0, 'x'), quicError('ERR_QUIC_INVALID_OPTION'));
});

test('key updates of either side, while data flows', async () => {
  await using pair = await EndpointPair.start();
  const { client, server } = await pair.connect();
  echo(server);
  const bytes = new Uint8Array(2 << 20).map((_, index) => index * 5);
  for (const side of [client, server, client]) {
    const transfer = roundTrip(client, bytes);
    side.updateKeys();
    assert.ok(Buffer.from(await transfer).equals(bytes));
  }
  assert.equal(client.isClosed, false);
  assert.ok(client.stats().keyUpdates > 0 && server.stats().keyUpdates > 0);
});

test('keyLog gets the secrets that Wireshark wants, the same on both sides', async () => {
  const logs = { client: '', server: '' };
  await using pair = await EndpointPair.start({
    client: { keyLog: (lines) => (logs.client += lines) },
    server: { keyLog: (lines) => (logs.server += lines) },
  });
  const { server, client } = await pair.connect();
  echo(server);
  await roundTrip(client, text.encode('x'));
  const labels = [
    'CLIENT_HANDSHAKE_TRAFFIC_SECRET',
    'SERVER_HANDSHAKE_TRAFFIC_SECRET',
    'CLIENT_TRAFFIC_SECRET_0',
    'SERVER_TRAFFIC_SECRET_0',
  ];
  const line = (log: string, label: string): string | undefined =>
    log.split('\n').find((one) => one.startsWith(`${label} `));
  for (const label of labels) {
    assert.match(line(logs.client, label) ?? '', /^[A-Z_0-9]+ [0-9a-f]{64} [0-9a-f]{64,96}$/);
    assert.equal(line(logs.client, label), line(logs.server, label));
  }
});
