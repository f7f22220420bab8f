// Runs benchmark cases: in each round every side has its turn, in every second round the other way around, so that a busy moment of
// the machine hits all alike. Ratios are made within each round; of all rounds the median counts. What `bench/transport.mjs`
// and `bench/http3.mjs` share.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadTesting } from './skein.mjs';
import { median, medians } from './statistics.mjs';
import { formatResults, formatSides } from './table.mjs';

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

/**
 * Results with their targets, and what each round gave: `met` is undefined where there is no target, or no value.
 *
 * @param rounds samples by side, of each round
 */
function conclude(results, rounds) {
  return results.flatMap(({ label, value, atLeast, atMost }) => {
    const each = rounds.map((samples) => value(samples)).filter(Number.isFinite);
    if (each.length === 0) return [];
    const measured = median(each);
    const met =
      atLeast === undefined && atMost === undefined
        ? undefined
        : measured >= (atLeast ?? -Infinity) && measured <= (atMost ?? Infinity);
    return [{ label, value: measured, each, atLeast, atMost, met }];
  });
}

async function measureCase(benchmark, context, mostRounds) {
  const size = benchmark.size[context.quick ? 'quick' : 'full'];
  const sides = Object.entries(benchmark.sides);
  const rounds = [];
  const loads = [];
  while (rounds.length < Math.min(mostRounds, benchmark.rounds ?? mostRounds)) {
    loads.push(loadavg()[0]);
    const samples = {};
    for (const [side, measure] of rounds.length % 2 === 0 ? sides : sides.toReversed()) {
      samples[side] = await measure(context, size);
    }
    rounds.push(samples);
  }
  const samples = Object.fromEntries(sides.map(([side]) => [side, rounds.map((round) => round[side])]));
  const { name, title, unit, missing = [] } = benchmark;
  return {
    name,
    title,
    unit,
    size,
    missing,
    loads,
    medians: Object.fromEntries(Object.entries(samples).map(([side, all]) => [side, medians(all)])),
    results: conclude(benchmark.results, rounds),
    samples,
  };
}

function readFlags() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      sides: { type: 'string' },
      rounds: { type: 'string' },
      json: { type: 'string' },
      install: { type: 'boolean', default: false },
    },
  });
  return { ...values, rounds: values.quick ? 1 : Number(values.rounds ?? 5) };
}

/** A case with those of its sides that were named. */
function withSides(benchmark, names) {
  if (names === undefined) return benchmark;
  const sides = Object.entries(benchmark.sides).filter(([side]) => names.includes(side));
  return { ...benchmark, sides: Object.fromEntries(sides) };
}

/**
 * Runs what the command line chooses, and prints it. Exit code 1: a case failed. A missed target is a result, no failure.
 *
 * @param install puts the foreign packages that are measured against where the cases look for them
 * @param makeCases a function, called after the installation
 */
export async function runBenchmark({ install, makeCases }) {
  const flags = readFlags();
  if (flags.install) install();
  const wanted = flags.only?.split(',') ?? [''];
  const chosen = makeCases()
    .filter(({ name }) => wanted.some((beginning) => name.startsWith(beginning)))
    .map((benchmark) => withSides(benchmark, flags.sides?.split(';')));
  const folder = mkdtempSync(join(tmpdir(), 'skein-bench-'));
  const machine = {
    processor: cpus()[0]?.model,
    cores: cpus().length,
    node: process.version,
    platform: process.platform,
  };
  const report = { date: new Date().toISOString(), machine, quick: flags.quick, rounds: flags.rounds, cases: [] };
  console.log(
    `${machine.processor}, ${machine.cores} cores, Node ${machine.node}, ${machine.platform}, ${report.date}`,
  );
  if (flags.quick) console.log('Quick run: it shows that everything runs; the numbers mean nothing.');
  try {
    const context = { quick: flags.quick, certificates: await writeCertificates(folder) };
    for (const benchmark of chosen) {
      try {
        const measured = await measureCase(benchmark, context, flags.rounds);
        report.cases.push(measured);
        const loads = measured.loads.map((load) => load.toFixed(1)).join(' ');
        console.log(`\n${measured.title} (${measured.name}, ${measured.size}; load ${loads})`);
        for (const name of measured.missing) console.log(`  skipped: ${name}`);
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
}
