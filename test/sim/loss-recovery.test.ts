/** Losses at moments that are worse than others, in virtual time. */

import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createCertificateAuthority } from '../../src/certificates/certificates.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { CLIENT, SERVER, withPair } from './support/pair.js';

const authority = await createCertificateAuthority();
const long = await authority.issue({ names: ['server.test'], chainLength: 9 });

// RFC 9000 8.1: the first Handshake packet of the client proves its address, however little it and those before it weigh.
test('a long chain of certificates, and six datagrams of the client lost: the handshake comes to its end', () =>
  withPair(
    { seed: 51, conditions: { delayMs: 15 }, listen: { cert: long.certificate, key: long.key } },
    async ({ network, dial }) => {
      let fromClient = 0;
      network.drop(({ from }) => from.address === CLIENT && ++fromClient >= 2 && fromClient <= 7);
      const connection = await dial({ verifyPeer: false });
      await network.complete(connection.ready);
      assert.ok(fromClient > 7, 'nothing was lost');
      assert.ok(network.now < 10_000, `it took ${network.now} ms`);
    },
  ));

test('a probe timeout sends two datagrams at most, whatever waits to be sent again (RFC 9002 section 6.2.4)', () =>
  withPair({ seed: 52, conditions: { delayMs: 20 } }, async ({ network, connect }) => {
    const connection = await connect();
    const stream = await connection.openBidirectionalStream();
    const other = await connection.openBidirectionalStream();
    await other.send(new Uint8Array([1]));
    await network.complete(other.receive());
    await network.run({ forMs: 3000 });
    const began = network.now;
    const restore = network.drop(({ from }) => from.address === CLIENT);
    // One packet with next to nothing in it, then one with a frame that has no room in another of that size.
    await stream.send(new Uint8Array([1]));
    await network.run({ forMs: 1 });
    other.reset(2 ** 40);
    await network.run({ forMs: 1000 });
    restore();
    await network.complete(stream.receive());
    const atOnce = new Map<number, number>();
    for (const { from, sentAt } of network.captured) {
      if (from.address === CLIENT && sentAt >= began) atOnce.set(sentAt, (atOnce.get(sentAt) ?? 0) + 1);
    }
    assert.ok(atOnce.size >= 4, `${atOnce.size} times something was sent`);
    assert.ok(Math.max(...atOnce.values()) <= 2, `datagrams at a time: ${[...atOnce.values()].join(' ')}`);
  }));

interface Sent {
  readonly name?: string;
  readonly data?: {
    readonly header?: { readonly packet_type?: string };
    readonly frames?: readonly { readonly frame_type?: string }[];
    readonly timer_type?: string;
    readonly event_type?: string;
  };
}

test('probes of the probe timeout repeat an acknowledgement, for the one before may be what was lost', async () => {
  const qlogDir = temporaryFolder();
  await withPair(
    { seed: 53, conditions: { delayMs: 20 }, connection: { qlogDir } },
    async ({ network, connect, accepted }) => {
      const connection = await connect();
      await network.run({ forMs: 3000 });
      const restore = network.drop(({ from }) => from.address === SERVER);
      const stream = await connection.openUnidirectionalStream();
      await stream.send(new Uint8Array([1]));
      await network.run({ forMs: 60 });
      // What was received is acknowledged by now, in vain; this is lost as well, and there is nothing new to acknowledge since.
      await accepted[0]?.openUnidirectionalStream().then((answer) => answer.send(new Uint8Array([1])));
      await network.run({ forMs: 400 });
      restore();
      await network.run({ forMs: 400 });
    },
  );
  const name = readdirSync(qlogDir).find((file) => file.endsWith('-server.sqlog'));
  assert.ok(name);
  const records = readFileSync(join(qlogDir, name), 'utf8').split('\x1e').slice(1);
  const events = records.map((record) => JSON.parse(record) as Sent);
  const probes = events.flatMap(({ data }, index) => {
    if (data?.timer_type !== 'loss_timeout' || data.event_type !== 'expired') return [];
    const next = events.slice(index).find((event) => event.name?.endsWith('packet_sent'));
    return [next?.data?.frames?.map((frame) => frame.frame_type) ?? []];
  });
  assert.ok(probes.length > 0, 'no probe timeout expired');
  for (const frames of probes) assert.ok(frames.includes('ack'), `a probe with ${frames.join(' and ')}`);
});
