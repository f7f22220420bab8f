// Independent requests over a link that loses packets: what is lost holds up everything behind it on one TCP connection.
//
// Load is offered at a fixed rate, the same to both sides, whether earlier requests are answered or not, as that of many users is: then latency
// is what differs. In a closed loop (`lossy-32`) whoever answers faster is asked more often, so that latency is measured at different loads;
// it is here as well, with the rate that each side came to.
//
// What TCP makes of losses depends on its congestion control: `ws` has the kernel's default, which the title names, and CUBIC, the default of most.
import { readFileSync } from 'node:fs';
import { measurePair } from '../lib/pair.mjs';
import { openWire } from '../lib/wire.mjs';

const DELAY = 25;
const LOSS = 1;
const WIRE = `${2 * DELAY} ms round trip, ${LOSS}% of packets lost each way`;

/** TCP's congestion control where nobody names another. */
function kernelsDefault() {
  try {
    return readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

async function onWire(measure, tcp) {
  const wire = openWire({ delayMs: DELAY, lossPercent: LOSS, tcp });
  try {
    const { client, server } = await measure(wire);
    const { p50Ms, p90Ms, p99Ms, p999Ms, maxMs, cpuMs, count, wallMs } = client;
    const answeredPerSecond = (count / wallMs) * 1000;
    return { p50Ms, p90Ms, p99Ms, p999Ms, maxMs, answeredPerSecond, clientCpuMs: cpuMs, serverCpuMs: server.cpuMs };
  } finally {
    wire.close();
  }
}

const skein = (work) => (_context, size) =>
  onWire((wire) =>
    measurePair('peer-swarm.mjs', {
      wire,
      serverArgs: ['server', wire.serverAddress],
      clientArgs: (port) => ['client', wire.serverAddress, port, ...work(size)],
    }),
  );

const ws =
  (work, tcp) =>
  ({ certificates: { cert, key, ca } }, size) =>
    onWire(
      (wire) =>
        measurePair('peer-ws.mjs', {
          wire,
          serverArgs: ['server', cert, key, wire.serverAddress],
          clientArgs: (port) => ['client', wire.serverAddress, port, ca, ...work(size)],
        }),
      tcp,
    );

/** Why there is no wire here; `undefined` when there is one. */
function obstacle() {
  try {
    openWire({ delayMs: DELAY, lossPercent: LOSS }).close();
    return undefined;
  } catch (error) {
    return `no wire that loses packets can be made here: ${error.message}`;
  }
}

const atRate = (name, work, perSecond, sizes) => ({
  name,
  title: `${perSecond} independent requests a second of ${sizes}, answers as long, ${WIRE}`,
  unit: 'second',
  size: { full: 60, quick: 2 },
  work: (seconds) => [work, perSecond, seconds],
});

const CASES = [
  atRate('lossy-200', 'rate', 200, '256 bytes'),
  atRate('lossy-500', 'rate', 500, '256 bytes'),
  atRate('lossy-mixed', 'mixed-rate', 200, '256 to 4096 bytes'),
  {
    name: 'lossy-32',
    title: `Requests of 256 bytes, answers as long, 32 at a time, ${WIRE}`,
    unit: 'request',
    size: { full: 20_000, quick: 200 },
    work: (count) => ['turns', count, 32],
  },
];

/** The cases; looks first whether they can run. */
export function swarmLoss() {
  const missing = obstacle();
  const tcp = kernelsDefault();
  const sides = (work) => ({
    skein: skein(work),
    'ws, JSON over TLS': ws(work),
    ...(tcp !== 'cubic' && { 'ws over CUBIC': ws(work, 'cubic') }),
  });
  return CASES.map(({ work, title, ...names }) => ({
    ...names,
    title: `${title}; TCP with ${tcp}`,
    sides: missing === undefined ? sides(work) : {},
    missing: missing === undefined ? [] : [missing],
    results: [
      {
        label: 'p99 of skein / p99 of ws',
        value: (round) => round.skein?.p99Ms / round['ws, JSON over TLS']?.p99Ms,
        atMost: 0.5,
      },
      {
        label: 'p99 of skein / p99 of ws over CUBIC',
        value: (round) => round.skein?.p99Ms / round['ws over CUBIC']?.p99Ms,
      },
    ],
  }));
}
