/** Datagrams that no honest peer sends, made from those that one did, at a server with live connections. */

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import type { QuicConnection } from '../../src/quic/index.js';
import { echo, EndpointPair, roundTrip } from './quic-pair.js';
import { UdpProxy } from './quic-udp-proxy.js';

/** Random numbers that the seed repeats (mulberry32); 0 to `bound` - 1. */
function generator(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

type Maker = (random: (bound: number) => number, recorded: readonly Buffer[]) => Buffer;

function noise(random: (bound: number) => number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; at++) bytes[at] = random(256);
  return bytes;
}

const pick: Maker = (random, recorded) => Buffer.from(recorded[random(recorded.length)]!);

/** The kinds of bad input, each as likely as the others. */
const MAKERS: Readonly<Record<string, Maker>> = {
  random: (random) => noise(random, random(1500)),
  /** The outside of an Initial packet of version 1, with connection IDs and token of any length. */
  randomInitial(random) {
    const bytes = noise(random, 1200);
    bytes[0] = 0xc0 | random(64);
    bytes.writeUInt32BE(1, 1);
    bytes[5] = random(24);
    return bytes;
  },
  otherVersion(random, recorded) {
    const bytes = pick(random, recorded);
    bytes[0]! |= 0x80;
    bytes.writeUInt32BE(random(2 ** 32), 1);
    return bytes;
  },
  truncated(random, recorded) {
    const bytes = pick(random, recorded);
    return bytes.subarray(0, random(bytes.length));
  },
  bitsFlipped(random, recorded) {
    const bytes = pick(random, recorded);
    for (let flips = 1 + random(8); flips > 0; flips--) bytes[random(bytes.length)]! ^= 1 << random(8);
    return bytes;
  },
  /** Flipped where the headers are. */
  headersFlipped(random, recorded) {
    const bytes = pick(random, recorded);
    bytes[random(Math.min(30, bytes.length))]! ^= 1 << random(8);
    return bytes;
  },
  replayed: pick,
  glued(random, recorded) {
    return Buffer.concat([pick(random, recorded), pick(random, recorded)]).subarray(0, 1 + random(3000));
  },
};

export interface AttackOptions {
  readonly datagrams: number;
  readonly seed: number;
}

/** What was measured around the attack. */
export interface AttackReport {
  readonly engineMemoryBefore: number;
  readonly engineMemoryAfter: number;
  readonly roundTrips: number;
}

/** Datagrams between two looks at the live connection: what a small socket buffer holds. */
const BATCH = 100;

/** Sends bad input at a server while connections work, and fails when one of them notices. */
export async function attack({ datagrams, seed }: AttackOptions): Promise<AttackReport> {
  // Replayed first flights are real attempts, which nobody completes: they must go before too many pile up.
  await using pair = await EndpointPair.start({
    server: { maxConnections: 100 },
    listen: { connectionTimeout: 300, retry: { fromHandshakes: 20 } },
  });
  const proxy = await UdpProxy.start(pair.server.address.port);
  proxy.recording = [];
  const [proxied, accepted] = await Promise.all([pair.dial({ maxPathMtu: 1400 }, proxy.port), pair.accepted()]);
  const direct = await pair.connect({ resumption: false });
  const servers: QuicConnection[] = [accepted, direct.server];
  for (const server of servers) echo(server);
  const bytes = new Uint8Array(20_000).map((_, index) => index * 7);
  for (let turn = 0; turn < 5; turn++) await roundTrip(proxied, bytes);
  const recorded = proxy.recording;
  proxy.recording = undefined;
  assert.ok(recorded.length > 10);
  const remotes = servers.map((server) => server.remoteAddress.port);

  const random = generator(seed);
  const makers = Object.values(MAKERS);
  // Some from a stranger's address, some from the address of the live client.
  const stranger = createSocket('udp4').on('error', () => undefined);
  const send = (datagram: Buffer): void => {
    if (random(2) === 0) proxy.inject(datagram);
    else stranger.send(datagram, pair.server.address.port, '127.0.0.1');
  };
  let engineMemoryBefore = 0;
  let roundTrips = 0;
  for (let sent = 0; sent < datagrams; ) {
    for (let count = 0; count < BATCH && sent < datagrams; count++, sent++) {
      send(makers[random(makers.length)]!(random, recorded));
    }
    const client = random(2) === 0 ? proxied : direct.client;
    const back = await roundTrip(client, bytes);
    assert.ok(Buffer.from(back).equals(bytes), 'a live connection got other bytes than were sent');
    roundTrips++;
    // A quarter of the way everything has been seen that ever needs memory.
    if (engineMemoryBefore === 0 && sent >= datagrams / 4) engineMemoryBefore = pair.server.stats().engineMemory;
  }
  stranger.close();
  assert.deepEqual(
    servers.map((server) => server.remoteAddress.port),
    remotes,
    'a live connection was moved',
  );
  assert.deepEqual(
    [proxied, direct.client, ...servers].map((connection) => connection.isClosed),
    [false, false, false, false],
  );
  return { engineMemoryBefore, engineMemoryAfter: pair.server.stats().engineMemory, roundTrips };
}
