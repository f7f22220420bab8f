// Prints a table of runtime and case: which echo works where, in how many seconds, and why not.
//
//   node test/runtimes/run.mjs [node20|node22|node24|node26|node26native|bun|deno...]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CASE_NAMES, runEcho } from './echo.mjs';
import { writeCertificates } from './certificates.mjs';
import { install, programOf, RUNTIMES } from './runtimes.mjs';

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !(name in RUNTIMES));
if (unknown.length > 0) {
  console.error(`runtimes: there is no ${unknown.join(', ')}; there are ${Object.keys(RUNTIMES).join(', ')}`);
  process.exit(2);
}
const runtimes = (chosen.length > 0 ? chosen : Object.keys(RUNTIMES)).map((name) => RUNTIMES[name]);
install(runtimes);
const folder = mkdtempSync(join(tmpdir(), 'skein-runtimes-'));
const failures = [];
try {
  const files = await writeCertificates(folder);
  console.log(`| runtime | ${CASE_NAMES.join(' | ')} |\n|---|${CASE_NAMES.map(() => '---:|').join('')}`);
  for (const runtime of runtimes) {
    let results = [];
    try {
      results = await runEcho({ ...runtime, program: programOf(runtime) }, files);
    } catch (error) {
      failures.push(`${runtime.name}: ${error.message}`);
    }
    const cells = CASE_NAMES.map((name) => {
      const result = results.find((one) => one.name === name);
      return result?.ok ? `${result.seconds.toFixed(1)} s` : 'fails';
    });
    console.log(`| ${runtime.name} | ${cells.join(' | ')} |`);
    for (const { name, ok, error } of results) if (!ok) failures.push(`${runtime.name}, ${name}: ${error}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (failures.length > 0) console.log(`\n${failures.join('\n')}`);
process.exitCode = failures.length > 0 ? 1 : 0;
