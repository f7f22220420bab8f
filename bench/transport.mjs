// node bench/transport.mjs [--quick] [--only NAME,...] [--rounds N] [--json FILE] [--install]
//
// Measures the transport against what else there is, all in one run: in each round every side has its turn, so that a
// busy moment of the machine hits all alike; of all rounds the median counts. Client and server are processes of their
// own; CPU time is that of both.
//
//   --quick        tiny sizes and one round: does everything still run? The numbers mean nothing.
//   --only         some cases, by name or its beginning
//   --rounds       rounds per case; default 5
//   --json FILE    every sample, the medians and the results
//   --install      first installs the foreign QUIC that is measured against, into .tmp/bench
//
// SKEIN_DIST names another build to measure. Exit code 1: a case failed. A missed target is a result, no failure.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { handshakes } from './cases/handshakes.mjs';
import { idleConnections } from './cases/idle.mjs';
import { transfers } from './cases/transfers.mjs';
import { installLibp2p } from './lib/libp2p.mjs';
import { loadTesting } from './lib/skein.mjs';
import { medians } from './lib/statistics.mjs';
import { formatResults, formatSides } from './lib/table.mjs';

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string' },
    json: { type: 'string' },
    install: { type: 'boolean', default: false },
  },
});

async function writeCertificates(folder) {
  const { createCertificateAuthority } = await loadTesting();
  const authority = await createCertificateAuthority();
  const { certificate, key } = await authority.issue({ names: ['localhost'], ips: ['127.0.0.1'] });
  const paths = { ca: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  writeFileSync(paths.ca, authority.certificate);
  writeFileSync(paths.cert, certificate);
  writeFileSync(paths.key, key, { mode: 0o600 });
  return paths;
}

/** Results with their targets: `met` is undefined where there is no target, or no value. */
function conclude(results, byMedian) {
  return results.flatMap(({ label, value, atLeast, atMost }) => {
    const measured = value(byMedian);
    if (!Number.isFinite(measured)) return [];
    const met =
      atLeast === undefined && atMost === undefined
        ? undefined
        : measured >= (atLeast ?? -Infinity) && measured <= (atMost ?? Infinity);
    return [{ label, value: measured, atLeast, atMost, met }];
  });
}

async function measureCase(benchmark, context, rounds) {
  const size = benchmark.size[context.quick ? 'quick' : 'full'];
  const samples = Object.fromEntries(Object.keys(benchmark.sides).map((side) => [side, []]));
  const loads = [];
  for (let round = 0; round < Math.min(rounds, benchmark.rounds ?? rounds); round++) {
    loads.push(loadavg()[0]);
    for (const [side, measure] of Object.entries(benchmark.sides)) samples[side].push(await measure(context, size));
  }
  const byMedian = Object.fromEntries(Object.entries(samples).map(([side, all]) => [side, medians(all)]));
  const { name, title, unit, missing = [] } = benchmark;
  return {
    name,
    title,
    unit,
    size,
    missing,
    loads,
    medians: byMedian,
    results: conclude(benchmark.results, byMedian),
    samples,
  };
}

if (flags.install) installLibp2p();
const wanted = flags.only?.split(',') ?? [''];
const chosen = [...transfers, ...handshakes, ...idleConnections].filter(({ name }) =>
  wanted.some((beginning) => name.startsWith(beginning)),
);
const rounds = flags.quick ? 1 : Number(flags.rounds ?? 5);
const folder = mkdtempSync(join(tmpdir(), 'skein-bench-'));
const machine = {
  processor: cpus()[0]?.model,
  cores: cpus().length,
  node: process.version,
  platform: process.platform,
};
const report = { date: new Date().toISOString(), machine, quick: flags.quick, rounds, cases: [] };
console.log(`${machine.processor}, ${machine.cores} cores, Node ${machine.node}, ${machine.platform}, ${report.date}`);
if (flags.quick) console.log('Quick run: it shows that everything runs; the numbers mean nothing.');
try {
  const context = { quick: flags.quick, certificates: await writeCertificates(folder) };
  for (const benchmark of chosen) {
    try {
      const measured = await measureCase(benchmark, context, rounds);
      report.cases.push(measured);
      console.log(
        `\n${measured.title} (${measured.name}, ${measured.size}; load ${measured.loads.map((load) => load.toFixed(1)).join(' ')})`,
      );
      for (const name of measured.missing) console.log(`  skipped: ${name} is not installed`);
      console.log(formatSides(measured));
      console.log(formatResults(measured));
    } catch (error) {
      process.exitCode = 1;
      console.error(`\n${benchmark.title} (${benchmark.name}) failed: ${error.stack}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (flags.json) writeFileSync(flags.json, `${JSON.stringify(report, undefined, 1)}\n`);
