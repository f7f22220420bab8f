import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

interface ImportDescriptor {
  readonly module: string;
  readonly name: string;
  readonly kind: string;
}

/** The little of the WebAssembly API that is used; its types come with the DOM library. */
interface WebAssemblyApi {
  readonly Module: { new (bytes: Uint8Array): object; imports(module: object): ImportDescriptor[] };
}

const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyApi };

interface Manifest {
  readonly artifact: { readonly sha256: string; readonly bytes: number; readonly gzipBytes: number };
  readonly sources: { readonly sha256: string; readonly files: number };
  readonly build: Readonly<Record<string, string>>;
}

/** All that the engine may ask of its host; whoever adds to it changes every host. */
const allowedImports: readonly ImportDescriptor[] = [
  { module: 'skein', name: 'key_drop', kind: 'function' },
  { module: 'skein', name: 'key_import', kind: 'function' },
  { module: 'skein', name: 'panic', kind: 'function' },
  { module: 'skein', name: 'random_fill', kind: 'function' },
  { module: 'skein', name: 'sign', kind: 'function' },
  { module: 'skein', name: 'verify', kind: 'function' },
];

const maxBytes = 2_000_000;

const folder = new URL('../../wasm/', import.meta.url);
const wasm = await readFile(new URL('engine.wasm', folder));
const manifest = JSON.parse(await readFile(new URL('engine.manifest.json', folder), 'utf8')) as Manifest;

describe('engine.wasm as committed', () => {
  it('imports what the allow-list names and nothing else', () => {
    const imports = WebAssembly.Module.imports(new WebAssembly.Module(wasm));
    imports.sort((a, b) => (a.name < b.name ? -1 : 1));
    assert.deepEqual(imports, allowedImports);
  });

  it(`is at most ${maxBytes} bytes`, () => {
    assert.ok(wasm.length <= maxBytes, `${wasm.length} bytes`);
  });

  it('is the file that the manifest describes', () => {
    assert.equal(createHash('sha256').update(wasm).digest('hex'), manifest.artifact.sha256);
    assert.equal(wasm.length, manifest.artifact.bytes);
    assert.ok(manifest.artifact.gzipBytes > 0 && manifest.artifact.gzipBytes < wasm.length);
  });

  it('comes from the committed sources', async () => {
    const script = fileURLToPath(new URL('../../scripts/check-engine.mjs', import.meta.url));
    await promisify(execFile)(process.execPath, [script]);
  });

  it('names the tools that built it', () => {
    for (const tool of ['how', 'rustc', 'cargo', 'clang', 'linker', 'binaryen', 'rustflags']) {
      assert.ok(manifest.build[tool], `the manifest does not say ${tool}`);
    }
  });

  it('holds no path of the machine that built it', () => {
    const found = /\/(?:root|home|tmp|Users|usr\/(?:src|lib|share|local))\/[\w./-]*/.exec(wasm.toString('latin1'));
    assert.equal(found, null, found?.[0]);
  });
});
