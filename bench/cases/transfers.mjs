// Transfers: what skein moves, against what else moves bytes in Node, at the same work in the same run.
import { hasLibp2p, libp2pVersion } from '../lib/libp2p.mjs';
import { measurePair } from '../lib/pair.mjs';

const MIB = 1 << 20;

/** Rate, and CPU time of both sides, per unit of work. */
function sampleOf({ client, server }, units) {
  return {
    perSecond: (units / client.wallMs) * 1000,
    cpuMsPerUnit: (client.cpuMs + server.cpuMs) / units,
    clientCpuMs: client.cpuMs,
    serverCpuMs: server.cpuMs,
    ...(client.stats && { packetsLost: client.stats.packetsLost, mtu: client.stats.mtu }),
  };
}

function skein(work, options = {}) {
  const json = JSON.stringify(options);
  return async ({ certificates: { cert, key, ca } }, size) => {
    const pair = await measurePair('peer-skein.mjs', {
      serverArgs: ['server', cert, key, json],
      clientArgs: (port) => ['client', port, ca, work, size, json],
    });
    return sampleOf(pair, size);
  };
}

function node(kind, work) {
  return async ({ certificates: { cert, key, ca } }, size) => {
    const pair = await measurePair('peer-node.mjs', {
      serverArgs: [kind, 'server', cert, key],
      clientArgs: (port) => [kind, 'client', port, ca, work, size],
    });
    return sampleOf(pair, size);
  };
}

function libp2p(work) {
  return async (_context, size) => {
    const pair = await measurePair('peer-libp2p.mjs', {
      serverArgs: ['server'],
      clientArgs: (port) => ['client', port, '-', work, size],
    });
    return sampleOf(pair, size);
  };
}

/** What arrived counts, as long as it took to arrive. */
function dgram(datagramBytes) {
  return async (_context, size) => {
    const { client, server } = await measurePair('peer-dgram.mjs', {
      serverArgs: ['server'],
      clientArgs: (port) => ['client', port, datagramBytes, size],
    });
    const received = server.receivedBytes / MIB;
    return {
      perSecond: (received / server.receiveMs) * 1000,
      cpuMsPerUnit: client.cpuMs / size + server.cpuMs / received,
      clientCpuMs: client.cpuMs,
      serverCpuMs: server.cpuMs,
      percentLost: 100 * (1 - received / size),
    };
  };
}

const libp2pName = `@chainsafe/libp2p-quic ${libp2pVersion}`;

function withLibp2p(sides, work) {
  return hasLibp2p()
    ? { sides: { ...sides, [libp2pName]: libp2p(work) }, missing: [] }
    : { sides, missing: [`${libp2pName} (node bench/transport.mjs --install)`] };
}

const against = (name, atLeast) => ({
  label: `skein / ${name}`,
  value: (medians) => medians.skein.perSecond / medians[name]?.perSecond,
  atLeast,
});

function smallStreams(name, title, size) {
  return {
    name,
    title,
    unit: 'stream',
    size,
    ...withLibp2p({ skein: skein('small'), 'node:http2': node('http2', 'small') }, 'small'),
    results: [against('node:http2', 2), against(libp2pName)],
  };
}

/** Made when called: whether the foreign package is there may change before. */
export const makeTransfers = () => [
  {
    name: 'upload-1452',
    title: 'One way on one stream, datagrams of 1452 bytes',
    unit: 'MiB',
    size: { full: 256, quick: 2 },
    sides: { skein: skein('upload', { maxPathMtu: 1452 }), 'node:dgram': dgram(1452) },
    results: [against('node:dgram', 0.5)],
  },
  {
    name: 'upload-loopback',
    title: 'One way on one stream, datagrams as large as loopback takes (65,507 bytes)',
    unit: 'MiB',
    size: { full: 256, quick: 2 },
    sides: { skein: skein('upload'), 'node:dgram': dgram(65_507) },
    results: [against('node:dgram', 0.5)],
  },
  {
    name: 'echo',
    title: 'There and back on one stream, SHA-256 checked',
    unit: 'MiB',
    size: { full: 64, quick: 2 },
    ...withLibp2p(
      {
        skein: skein('echo'),
        'skein, 1452-byte datagrams': skein('echo', { maxPathMtu: 1452 }),
        'node:tls': node('tls', 'echo'),
        'node:http2': node('http2', 'echo'),
      },
      'echo',
    ),
    results: [against(libp2pName, 0.6), against('node:tls'), against('node:http2')],
  },
  smallStreams('small', 'Streams of 256 bytes each way, 32 at a time, by processes that have just begun', {
    full: 1000,
    quick: 64,
  }),
  smallStreams('small-warm', 'The same by processes that have done so for a while', { full: 10_000, quick: 100 }),
];
