// The build of skein that is measured: dist/, or the folder that SKEIN_DIST names, to compare two builds.
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

const dist = resolve(process.env.SKEIN_DIST ?? join(root, 'dist'));

export const loadSkein = () => import(pathToFileURL(join(dist, 'index.js')));
export const loadTesting = () => import(pathToFileURL(join(dist, 'testing/index.js')));
/** Whether this Node.js and this machine have the native UDP backend. */
export async function hasNativeUdp() {
  const { QuicEndpoint } = await loadSkein();
  const endpoint = await QuicEndpoint.create({ udp: 'auto' });
  await endpoint.close();
  return endpoint.udp === 'native';
}
export const loadQpack = () => import(pathToFileURL(join(dist, 'qpack/index.js')));
export const loadSwarmTasks = () => import(pathToFileURL(join(dist, 'swarm/tasks/index.js')));
export const loadHttp3 = () => import(pathToFileURL(join(dist, 'http3.js')));
export const loadSwarm = () => import(pathToFileURL(join(dist, 'swarm/index.js')));
