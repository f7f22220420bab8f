// Transfers: what skein moves, against what else moves bytes in Node, at the same work in the same run.
import { hasLibp2p, libp2pVersion } from '../lib/libp2p.mjs';
import { measurePair } from '../lib/pair.mjs';
import { hasNativeUdp } from '../lib/skein.mjs';

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
      execArgv: options.udp === 'native' ? ['--disable-warning=ExperimentalWarning'] : [],
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
const nativeName = 'skein, native UDP';
const libp2pMissing = [`${libp2pName} is not installed (node bench/transport.mjs --install)`];
const native = await hasNativeUdp();
const withoutNative = native ? [] : [`${nativeName} needs Node.js 26.6 or newer, and Linux`];

/** The sides of a case, with those that are measured where they are there; and the names of what is missing. */
function sidesOf(sides, work, { options = {}, libp2pToo = false } = {}) {
  return {
    sides: {
      ...sides,
      ...(native && { [nativeName]: skein(work, { ...options, udp: 'native' }) }),
      ...(libp2pToo && hasLibp2p() && { [libp2pName]: libp2p(work) }),
    },
    missing: [...withoutNative, ...(libp2pToo && !hasLibp2p() ? libp2pMissing : [])],
  };
}

const against = (name, atLeast, side = 'skein') => ({
  label: `${side} / ${name}`,
  value: (round) => round[side]?.perSecond / round[name]?.perSecond,
  atLeast,
});

/** The same by CPU time, which says more on a busy machine. */
const byCpu = (name, side = 'skein') => ({
  label: `${side} / ${name}, by CPU time`,
  value: (round) => round[name]?.cpuMsPerUnit / round[side]?.cpuMsPerUnit,
});

function smallStreams(name, title, size) {
  const sides = { skein: skein('small'), 'node:http2': node('http2', 'small') };
  return {
    name,
    title,
    unit: 'stream',
    size,
    ...sidesOf(sides, 'small', { libp2pToo: true }),
    results: [against('node:http2', 2), against(libp2pName), against('node:http2', undefined, nativeName)],
  };
}

function upload(name, title, bytes, options) {
  return {
    name,
    title,
    unit: 'MiB',
    // Of few large datagrams sent at once, a busy machine may drop all but one, and one takes no time.
    size: { full: 1024, quick: 32 },
    ...sidesOf({ skein: skein('upload', options), 'node:dgram': dgram(bytes) }, 'upload', { options }),
    results: [
      against('node:dgram', 0.5),
      byCpu('node:dgram'),
      against('node:dgram', 0.5, nativeName),
      byCpu('node:dgram', nativeName),
    ],
  };
}

/** Made when called: whether the foreign package is there may change before. */
export const makeTransfers = () => [
  upload('upload-1452', 'One way on one stream, datagrams of 1452 bytes', 1452, { maxPathMtu: 1452 }),
  upload('upload-loopback', 'One way on one stream, datagrams as large as loopback takes (65,507 bytes)', 65_507),
  {
    name: 'echo',
    title: 'There and back on one stream, SHA-256 checked',
    unit: 'MiB',
    size: { full: 64, quick: 2 },
    ...sidesOf(
      {
        skein: skein('echo'),
        'skein, 1452-byte datagrams': skein('echo', { maxPathMtu: 1452 }),
        ...(native && {
          [`${nativeName}, 1452-byte datagrams`]: skein('echo', { maxPathMtu: 1452, udp: 'native' }),
        }),
        'node:tls': node('tls', 'echo'),
        'node:http2': node('http2', 'echo'),
      },
      'echo',
      { libp2pToo: true },
    ),
    results: [against(libp2pName, 0.6), against('node:tls'), against('node:http2')],
  },
  smallStreams('small', 'Streams of 256 bytes each way, 32 at a time, by processes that have just begun', {
    full: 1000,
    quick: 64,
  }),
  smallStreams('small-warm', 'The same by processes that have done so for a while', { full: 10_000, quick: 100 }),
];
