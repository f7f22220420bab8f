// Memory: of a request that waits for its response, and of field lines.
import { setTimeout as pause } from 'node:timers/promises';
import { startPeer } from '../lib/pair.mjs';

const KIB = 1024;
const SETTLE_MS = { full: 3000, quick: 300 };

async function look(peer) {
  peer.say('cpu');
  return peer.next();
}

async function idleRequests({ certificates: { cert, key, ca }, quick }, count) {
  const settle = () => pause(SETTLE_MS[quick ? 'quick' : 'full']);
  const flags = { execArgv: ['--expose-gc'] };
  const server = startPeer('peer-idle-requests.mjs', ['server', cert, key], flags);
  let client;
  try {
    const { port } = await server.next();
    client = startPeer('peer-idle-requests.mjs', ['client', port, ca, count], flags);
    await client.next();
    await settle();
    const before = { client: await look(client), server: await look(server) };
    client.say('open');
    await client.next();
    await settle();
    const after = { client: await look(client), server: await look(server) };
    if (after.server.open !== count) throw new Error(`${after.server.open} of ${count} requests wait`);
    const each = (side, what) => (after[side][what] - before[side][what]) / KIB / count;
    return {
      clientKib: each('client', 'engineMemory') + each('client', 'heapUsed'),
      clientEngineKib: each('client', 'engineMemory'),
      clientHeapKib: each('client', 'heapUsed'),
      clientRssKib: each('client', 'rss'),
      serverKib: each('server', 'engineMemory') + each('server', 'heapUsed'),
      serverEngineKib: each('server', 'engineMemory'),
      serverHeapKib: each('server', 'heapUsed'),
      serverRssKib: each('server', 'rss'),
    };
  } finally {
    await Promise.all([client?.stop(), server.stop()]);
  }
}

/** Bytes of heap that one more field line takes in a request, both sides together. */
async function fieldBytes() {
  const peer = startPeer('peer-fields.mjs', [], { execArgv: ['--expose-gc', '--max-semi-space-size=512'] });
  try {
    return await peer.next();
  } finally {
    await peer.stop();
  }
}

export const memoryCases = [
  {
    name: 'idle-requests',
    title: 'Requests that wait for their response: KiB each',
    unit: 'request',
    size: { full: 5000, quick: 200 },
    rounds: 1,
    sides: { skein: idleRequests },
    results: [
      { label: 'KiB per waiting request, client', value: ({ skein }) => skein.clientKib },
      { label: 'KiB per waiting request, server', value: ({ skein }) => skein.serverKib },
    ],
  },
  {
    name: 'fields',
    title: 'A field line with a value of 40 characters in a request: bytes of heap, both sides together',
    unit: 'line',
    size: { full: 2000, quick: 2000 },
    sides: { skein: fieldBytes },
    results: [
      { label: 'bytes a line that came before', value: ({ skein }) => skein.repeatedBytes },
      {
        label: 'bytes a line with a new value, of which its string takes 56',
        value: ({ skein }) => skein.changingBytes,
      },
    ],
  },
];
