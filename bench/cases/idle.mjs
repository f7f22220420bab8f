// What connections cost that do nothing.
import { setTimeout as pause } from 'node:timers/promises';
import { startPeer } from '../lib/pair.mjs';

const KIB = 1024;
/** Handshakes end, acknowledgements go out, the path MTU is found. */
const SETTLE_MS = { full: 5000, quick: 500 };
const WATCH_MS = { full: 10_000, quick: 500 };

async function look(peer) {
  peer.say('cpu');
  return peer.next();
}

/** KiB per connection. */
function memory(before, after, count) {
  const engine = (after.engineMemory - before.engineMemory) / KIB / count;
  const heap = (after.heapUsed - before.heapUsed) / KIB / count;
  return { engine, heap, rss: (after.rss - before.rss) / KIB / count };
}

const idle =
  (options) =>
  async ({ certificates: { cert, key, ca }, quick }, count) => {
    const json = JSON.stringify(options);
    const speed = quick ? 'quick' : 'full';
    const flags = { execArgv: ['--expose-gc'] };
    const server = startPeer('peer-idle.mjs', ['server', cert, key, json], flags);
    let client;
    try {
      const { port } = await server.next();
      client = startPeer('peer-idle.mjs', ['client', port, ca, count, json], flags);
      await client.next();
      await pause(SETTLE_MS[speed]);
      const before = { client: await look(client), server: await look(server) };
      client.say('open');
      await client.next();
      await pause(SETTLE_MS[speed]);
      const opened = { client: await look(client), server: await look(server) };
      await pause(WATCH_MS[speed]);
      const after = { client: await look(client), server: await look(server) };
      if (after.server.activeConnections !== count) {
        const ends = JSON.stringify([after.client.ends, after.server.ends]);
        throw new Error(
          `${after.server.activeConnections} of ${count} connections are open; the others ended: ${ends}`,
        );
      }
      const c = memory(before.client, opened.client, count);
      const s = memory(before.server, opened.server, count);
      return {
        clientKib: c.engine + c.heap,
        clientEngineKib: c.engine,
        clientHeapKib: c.heap,
        clientRssKib: c.rss,
        serverKib: s.engine + s.heap,
        serverEngineKib: s.engine,
        serverHeapKib: s.heap,
        serverRssKib: s.rss,
        clientWakeUps: after.client.timers - opened.client.timers,
        serverWakeUps: after.server.timers - opened.server.timers,
        bytesOnTheWire: after.client.bytes - opened.client.bytes,
      };
    } finally {
      await Promise.all([client?.stop(), server.stop()]);
    }
  };

export const idleConnections = [
  {
    name: 'idle',
    title: 'Idle connections: KiB each, and wake-ups in ten seconds',
    unit: 'connection',
    size: { full: 1000, quick: 50 },
    rounds: 1,
    // Opening so many takes a while on a busy machine; none shall be given up as idle meanwhile.
    sides: { skein: idle({ maxPathMtu: 1452, idleTimeout: 600_000 }) },
    results: [
      { label: 'KiB per connection, client', value: ({ skein }) => skein.clientKib, atMost: 40 },
      { label: 'KiB per connection, server', value: ({ skein }) => skein.serverKib, atMost: 40 },
      { label: 'timers fired, client', value: ({ skein }) => skein.clientWakeUps, atMost: 0 },
      { label: 'timers fired, server', value: ({ skein }) => skein.serverWakeUps, atMost: 0 },
    ],
  },
];
