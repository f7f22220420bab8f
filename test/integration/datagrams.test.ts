import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndpointPair, text } from '../support/quic-pair.js';
import { quicError } from '../support/quic-errors.js';

test('datagrams both ways, by promise and by event', async () => {
  await using pair = await EndpointPair.start();
  const { client, server } = await pair.connect();
  await client.sendDatagram(text.encode('to the server'));
  assert.equal(text.decode((await server.receiveDatagram())!), 'to the server');
  const received: string[] = [];
  await new Promise<void>((resolve) => {
    client.on('datagram', (bytes) => {
      received.push(text.decode(bytes));
      if (received.length === 3) resolve();
    });
    for (const word of ['one', 'two', 'three']) void server.sendDatagram(text.encode(word));
  });
  assert.deepEqual(received, ['one', 'two', 'three']);
  await client.sendDatagram(new Uint8Array(0));
  assert.equal((await server.receiveDatagram())?.length, 0);
});

test('as large as the path takes, and no larger', async () => {
  await using pair = await EndpointPair.start({ client: { maxPathMtu: 1200 } });
  const { client, server } = await pair.connect();
  const size = client.maxDatagramSize;
  assert.ok(size > 1100 && size < 1200, String(size));
  await client.sendDatagram(new Uint8Array(size));
  assert.equal((await server.receiveDatagram())?.length, size);
  await assert.rejects(client.sendDatagram(new Uint8Array(size + 1)), quicError('ERR_QUIC_DATAGRAM_TOO_LARGE'));
});

test('a remote that takes none says so', async () => {
  await using pair = await EndpointPair.start({ listen: { datagrams: false } });
  const { client } = await pair.connect();
  assert.equal(client.maxDatagramSize, 0);
  await assert.rejects(client.sendDatagram(Uint8Array.of(1)), quicError('ERR_QUIC_DATAGRAMS_UNSUPPORTED'));
});

test('with wait, nothing that was accepted is dropped at this side', async () => {
  await using pair = await EndpointPair.start({ client: { datagramSendBuffer: 4096, maxPathMtu: 1200 } });
  const { client, server } = await pair.connect();
  const count = 200;
  let received = 0;
  const all = new Promise<void>((resolve) => {
    server.on('datagram', () => {
      if (++received === count) resolve();
    });
  });
  for (let index = 0; index < count; index++) await client.sendDatagram(new Uint8Array(1000), { wait: true });
  await all;
});

test('without wait the oldest go, and the newest arrives', async () => {
  await using pair = await EndpointPair.start({ client: { datagramSendBuffer: 4096, maxPathMtu: 1200 } });
  const { client, server } = await pair.connect();
  const sends = Array.from({ length: 50 }, (_, index) => client.sendDatagram(new Uint8Array(1000).fill(index)));
  await Promise.all(sends);
  const seen: number[] = [];
  while (seen.at(-1) !== 49) seen.push((await server.receiveDatagram())![0]!);
  assert.ok(seen.length < 50, `${seen.length} came`);
  assert.deepEqual(
    seen,
    [...seen].sort((a, b) => a - b),
  );
});

test('waits end: by signal, and with the connection', async () => {
  await using pair = await EndpointPair.start();
  const { client, server } = await pair.connect();
  const controller = new AbortController();
  const aborted = server.receiveDatagram({ signal: controller.signal });
  controller.abort(new Error('enough'));
  await assert.rejects(aborted, /enough/);
  const waiting = server.receiveDatagram();
  await client.close();
  assert.equal(await waiting, undefined);
  await assert.rejects(client.sendDatagram(Uint8Array.of(1)), quicError('ERR_QUIC_CONNECTION_CLOSED'));
});
