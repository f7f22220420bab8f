// The one foreign QUIC that is measured against. It is no dependency of this project: `node bench/transport.mjs --install`
// puts it, with exact versions, into a folder of its own.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './skein.mjs';

const folder = join(root, '.tmp/bench');

/** Packages resolve from the folder they are installed in, so what is needed of them leaves it through this module. */
const entry = `export { quic } from '@chainsafe/libp2p-quic';
export { generateKeyPair } from '@libp2p/crypto/keys';
export { multiaddr } from '@multiformats/multiaddr';
`;

const manifest = {
  private: true,
  dependencies: {
    '@chainsafe/libp2p-quic': '2.1.1',
    '@libp2p/crypto': '5.1.23',
    '@multiformats/multiaddr': '13.0.3',
  },
};

export const libp2pVersion = manifest.dependencies['@chainsafe/libp2p-quic'];

export const hasLibp2p = () =>
  existsSync(join(folder, 'entry.mjs')) && existsSync(join(folder, 'node_modules/@chainsafe/libp2p-quic'));

export function installLibp2p() {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, undefined, 2));
  writeFileSync(join(folder, 'entry.mjs'), entry);
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const run = spawnSync(npm, ['install', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (run.status !== 0) throw new Error('npm could not install @chainsafe/libp2p-quic');
}

export const loadLibp2p = () => import(pathToFileURL(join(folder, 'entry.mjs')));
