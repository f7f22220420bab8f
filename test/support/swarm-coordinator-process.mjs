// A coordinator with its store in a file, which a test kills: swarm-coordinator-process.mjs PORT FILE. Says `up PORT EPOCH AWAITED` when it listens.
import { initSwarm, SqliteStore } from '../../dist/swarm/index.js';

const [port, file] = process.argv.slice(2);
// It does not outlive the test.
process.stdin.on('end', () => process.exit(0)).resume();
const swarm = await initSwarm({
  swarmId: 'test',
  quicPort: Number(port),
  host: '127.0.0.1',
  secret: 'a secret for tests only',
  lease: 1500,
  store: await SqliteStore.open(file),
});
const awaited = swarm.members().flatMap(({ id, awaited }) => (awaited ? [id] : []));
process.stdout.write(`up ${swarm.address.port} ${swarm.epoch} ${awaited.join(',')}\n`);
