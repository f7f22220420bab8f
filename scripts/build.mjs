// Compiles src/ to dist/ with `tsc -b`, and removes from dist/ what has no source any more, so that a package never
// ships a file that was deleted. Node's built-in modules only. Exported for setup.mjs; `node scripts/build.mjs` builds.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const source = join(root, 'src');
const output = join(root, 'dist');
const stamp = join(output, '.build.json');

function files(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

/** What a build depends on: the number of sources (one may have been deleted) and the time of the youngest. */
function fingerprint() {
  const inputs = [...files(source).filter((name) => name.endsWith('.ts')), join(root, 'tsconfig.json')];
  return { sources: inputs.length, newest: Math.max(...inputs.map((name) => statSync(name).mtimeMs)) };
}

/** Whether dist/ is what the last successful build made of the present sources. */
export function isBuilt() {
  if (!existsSync(stamp)) return false;
  const made = JSON.parse(readFileSync(stamp, 'utf8'));
  const present = fingerprint();
  return made.sources === present.sources && made.newest === present.newest;
}

function removeOrphans() {
  for (const name of files(output)) {
    const match = /^(.*?)(\.d\.ts|\.js)$/.exec(name.slice(output.length));
    if (match && !existsSync(`${source}${match[1]}.ts`)) rmSync(name);
  }
}

/** Builds; throws with the compiler's words when it fails. */
export function build() {
  const inputs = fingerprint();
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const run = spawnSync(process.execPath, [compiler, '-b', 'tsconfig.json', '--pretty', 'false'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (run.error) throw run.error;
  if (run.status !== 0) throw new Error(`the sources in src/ do not compile:\n${run.stdout}${run.stderr}`.trimEnd());
  removeOrphans();
  mkdirSync(output, { recursive: true });
  writeFileSync(stamp, `${JSON.stringify(inputs)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    build();
  } catch (error) {
    console.error(`build: ${error.message}`);
    process.exit(1);
  }
}
