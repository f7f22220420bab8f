// The record beside engine.wasm: what it was built from and with what. Used by build-engine (to write it) and by
// check-engine (to compare).
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

/** The project's folder. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** Everything that can change the bytes of the artifact; folders with all they hold. */
const SOURCES = [
  'engine/.cargo',
  'engine/Cargo.lock',
  'engine/Cargo.toml',
  'engine/src',
  'engine/vendor',
  'scripts/build-engine',
];

/** Left behind by cargo, run inside a crate of engine/vendor; the build reads neither. */
const ignored = new Set(['Cargo.lock', 'target']);

/** @param {Uint8Array | string} bytes */
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/**
 * @param {string} path relative to the project, with forward slashes
 * @returns {Promise<string[]>} the file itself, or all files below the folder; nothing when it does not exist
 */
async function filesBelow(path) {
  let entries;
  try {
    entries = await readdir(join(ROOT, path), { withFileTypes: true });
  } catch (error) {
    if (error.code === 'ENOTDIR') return [path];
    if (error.code === 'ENOENT') return [];
    throw error;
  }
  const nested = await Promise.all(
    entries
      .filter(({ name }) => !ignored.has(name) && !name.startsWith('.') && !name.endsWith('~'))
      .map((entry) => filesBelow(`${path}/${entry.name}`)),
  );
  return nested.flat();
}

/**
 * One hash over all sources: SHA-256 of the lines `<sha256 of the file>  <path>`, sorted by path.
 *
 * @returns {Promise<{ sha256: string, files: number }>}
 */
export async function hashSources() {
  const files = (await Promise.all(SOURCES.map(filesBelow))).flat().sort();
  const lines = await Promise.all(files.map(async (file) => `${sha256(await readFile(join(ROOT, file)))}  ${file}\n`));
  return { sha256: sha256(lines.join('')), files: files.length };
}

/**
 * @param {string} folder where engine.wasm lies
 * @returns {Promise<{ sha256: string, bytes: number, gzipBytes: number }>}
 */
export async function measureArtifact(folder) {
  const wasm = await readFile(join(folder, 'engine.wasm'));
  return { sha256: sha256(wasm), bytes: wasm.length, gzipBytes: gzipSync(wasm, { level: 9 }).length };
}

/** @param {string} folder */
export async function readManifest(folder) {
  return JSON.parse(await readFile(join(folder, 'engine.manifest.json'), 'utf8'));
}

/**
 * Writes engine.manifest.json beside the artifact.
 *
 * @param {string} folder
 * @param {string[]} facts how it was built, as `key=value`
 */
async function writeManifest(folder, facts) {
  const build = Object.fromEntries(
    facts.map((fact) => {
      const at = fact.indexOf('=');
      return [fact.slice(0, at), fact.slice(at + 1)];
    }),
  );
  const artifact = await measureArtifact(folder);
  const file = join(folder, 'engine.manifest.json');
  await writeFile(file, `${JSON.stringify({ artifact, sources: await hashSources(), build }, null, 2)}\n`);
  return artifact;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [verb, folder, ...facts] = process.argv.slice(2);
  if (verb === 'sources') {
    console.log((await hashSources()).sha256);
  } else if (verb === 'write' && folder !== undefined) {
    const { bytes, gzipBytes } = await writeManifest(folder, facts);
    console.error(`build-engine: ${join(folder, 'engine.wasm')}: ${bytes} bytes, ${gzipBytes} with gzip`);
  } else {
    console.error('usage: engine-manifest.mjs sources | write <folder> [key=value ...]');
    process.exitCode = 2;
  }
}
