// A process that was busy for longer than a timeout: what has arrived meanwhile counts before the timer that is overdue.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { echo, EndpointPair, roundTrip, streamBetween, text } from '../support/quic-pair.js';

/** Keeps the process from doing anything else. */
function busy(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

/** Lets ticks and promises run, the pump's flush among them, and no input be taken. */
async function ticks(): Promise<void> {
  for (let count = 0; count < 5; count++) {
    await new Promise<void>((resolve) => {
      process.nextTick(resolve);
    });
  }
}

test('idleTimeout: datagrams that wait in the sockets keep a connection', async () => {
  // Without the search for the path MTU, whose large packets fill the congestion window.
  const maxPathMtu = 1200;
  await using pair = await EndpointPair.start({ listen: { maxPathMtu } });
  const { client, server } = await pair.connect({ idleTimeout: 300, maxPathMtu });
  echo(server);
  assert.equal(text.decode(await roundTrip(client, text.encode('before'))), 'before');
  // From here the event loop comes to its timers before it looks at sockets.
  await new Promise((resolve) => void setImmediate(resolve));
  await Promise.all([client.sendDatagram(Uint8Array.of(1)), server.sendDatagram(Uint8Array.of(2))]);
  await ticks();
  busy(700);
  assert.equal(text.decode(await roundTrip(client, text.encode('after'))), 'after');
});

test('connectionTimeout: an answer that waits in the socket completes the handshake', async () => {
  let held = false;
  const onIncoming = (): undefined => {
    held = true;
    void ticks().then(() => busy(700));
  };
  await using pair = await EndpointPair.start({ listen: { onIncoming } });
  await pair.connect({ connectionTimeout: 300 });
  assert.equal(held, true);
});

test('streamTimeout: bytes that wait in the socket are received', async () => {
  await using pair = await EndpointPair.start();
  const { client, server } = await pair.connect({ streamTimeout: 300 });
  const { near, far } = await streamBetween(client, server);
  const receiving = near.receive();
  // The watch has seen that the read waits.
  await new Promise((resolve) => void setTimeout(resolve, 120));
  // From here the event loop comes to its timers before it looks at sockets.
  await new Promise((resolve) => void setImmediate(resolve));
  await far.send(text.encode('late'));
  await ticks();
  busy(700);
  assert.equal(text.decode(await receiving), 'late');
});
