// `npm run check`: everything that can be said about the code without running it. One command, here and in CI. Every
// step runs even when one before it failed; the exit code is 1 when any failed. Arguments choose steps by name.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './build.mjs';

const bin = (path) => join('node_modules', path);
const cruised = ['src', 'test', 'bench', 'examples'].filter((folder) => existsSync(join(root, folder)));

const steps = [
  { name: 'format', program: bin('@biomejs/biome/bin/biome'), args: ['format'], fix: 'npm run format' },
  { name: 'types', program: bin('typescript/bin/tsc'), args: ['-p', 'tsconfig.check.json', '--pretty', 'false'] },
  // Without a cache: type-aware rules depend on other files than the one they judge.
  { name: 'lint', program: bin('eslint/bin/eslint.js'), args: ['.'] },
  {
    name: 'layers',
    program: bin('dependency-cruiser/bin/dependency-cruise.mjs'),
    args: ['--progress', 'none', ...cruised],
  },
  { name: 'unused', program: bin('knip/bin/knip.js'), args: ['--no-progress'] },
  { name: 'engine', program: 'scripts/check-engine.mjs', args: [] },
  {
    name: 'compliance',
    program: 'scripts/compliance.mjs',
    args: ['--check'],
    fix: 'node scripts/compliance.mjs',
  },
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !steps.some((step) => step.name === name));
if (unknown.length > 0) {
  console.error(`check: no step ${unknown.join(', ')}; there are ${steps.map((step) => step.name).join(', ')}`);
  process.exit(2);
}
if (!existsSync(join(root, 'node_modules'))) {
  console.error('check: the npm packages are not installed: run npm ci first');
  process.exit(2);
}

const failed = [];
for (const step of steps) {
  if (wanted.length > 0 && !wanted.includes(step.name)) continue;
  if (!existsSync(join(root, step.program))) continue;
  const started = performance.now();
  const run = spawnSync(process.execPath, [join(root, step.program), ...step.args], { cwd: root, encoding: 'utf8' });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const ok = run.status === 0;
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${step.name} (${seconds} s)`);
  const words = `${run.stdout}${run.stderr}`.trim();
  if (words !== '' && (!ok || step.name === 'lint')) console.log(`${words}\n`);
  if (!ok) failed.push(step);
}
for (const step of failed) if (step.fix) console.log(`${step.name} can be repaired by: ${step.fix}`);
process.exitCode = failed.length > 0 ? 1 : 0;
