// `npm test`: makes the checkout ready and runs suites with Node's test runner.
//
//   npm test                                   unit, property, sim, integration, packaging
//   npm test -- unit sim                       some suites (folders of test/)
//   npm test -- test/unit/errors.test.ts       some files
//   npm test -- unit --test-name-pattern=pins  options of node --test go through
//
// SKEIN_TEST_REPORT=FILE also writes a TAP report there, which .ci/run counts.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { root } from './build.mjs';
import { setupOrExit } from './setup.mjs';

const defaultSuites = ['unit', 'property', 'sim', 'integration', 'packaging'];
/** Suites that use the whole machine, or measure it: one file at a time, and longer before a file counts as stuck. */
const heavySuites = new Set(['conformance', 'interop', 'runtimes', 'e2e', 'soak', 'packaging']);
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
const isHeavy = (file) => heavySuites.has(file.split(/[\\/]/)[1] ?? '');
const light = files.filter((file) => !isHeavy(file));
const heavy = files.filter(isHeavy);
const report = process.env.SKEIN_TEST_REPORT;

let status = 0;
if (light.length > 0) {
  status ||= await run(light, options, { concurrency: availableParallelism(), timeout: 3 * minute, report });
}
if (heavy.length > 0) {
  const second = report && light.length > 0 ? `${report}.heavy` : report;
  const ended = await run(heavy, options, { concurrency: 1, timeout: 15 * minute, report: second });
  status ||= ended;
}
process.exitCode = status;
