// Builds this folder's crate with the engine's flags, for WebAssembly and natively.
//
// Needs a Rust that has WebAssembly's standard library (`rustup target add wasm32-unknown-unknown`) or its sources
// (Debian's rust-web-src), and a clang that compiles to wasm32, for the C in ring.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CRATE = fileURLToPath(new URL('.', import.meta.url));
const WASM_OPT = join(CRATE, '../../../../node_modules/binaryen/bin/wasm-opt');
const TARGET = 'wasm32-unknown-unknown';
/** What Rust lets the module use. */
const FEATURES =
  'simd bulk-memory sign-ext mutable-globals nontrapping-float-to-int reference-types multivalue'.split(' ');
const TARGET_DIRECTORY = process.env['CARGO_TARGET_DIR'] ?? join(CRATE, '../../../target/chacha20-poly1305-wasm');

/** What a command prints, or undefined where it does not exist or fails. */
function output(command, ...args) {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

/** The first of `name`, `name-30`, `name-29`, ... that satisfies `suits`. */
function newest(name, suits) {
  const names = [name, ...Array.from({ length: 16 }, (_, i) => `${name}-${30 - i}`)];
  return names.find(suits);
}

function rust() {
  for (const [rustc, cargo] of [['rustc', 'cargo'], ['/usr/bin/rustc', '/usr/bin/cargo']]) {
    const libraries = output(rustc, '--print', 'target-libdir', '--target', TARGET);
    if (libraries !== undefined && existsSync(libraries)) {
      return { rustc, cargo, args: [], environment: {} };
    }
    const root = output(rustc, '--print', 'sysroot');
    if (root !== undefined && existsSync(join(root, 'lib/rustlib/src/rust/library/std'))) {
      const linker = newest('wasm-ld', (name) => output(name, '--version') !== undefined);
      return {
        rustc,
        cargo,
        args: ['-Z', 'build-std=std,panic_abort'],
        environment: { RUSTC_BOOTSTRAP: '1', CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: linker },
      };
    }
  }
  throw new Error(`no Rust that builds for ${TARGET}: try "rustup target add ${TARGET}"`);
}

function cargo({ cargo, rustc }, args, environment) {
  execFileSync(cargo, ['build', '--release', '--locked', ...args, '--target-dir', TARGET_DIRECTORY], {
    cwd: CRATE,
    env: { ...process.env, RUSTC: rustc, ...environment },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

/** Has Binaryen optimise as scripts/build-engine does, so that what is checked and measured is what the engine ships. */
function optimise(module) {
  const optimised = module.replace(/\.wasm$/, '.optimised.wasm');
  const enable = FEATURES.map((feature) => `--enable-${feature}`);
  execFileSync(process.execPath, [WASM_OPT, '-O3', ...enable, module, '-o', optimised], { stdio: 'inherit' });
  return optimised;
}

/** Builds the WebAssembly module and returns its exports. */
export async function buildWasm() {
  const { args, environment, ...tools } = rust();
  const clang = newest('clang', (name) => output(name, '--print-targets')?.includes('wasm32') === true);
  const ar = newest('llvm-ar', (name) => output(name, '--version') !== undefined);
  cargo(tools, ['--lib', '--target', TARGET, ...args], {
    CC_wasm32_unknown_unknown: clang,
    AR_wasm32_unknown_unknown: ar,
    CFLAGS_wasm32_unknown_unknown: '-O3 -msimd128',
    RUSTFLAGS: '-C target-feature=+simd128,+bulk-memory',
    ...environment,
  });
  const bytes = await readFile(optimise(join(TARGET_DIRECTORY, TARGET, 'release/chacha20_poly1305_wasm.wasm')));
  const { instance } = await WebAssembly.instantiate(bytes, {});
  instance.exports.initialize();
  return instance.exports;
}

/** Builds the native benchmark for this machine's own processor family and returns the path of the program. */
export function buildNative() {
  cargo({ cargo: 'cargo', rustc: 'rustc' }, ['--bin', 'native'], {});
  return join(TARGET_DIRECTORY, 'release', process.platform === 'win32' ? 'native.exe' : 'native');
}

/** What the module last said. */
export function message(exports) {
  const bytes = new Uint8Array(exports.memory.buffer, exports.message_address(), exports.message_length());
  return new TextDecoder().decode(bytes);
}
