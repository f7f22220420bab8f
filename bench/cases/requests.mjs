// Requests: small ones in numbers, and a large download, over HTTP/3 and over what else there is, in the same run.
import { currentspaceNode, currentspaceVersion, hasCurrentspace } from '../lib/currentspace.mjs';
import { measurePair } from '../lib/pair.mjs';

/** Rate, and CPU time of both sides, per unit of work. */
function sampleOf({ client, server }, units) {
  return {
    perSecond: (units / client.wallMs) * 1000,
    cpuMsPerUnit: (client.cpuMs + server.cpuMs) / units,
    clientCpuMs: client.cpuMs,
    serverCpuMs: server.cpuMs,
  };
}

function skein(handler, api, work) {
  return async ({ certificates: { cert, key, ca } }, size) => {
    const pair = await measurePair('peer-http3.mjs', {
      serverArgs: ['server', handler, cert, key],
      clientArgs: (port) => ['client', api, port, ca, work, size],
    });
    return sampleOf(pair, size);
  };
}

function http2(handler, api, work) {
  return async ({ certificates: { cert, key, ca } }, size) => {
    const pair = await measurePair('peer-http2.mjs', {
      serverArgs: ['server', handler, cert, key],
      clientArgs: (port) => ['client', api, port, ca, work, size],
    });
    return sampleOf(pair, size);
  };
}

function currentspace(work) {
  return async ({ certificates: { cert, key, ca } }, size) => {
    const pair = await measurePair('peer-currentspace.mjs', {
      serverArgs: ['server', cert, key],
      clientArgs: (port) => ['client', port, ca, work, size],
      execPath: currentspaceNode,
    });
    return sampleOf(pair, size);
  };
}

/** The raw transport: the server sends on a stream, and nothing else. */
function rawStream() {
  return async ({ certificates: { cert, key, ca } }, size) => {
    const pair = await measurePair('peer-skein.mjs', {
      serverArgs: ['server', cert, key],
      clientArgs: (port) => ['client', port, ca, 'download', size],
    });
    return sampleOf(pair, size);
  };
}

const currentspaceName = `@currentspace/http3 ${currentspaceVersion}, wasm server`;

const against = (side, name, atLeast) => ({
  label: `${side} / ${name}`,
  value: (round) => round[side]?.perSecond / round[name]?.perSecond,
  atLeast,
});

function smallRequests(work, atATime) {
  const isThere = hasCurrentspace();
  return {
    name: work,
    title: `GET of 1 KB, ${atATime} at a time, one connection`,
    unit: 'request',
    size: { full: 40_000, quick: 200 },
    missing: isThere ? [] : [`${currentspaceName} is not installed (node bench/http3.mjs --install)`],
    sides: {
      'skein, stream handler': skein('stream', 'sendRequest', work),
      'skein, fetch handler': skein('fetch', 'sendRequest', work),
      'skein, fetch handler, Http3Agent': skein('fetch', 'agent', work),
      'skein, fetch handler, fetch': skein('fetch', 'fetch', work),
      'node:http2, stream handler': http2('stream', 'session', work),
      'node:http2, fetch handler': http2('fetch', 'session', work),
      'undici over HTTP/2, fetch handler': http2('fetch', 'agent', work),
      'fetch of undici over HTTP/2, fetch handler': http2('fetch', 'fetch', work),
      ...(isThere && { [currentspaceName]: currentspace(work) }),
    },
    results: [
      against('skein, stream handler', 'node:http2, stream handler', 1),
      against('skein, fetch handler', 'node:http2, stream handler', 1),
      against('skein, fetch handler', 'node:http2, fetch handler'),
      against('skein, fetch handler', currentspaceName, 2),
      against('skein, fetch handler, Http3Agent', 'undici over HTTP/2, fetch handler'),
      against('skein, fetch handler, fetch', 'fetch of undici over HTTP/2, fetch handler'),
    ],
  };
}

/** Made when called: whether the foreign package is there may change before. */
export const makeRequests = () => [
  smallRequests('get-32', 32),
  smallRequests('get-100', 100),
  {
    name: 'download',
    title: 'GET of 64 MiB',
    unit: 'MiB',
    size: { full: 64, quick: 2 },
    sides: {
      'skein, sendRequest': skein('fetch', 'sendRequest', 'download'),
      'skein, sendRequest, stream handler': skein('stream', 'sendRequest', 'download'),
      'skein, sendRequest, length not stated': skein('fetch', 'sendRequest', 'download-unstated'),
      'skein, Http3Agent': skein('fetch', 'agent', 'download'),
      'skein, fetch': skein('fetch', 'fetch', 'download'),
      'raw stream of skein': rawStream(),
      'node:http2': http2('stream', 'session', 'download'),
    },
    results: [
      against('skein, sendRequest', 'raw stream of skein', 0.8),
      against('skein, sendRequest, stream handler', 'raw stream of skein', 0.8),
      against('skein, sendRequest, length not stated', 'raw stream of skein', 0.8),
      against('skein, Http3Agent', 'raw stream of skein', 0.8),
      against('skein, fetch', 'raw stream of skein', 0.8),
    ],
  },
];
