/**
 * The interop runner's cases that name a link: long round trips, one that dies now and then, loss and corruption of handshakes and of
 * transfers, the limit of amplification, rebinding in the middle of a transfer, and a transfer with the link to itself. Nearly all of their time is the link's, so they run beside one another.
 */

import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { SimRandom } from '../../src/testing/index.js';
import { EmulatedLink, type LinkOptions } from './support/emulated-link.js';
import { makeFiles, sha256 } from './support/files.js';
import { againstEachPeer } from './support/interop-test.js';
import { certificateFile, startPeerClient, startPeerServer, type Peer } from './support/peers.js';
import { assertFetched, fetchAll, fetchFile } from './support/protocols.js';
import { skeinClient, startSkeinServer } from './support/skein.js';

const SEED = Number(process.env['SKEIN_SEED'] ?? (process.env['CI'] === 'true' ? 1 : Date.now() % 2 ** 32));
const small = makeFiles({ '1k': 1024 });
const medium = makeFiles({ '2m': 2_000_000 });
const large = makeFiles({ '10m': 10_000_000 });
type Files = typeof small;
/** aioquic slows down where a stream has brought some 5 MB. */
const FOR_LARGE: readonly Peer[] = ['quinn'];

/** Longer than any timeout of a lossy link: what is tried is that it comes to an end, not how soon. */
const patient = { connectionTimeout: 80_000, idleTimeout: 80_000, streamTimeout: 80_000 };
const patientPeer = ['--idle-timeout', '80000'];

function randomFor(name: string): SimRandom {
  return new SimRandom(SEED).fork(name);
}

/** skein fetches files of a peer over a link. */
async function skeinFetches(
  peer: Peer,
  files: Files,
  options: LinkOptions,
  onLink: (link: EmulatedLink) => void = () => undefined,
): Promise<EmulatedLink> {
  await using server = await startPeerServer(peer, ['--root', files.folder, ...patientPeer]);
  const link = await EmulatedLink.start(server.port, options);
  await using client = skeinClient(server, { serverPort: link.port, ...patient });
  onLink(link);
  const connection = await client.connect();
  await fetchAll(connection, files);
  link.close();
  return link;
}

/** A peer fetches files of skein over a link. */
async function skeinServes(
  peer: Peer,
  files: Files,
  options: LinkOptions,
  onLink: (link: EmulatedLink) => void = () => undefined,
): Promise<EmulatedLink> {
  await using skein = await startSkeinServer(files, patient);
  const link = await EmulatedLink.start(skein.port, options);
  onLink(link);
  await using client = startPeerClient(peer, link.port, [...patientPeer, '--get', ...files.paths]);
  await client.done();
  assertFetched(client.all('file'), files);
  assert.equal(skein.connections.length, 1);
  link.close();
  return link;
}

const HANDSHAKES = 50;

/**
 * Fifty at once, of which one may fail: probe timeouts double, so that half a dozen unlucky ones in a row, one connection in a few hundred,
 * take longer than the peers' programs live.
 */
async function nearlyAll(connects: (number: number) => Promise<void>): Promise<void> {
  const ends = await Promise.allSettled(Array.from({ length: HANDSHAKES }, (_, number) => connects(number)));
  const reasons = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
  if (reasons.length > 1) throw new AggregateError(reasons, `${reasons.length} of ${HANDSHAKES} failed`);
}

const roles = { 'skein fetches': skeinFetches, 'skein serves': skeinServes };

