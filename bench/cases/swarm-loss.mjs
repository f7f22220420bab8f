// Independent requests over a link that loses packets: what is lost holds up everything behind it on one TCP connection.
import { measurePair } from '../lib/pair.mjs';
import { openWire } from '../lib/wire.mjs';

const DELAY = 25;
const LOSS = 1;
const PER_SECOND = 200;

async function onWire(measure) {
  const wire = openWire({ delayMs: DELAY, lossPercent: LOSS });
  try {
    const { client, server } = await measure(wire);
    const { p50Ms, p90Ms, p99Ms, p999Ms, maxMs, cpuMs } = client;
    return { p50Ms, p90Ms, p99Ms, p999Ms, maxMs, clientCpuMs: cpuMs, serverCpuMs: server.cpuMs };
  } finally {
    wire.close();
  }
}

const skein = (_context, seconds) =>
  onWire((wire) =>
    measurePair('peer-swarm.mjs', {
      wire,
      serverArgs: ['server', wire.serverAddress],
      clientArgs: (port) => ['client', wire.serverAddress, port, 'rate', PER_SECOND, seconds],
    }),
  );

const ws = ({ certificates: { cert, key, ca } }, seconds) =>
  onWire((wire) =>
    measurePair('peer-ws.mjs', {
      wire,
      serverArgs: ['server', cert, key, wire.serverAddress],
      clientArgs: (port) => ['client', wire.serverAddress, port, ca, 'rate', PER_SECOND, seconds],
    }),
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

/** The case; looks first whether it can run. */
export function swarmLoss() {
  const missing = obstacle();
  return {
    name: 'lossy',
    title: `${PER_SECOND} independent requests a second of 256 to 4096 bytes, ${2 * DELAY} ms round trip, ${LOSS}% of packets lost each way`,
    unit: 'second',
    size: { full: 60, quick: 2 },
    sides: missing === undefined ? { skein, 'ws, JSON over TLS': ws } : {},
    missing: missing === undefined ? [] : [missing],
    results: [
      {
        label: 'p99 of skein / p99 of ws',
        value: (medians) => medians.skein?.p99Ms / medians['ws, JSON over TLS']?.p99Ms,
        atMost: 0.5,
      },
    ],
  };
}
