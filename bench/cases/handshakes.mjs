// What a connection costs to make, and how soon the first response comes.
import { createDelayProxy } from '../lib/delay-proxy.mjs';
import { measurePair } from '../lib/pair.mjs';
import { median } from '../lib/statistics.mjs';

function perHandshake({ client, server }, count) {
  return {
    cpuMs: (client.cpuMs + server.cpuMs) / count,
    wallMs: client.wallMs / count,
    clientCpuMs: client.cpuMs / count,
    serverCpuMs: server.cpuMs / count,
  };
}

function skein(options, work = 'handshakes') {
  const json = JSON.stringify({ resumption: false, ownSocket: false, ...options });
  return async ({ certificates: { cert, key, ca } }, count) =>
    perHandshake(
      await measurePair('peer-skein.mjs', {
        serverArgs: ['server', cert, key, json],
        clientArgs: (port) => ['client', port, ca, work, count, json],
      }),
      count,
    );
}

async function tls({ certificates: { cert, key, ca } }, count) {
  return perHandshake(
    await measurePair('peer-node.mjs', {
      serverArgs: ['tls', 'server', cert, key],
      clientArgs: (port) => ['tls', 'client', port, ca, 'handshakes', count],
    }),
    count,
  );
}

/** One way, in milliseconds. */
const DELAY = 50;

async function visits({ certificates: { cert, key, ca } }, count) {
  let proxy;
  try {
    const { client } = await measurePair('peer-skein.mjs', {
      clientScript: 'peer-visits.mjs',
      serverArgs: ['server', cert, key],
      clientArgs: async (port) => {
        proxy = await createDelayProxy(port, DELAY);
        return ['client', proxy.port, ca, count];
      },
    });
    const { pairs } = client;
    const accepted = pairs.filter(({ earlyData }) => earlyData === 'accepted').length;
    return {
      firstVisitMs: median(pairs.map(({ firstMs }) => firstMs)),
      secondVisitMs: median(pairs.map(({ secondMs }) => secondMs)),
      percentAccepted: (100 * accepted) / pairs.length,
    };
  } finally {
    await proxy?.close();
  }
}

/** @param more sides between skein and its peer */
function fullHandshakes(name, title, count, more = {}) {
  return {
    name,
    title,
    unit: 'handshake',
    size: { full: count, quick: 10 },
    sides: { skein: skein({ maxPathMtu: 1452 }), ...more, 'node:tls (TLS 1.3 over TCP)': tls },
    results: [{ label: 'CPU ms of both sides', value: ({ skein: { cpuMs } }) => cpuMs, atMost: 2 }],
  };
}

export const handshakes = [
  fullHandshakes('handshake', 'Full handshakes, one after the other', 500, {
    'skein, closed once the client is ready': skein({ maxPathMtu: 1452 }, 'client-handshakes'),
    'skein, searching for loopback MTU': skein({}),
  }),
  // In processes that live longer: V8 has compiled what is hot after a thousand or so.
  fullHandshakes('many-handshakes', 'Full handshakes, one after the other, of processes that make thousands', 5000),
  {
    name: 'early-data',
    title: `connect to first response byte, ${2 * DELAY} ms round trip`,
    unit: 'visit',
    size: { full: 10, quick: 2 },
    sides: { skein: visits },
    results: [
      {
        label: 'round trips to the first response byte, first visit',
        value: ({ skein: { firstVisitMs } }) => firstVisitMs / (2 * DELAY),
      },
      {
        label: 'round trips to the first response byte, 0-RTT',
        value: ({ skein: { secondVisitMs } }) => secondVisitMs / (2 * DELAY),
        atMost: 1.25,
      },
      {
        label: 'early data accepted, percent',
        value: ({ skein: { percentAccepted } }) => percentAccepted,
        atLeast: 100,
      },
    ],
  },
];