describe(`links (seed ${SEED})`, { concurrency: 12 }, () => {
  for (const [role, transfer] of Object.entries(roles)) {
    againstEachPeer(`a round trip of 1.5 s: ${role}`, async (peer) => {
      await transfer(peer, small, { delay: 750 });
    });

    againstEachPeer(
      `10 MB over a link that dies for 2 s every 5 s: ${role}`,
      async (peer) => void (await transfer(peer, large, {}, (link) => link.diesEvery(5000, 2000))),
      FOR_LARGE,
    );

    for (const [what, makes] of [
      ['lost', (random: SimRandom): LinkOptions => ({ random, loss: 2 })],
      ['corrupted', (random: SimRandom): LinkOptions => ({ random, corruption: 2 })],
    ] as const) {
      againstEachPeer(`2 MB, of which 2% are ${what}: ${role}`, async (peer) => {
        await transfer(peer, medium, makes(randomFor(`${what} ${role} ${peer}`)));
      });
    }

    againstEachPeer(
      `10 MB while a NAT rebinds: ${role}`,
      async (peer) => {
        const seen: number[] = [];
        await transfer(peer, large, {}, (link) => link.rebinds(1000, 3000, (port) => seen.push(port)));
        assert.ok(seen.length >= 2, `it was over after ${seen.length} times`);
      },
      FOR_LARGE,
    );

    againstEachPeer(
      `10 MB with the link to itself: ${role}`,
      async (peer, context) => {
        const began = performance.now();
        const { towardsClient } = await transfer(peer, large, {});
        const megabits = (10 * 8) / ((performance.now() - began) / 1000);
        const share = (100 * (towardsClient.bytes - towardsClient.delivered)) / towardsClient.bytes;
        context.diagnostic(`${megabits.toFixed(1)} Mbit/s of 10; the queue threw ${share.toFixed(1)}% away`);
      },
      FOR_LARGE,
    );
  }

  for (const [what, makes] of [
    ['lost', (random: SimRandom): LinkOptions => ({ random, loss: 30 })],
    ['corrupted', (random: SimRandom): LinkOptions => ({ random, corruption: 30 })],
  ] as const) {
    againstEachPeer(`${HANDSHAKES} handshakes of which 30% are ${what}: skein connects`, async (peer) => {
      await using server = await startPeerServer(peer, ['--root', small.folder, ...patientPeer]);
      await nearlyAll(async (number) => {
        const link = await EmulatedLink.start(server.port, makes(randomFor(`${what} ${peer} ${number}`)));
        await using client = skeinClient(server, { serverPort: link.port, ...patient });
        await fetchAll(await client.connect(), small);
      });
    });

    againstEachPeer(
      `${HANDSHAKES} handshakes of which 30% are ${what}: skein serves`,
      async (peer) => {
        await using skein = await startSkeinServer(small, patient);
        await nearlyAll(async (number) => {
          const link = await EmulatedLink.start(skein.port, makes(randomFor(`${what} serves ${peer} ${number}`)));
          await using client = startPeerClient(peer, link.port, [...patientPeer, '--get', '/1k']);
          await client.done();
          assertFetched(client.all('file'), small);
        });
      },
      // Fifty processes of aioquic would be the whole machine for a minute.
      ['quinn'],
    );
  }

  // RFC 9000 8.1: three times what came from an address that is not validated
  const isSecondToSeventh = (number: number): boolean => number >= 2 && number <= 7;
  againstEachPeer('nine certificates, and six datagrams of the client lost: skein serves', async (peer) => {
    const identity = { certPath: certificateFile('chain9.pem'), keyPath: certificateFile('chain9-key.pem') };
    await using skein = await startSkeinServer(small, { ...patient, ...identity });
    /** What the server had sent, and had got, when the client's datagrams began to come through again. */
    let sent = 0;
    let received = 0;
    const link = await EmulatedLink.start(skein.port, {
      losesFromClient: (number) => {
        if (number <= 8)
          ({ sent, received } = { sent: link.towardsClient.bytes, received: link.towardsServer.delivered });
        return isSecondToSeventh(number);
      },
    });
    await using client = startPeerClient(peer, link.port, ['--insecure', ...patientPeer, '--get', '/1k']);
    await client.done();
    assertFetched(client.all('file'), small);
    assert.ok(received >= 1200);
    assert.ok(sent > 2 * received, `the server sent ${sent} bytes, so that nothing was limited`);
    assert.ok(sent <= 3 * received, `the server sent ${sent} bytes for ${received}`);
  });

  againstEachPeer('nine certificates, and six datagrams of the client lost: skein connects', async (peer) => {
    const chain = ['--cert', certificateFile('chain9.pem'), '--key', certificateFile('chain9-key.pem')];
    await using server = await startPeerServer(peer, ['--root', small.folder, ...chain, ...patientPeer]);
    const link = await EmulatedLink.start(server.port, { losesFromClient: isSecondToSeventh });
    await using client = skeinClient(server, { serverPort: link.port, ...patient, verifyPeer: false });
    const body = await fetchFile(await client.connect(), '/1k');
    assert.equal(sha256(body), small.byPath.get('/1k')?.sha256);
  });
});
