// The one foreign HTTP/3 that is measured against, with its server in WebAssembly. It is no dependency of this project:
// `node bench/http3.mjs --install` puts it, with exact versions, into a folder of its own. It wants Node 24; where this is an older
// one, a newer one comes along for its processes.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './skein.mjs';

const folder = join(root, '.tmp/bench-http3');
const isOld = Number(process.versions.node.split('.')[0]) < 24;
const nodePackage = `node-${process.platform}-${process.arch}`;

const manifest = {
  private: true,
  dependencies: { '@currentspace/http3': '0.9.0', ...(isOld && { [nodePackage]: '26.10.0' }) },
};

export const currentspaceVersion = manifest.dependencies['@currentspace/http3'];

/** The program that runs its processes. */
export const currentspaceNode = isOld ? join(folder, 'node_modules', nodePackage, 'bin/node') : process.execPath;

export const hasCurrentspace = () =>
  existsSync(join(folder, 'node_modules/@currentspace/http3')) && existsSync(currentspaceNode);

export function installCurrentspace() {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, undefined, 2));
  // Packages resolve from the folder they are installed in, so what is needed of them leaves it through this module.
  writeFileSync(join(folder, 'entry.mjs'), "export { connectAsync, createSecureServer } from '@currentspace/http3';\n");
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const run = spawnSync(npm, ['install', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (run.status !== 0) throw new Error('npm could not install @currentspace/http3');
}

export const loadCurrentspace = () => import(pathToFileURL(join(folder, 'entry.mjs')));
