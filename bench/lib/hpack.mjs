// HPACK in JavaScript, the nearest that npm has to compare QPACK with. It is no dependency of this project:
// `node bench/qpack.mjs --install` puts it, with an exact version, into a folder of its own.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from './skein.mjs';

const folder = join(root, '.tmp/bench-hpack');
export const hpackVersion = '2.1.6';

export const hasHpack = () => existsSync(join(folder, 'node_modules/hpack.js/package.json'));

export function installHpack() {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ private: true, dependencies: { 'hpack.js': hpackVersion } }),
  );
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const run = spawnSync(npm, ['install', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (run.status !== 0) throw new Error('npm could not install hpack.js');
}

export const loadHpack = () => createRequire(join(folder, 'package.json'))('hpack.js');
