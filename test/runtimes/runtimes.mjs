// The runtimes that the echo runs on, and where they come from: npm packages of exact versions that hold the programs
// themselves, in a cache folder beside the sources (.tmp/runtimes). Nothing of theirs becomes a dependency.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const cache = fileURLToPath(new URL('../../.tmp/runtimes/', import.meta.url));
const { arch, platform } = process;
const nodePlatform = platform === 'win32' ? 'win' : platform;
const denoLibc = platform === 'linux' ? '-glibc' : '';
const bunArch = arch === 'arm64' ? 'aarch64' : arch;
const exe = platform === 'win32' ? '.exe' : '';

function node(major, version) {
  const folder = `node-${major}`;
  return {
    name: `Node ${version}`,
    folder,
    spec: `npm:node-${nodePlatform}-${arch}@${version}`,
    program: join('bin', `node${exe}`),
    flags: [],
  };
}

export const RUNTIMES = {
  node20: node(20, '20.20.2'),
  node22: node(22, '22.23.3'),
  node24: node(24, '24.21.0'),
  node26: node(26, '26.10.0'),
  // The same program; its sockets are the system's own (option `udp`).
  ...(platform === 'linux' && {
    node26native: {
      ...node(26, '26.10.0'),
      name: 'Node 26.10.0, native UDP',
      flags: ['--disable-warning=ExperimentalWarning'],
      // Datagrams as small as on an ordinary path, so that they go in runs.
      env: { SKEIN_UDP: 'native', SKEIN_ECHO_MTU: '1452' },
    },
  }),
  bun: {
    name: 'Bun 1.4.5',
    folder: 'bun',
    spec: `npm:@oven/bun-${platform}-${bunArch}@1.4.5`,
    program: join('bin', `bun${exe}`),
    flags: [],
  },
  deno: {
    name: 'Deno 2.9.6',
    folder: 'deno',
    spec: `npm:@deno/${platform}-${arch}${denoLibc}@2.9.6`,
    program: `deno${exe}`,
    flags: ['run', '--allow-all', '--no-config'],
  },
};

/** The program of an installed runtime. */
export function programOf({ folder, program }) {
  return join(cache, 'node_modules', folder, program);
}

/** Installs what is missing; throws with npm's words when that fails. */
export function install(runtimes = Object.values(RUNTIMES)) {
  mkdirSync(cache, { recursive: true });
  const manifest = join(cache, 'package.json');
  const dependencies = Object.fromEntries(Object.values(RUNTIMES).map(({ folder, spec }) => [folder, spec]));
  const wanted = `${JSON.stringify({ private: true, dependencies }, undefined, 2)}\n`;
  const current = existsSync(manifest) && readFileSync(manifest, 'utf8') === wanted;
  if (current && runtimes.every((runtime) => existsSync(programOf(runtime)))) return;
  writeFileSync(manifest, wanted);
  const npm = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: cache,
    encoding: 'utf8',
    shell: platform === 'win32',
  });
  if (npm.error) throw npm.error;
  if (npm.status !== 0) throw new Error(`the runtimes cannot be installed:\n${npm.stdout}${npm.stderr}`);
}
