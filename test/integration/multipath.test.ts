import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PathEvent, QuicConnection } from '../../src/quic/index.js';
import { echo, EndpointPair, roundTrip, text, until } from '../support/quic-pair.js';
import { quicError } from '../support/quic-errors.js';

function collect(connection: QuicConnection): PathEvent[] {
  const events: PathEvent[] = [];
  connection.on('path', (event) => events.push(event));
  return events;
}

const has = (events: readonly PathEvent[], type: PathEvent['type'], pathId: number): boolean =>
  events.some((event) => event.type === type && event.pathId === pathId);

test('a second path over a second socket, its statistics, its status, and its end', async () => {
  await using pair = await EndpointPair.start({ server: { maxPaths: 4 }, client: { maxPaths: 4 } });
  const { client, server } = await pair.connect();
  assert.equal(client.details.multipath, true);
  assert.equal(server.details.multipath, true);
  assert.deepEqual(
    client.paths().map(({ id }) => id),
    [0],
  );
  echo(server);
  const near = collect(client);
  const far = collect(server);

  await roundTrip(client, text.encode('hello'));
  const id = await client.openPath({ address: '127.0.0.1' });
  assert.equal(id, 1);
  await until(() => has(near, 'established', 1) && has(far, 'established', 1));
  assert.deepEqual(
    client.paths().map((path) => path.id),
    [0, 1],
  );

  const bytes = new Uint8Array(8 << 20).map((_, index) => index * 11);
  assert.ok(Buffer.from(await roundTrip(client, bytes)).equals(bytes));
  const [first, second] = client.paths();
  assert.ok(first && second);
  assert.ok(second.stats.bytesSent > 0 && second.stats.rttMs > 0);
  const total = client.stats();
  assert.ok(first.stats.bytesSent + second.stats.bytesSent <= total.bytesSent);

  client.setPathStatus(1, 'backup');
  await until(() => far.some((event) => event.type === 'remoteStatus' && event.status === 'backup'));
  assert.equal(client.paths()[1]?.localStatus, 'backup');
  assert.equal(server.paths()[1]?.remoteStatus, 'backup');

  client.closePath(0, 5);
  await until(() => has(far, 'abandoned', 0));
  const abandoned = far.find((event) => event.type === 'abandoned');
  assert.deepEqual(abandoned, { type: 'abandoned', pathId: 0, cause: 'remote', errorCode: 5 });
  assert.ok(Buffer.from(await roundTrip(client, bytes)).equals(bytes));
  assert.throws(() => client.closePath(1), quicError('ERR_QUIC_PATH', /last one/));
});

test('without multipath there is one path, and no other can be opened', async () => {
  await using pair = await EndpointPair.start({ server: { maxPaths: 4 } });
  const { client, server } = await pair.connect();
  assert.equal(client.details.multipath, false);
  assert.equal(client.paths().length, 1);
  await assert.rejects(client.openPath(), quicError('ERR_QUIC_MULTIPATH_UNSUPPORTED', /maxPaths/));
  assert.throws(() => server.closePath(0), quicError('ERR_QUIC_MULTIPATH_UNSUPPORTED'));
});
