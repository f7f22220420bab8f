// Requests from agent to agent, against what a person would use instead.
import { measurePair } from '../lib/pair.mjs';

function perRequest({ client, server }, count) {
  return {
    perSecond: (count / client.wallMs) * 1000,
    cpuUsPerRequest: ((client.cpuMs + server.cpuMs) * 1000) / count,
    clientCpuMs: client.cpuMs,
    serverCpuMs: server.cpuMs,
  };
}

const skein = (atATime) => async (_context, count) =>
  perRequest(
    await measurePair('peer-swarm.mjs', {
      serverArgs: ['server'],
      clientArgs: (port) => ['client', '127.0.0.1', port, 'turns', count, atATime],
    }),
    count,
  );

const ws =
  (atATime) =>
  async ({ certificates: { cert, key, ca } }, count) =>
    perRequest(
      await measurePair('peer-ws.mjs', {
        serverArgs: ['server', cert, key],
        clientArgs: (port) => ['client', '127.0.0.1', port, ca, 'turns', count, atATime],
      }),
      count,
    );

const requests = (atATime, full) => ({
  name: `request-${atATime}`,
  title: `Requests of 256 bytes from agent to agent, and answers as long, ${atATime} at a time`,
  unit: 'request',
  size: { full, quick: 100 },
  sides: { skein: skein(atATime), 'ws, JSON over TLS': ws(atATime) },
  results: [
    {
      label: 'skein / ws',
      value: (round) => round.skein.perSecond / round['ws, JSON over TLS'].perSecond,
      atLeast: 1,
    },
    {
      label: 'skein / ws by CPU time',
      value: (round) => round['ws, JSON over TLS'].cpuUsPerRequest / round.skein.cpuUsPerRequest,
    },
  ],
});

export const swarmRequests = [requests(1, 10_000), requests(32, 200_000), requests(100, 200_000)];
