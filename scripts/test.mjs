// `npm test`: makes the checkout ready and runs suites with Node's test runner.
//
//   npm test                                   unit, property, sim, integration, packaging
//   npm test -- unit sim                       some suites (folders of test/)
//   npm test -- test/unit/errors.test.ts       some files
//   npm test -- unit --test-name-pattern=pins  options of node --test go through
//
// SKEIN_TEST_REPORT=FILE also writes TAP reports, FILE.0 and so on, which .ci/run counts.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { root } from './build.mjs';
import { setupOrExit } from './setup.mjs';

const defaultSuites = ['unit', 'property', 'sim', 'integration', 'packaging'];
/** Suites that take long: longer before a file counts as stuck, and only so many files at a time. */
const heavySuites = new Map([
  // They build and download into folders that they share.
  ['packaging', 1],
  ['runtimes', 1],
  // Several processes each, which wait for one another more than they compute.
  ['conformance', 2],
  ['e2e', 2],
  ['interop', 2],
  ['soak', 2],
]);
const minute = 60_000;

function testFiles(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.test\.(ts|mjs)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

/** Files that an argument names: a suite, a folder or a file. */
function expand(argument) {
  const candidates = [join(root, 'test', argument), join(root, argument)];
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined) {
    console.error(`test: there is no suite, folder or file ${argument} (suites are the folders of test/)`);
    process.exit(2);
  }
  return statSync(found).isDirectory() ? testFiles(found) : [relative(root, found)];
}

function run(files, options, { concurrency, timeout, report }) {
  const reporters = ['--test-reporter=spec', '--test-reporter-destination=stdout'];
  if (report) reporters.push('--test-reporter=tap', `--test-reporter-destination=${report}`);
  const flags = ['--import', 'tsx', '--test', `--test-concurrency=${concurrency}`, `--test-timeout=${timeout}`];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...flags, ...reporters, ...options, ...files], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

const options = process.argv.slice(2).filter((argument) => argument.startsWith('-'));
const named = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
setupOrExit();

const suites = named.length > 0 ? named : defaultSuites.filter((suite) => existsSync(join(root, 'test', suite)));
const files = [...new Set(suites.flatMap(expand))];
if (files.length === 0) {
  console.error(`test: no *.test.ts in ${suites.join(', ')}`);
  process.exit(2);
}
const report = process.env.SKEIN_TEST_REPORT;
const suiteOf = (file) => file.split(/[\\/]/)[1] ?? '';
/** Files that run together: the light ones, then the heavy ones by how many of them may run at a time. */
const batches = [
  { concurrency: availableParallelism(), timeout: 3 * minute, isOf: (file) => !heavySuites.has(suiteOf(file)) },
  ...[1, 2].map((concurrency) => ({
    concurrency,
    timeout: 15 * minute,
    isOf: (file) => heavySuites.get(suiteOf(file)) === concurrency,
  })),
];

let status = 0;
for (const [index, { concurrency, timeout, isOf }] of batches.entries()) {
  const batch = files.filter(isOf);
  if (batch.length === 0) continue;
  const ended = await run(batch, options, { concurrency, timeout, report: report && `${report}.${index}` });
  status ||= ended;
}
process.exitCode = status;
