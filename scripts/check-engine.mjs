// Whether the committed wasm/engine.wasm comes from the committed sources.
//
//   node scripts/check-engine.mjs                     compares hashes with wasm/engine.manifest.json; needs no Rust
//   node scripts/check-engine.mjs --rebuild           also builds again: the toolchain of the manifest must give the
//                                                     same bytes; another one must only succeed
//   node scripts/check-engine.mjs --rebuild --run CMD where another toolchain built, also runs CMD (in a shell) against
//                                                     the fresh module, which SKEIN_ENGINE_WASM then names
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { hashSources, measureArtifact, ROOT, readManifest } from './engine-manifest.mjs';

/** Something a person must put right; the message says how. */
class CheckFailure extends Error {}

const rebuildHint = 'run scripts/build-engine and commit wasm/';

async function checkHashes() {
  const folder = join(ROOT, 'wasm');
  let manifest;
  let artifact;
  try {
    manifest = await readManifest(folder);
    artifact = await measureArtifact(folder);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    throw new CheckFailure(`${error.path} is missing; ${rebuildHint}`);
  }
  const sources = await hashSources();
  if (sources.sha256 !== manifest.sources.sha256) {
    throw new CheckFailure(`engine sources changed; ${rebuildHint}`);
  }
  if (artifact.sha256 !== manifest.artifact.sha256 || artifact.bytes !== manifest.artifact.bytes) {
    throw new CheckFailure(`wasm/engine.wasm is not the file its manifest describes; ${rebuildHint}`);
  }
  return manifest;
}

/** How two builds were made differently; empty when the same toolchain made both with the same flags. */
function differences(committed, fresh) {
  return [...new Set([...Object.keys(committed), ...Object.keys(fresh)])]
    .filter((key) => committed[key] !== fresh[key])
    .map((key) => `  ${key}: ${committed[key] ?? 'absent'}\n    now: ${fresh[key] ?? 'absent'}`);
}

/** @param {string | undefined} command */
async function rebuild(committed, command) {
  const folder = await mkdtemp(join(tmpdir(), 'skein-engine-'));
  let keep = false;
  try {
    const build = spawnSync(join(ROOT, 'scripts/build-engine'), ['--out', folder], { stdio: 'inherit' });
    if (build.status !== 0)
      throw new CheckFailure(`scripts/build-engine failed (${build.error?.message ?? build.status})`);
    const fresh = await readManifest(folder);
    if (fresh.artifact.sha256 === committed.artifact.sha256) {
      console.log('check-engine: the rebuilt module is byte for byte the committed one');
      return;
    }
    const other = differences(committed.build, fresh.build);
    if (other.length === 0) {
      keep = true;
      throw new CheckFailure(
        `the same toolchain built another module from the same sources; compare ${folder}/engine.wasm, then ${rebuildHint}`,
      );
    }
    console.log(
      `check-engine: built, but not comparable byte for byte, since the toolchain differs:\n${other.join('\n')}`,
    );
    if (command === undefined) return;
    console.log(`check-engine: running against the fresh module: ${command}`);
    const run = spawnSync(command, {
      cwd: ROOT,
      env: { ...process.env, SKEIN_ENGINE_WASM: join(folder, 'engine.wasm') },
      shell: true,
      stdio: 'inherit',
    });
    if (run.status !== 0) throw new CheckFailure(`failed against the fresh module: ${command}`);
  } finally {
    if (!keep) await rm(folder, { recursive: true });
  }
}

try {
  const { values } = parseArgs({ options: { rebuild: { type: 'boolean' }, run: { type: 'string' } } });
  if (values.run !== undefined && !values.rebuild) throw new CheckFailure('--run needs --rebuild');
  const manifest = await checkHashes();
  console.log(`check-engine: wasm/engine.wasm (${manifest.artifact.bytes} bytes) belongs to the sources`);
  if (values.rebuild) await rebuild(manifest, values.run);
} catch (error) {
  if (!(error instanceof CheckFailure) && !error.code?.startsWith('ERR_PARSE_ARGS')) throw error;
  console.error(`check-engine: ${error.message}`);
  process.exitCode = 1;
}
