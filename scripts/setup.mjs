// Makes a checkout ready to run: installs the npm packages that package-lock.json names and builds dist/, each only
// when needed. `npm start` and `npm test` run it first, so that a fresh clone needs nothing but Node and npm.
// Node's built-in modules only.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, isBuilt, root } from './build.mjs';

const oldestNode = [20, 19];

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  throw new Error(`this is Node ${process.versions.node}; skein needs Node ${oldestNode.join('.')} or newer`);
}

/**
 * Whether node_modules holds what package-lock.json names, by comparing with the list that npm keeps there. Optional
 * packages may be missing: they are other platforms' binaries.
 */
function isInstalled() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(installed, 'utf8')).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const found = present[path];
    return found === undefined ? entry.optional === true : found.version === entry.version;
  });
}

function install() {
  console.error('setup: installing npm packages (npm ci) ...');
  // npm tells its scripts where it is; without it, the `npm` on PATH (a batch file on Windows, hence the shell).
  const npm = process.env.npm_execpath;
  const run = npm?.endsWith('.js')
    ? spawnSync(process.execPath, [npm, 'ci'], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' })
    : spawnSync('npm ci', { cwd: root, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8', shell: true });
  if (run.error) throw run.error;
  if (run.status !== 0) {
    throw new Error(`npm ci failed; is the npm registry reachable?\n${run.stderr.trimEnd()}`);
  }
}

/** Throws, with words for a person, when the checkout cannot be made ready. */
export function setup() {
  checkNode();
  if (!isInstalled()) install();
  if (!isBuilt()) {
    console.error('setup: compiling src/ to dist/ ...');
    build();
  }
}

/** As `setup`, ending the process with a message instead of throwing. */
export function setupOrExit() {
  try {
    setup();
  } catch (error) {
    console.error(`setup: ${error.message}`);
    process.exit(1);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setupOrExit();
