// node --test engine/tests/chacha20_poly1305/wasm/run.mjs
//
// Runs the checks of ../checks and ../../aes_gcm/checks inside WebAssembly, on simd128: the code that the engine ships.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { buildWasm, message } from './build.mjs';

const wasm = await buildWasm();

for (let index = 0; index < wasm.check_count(); index += 1) {
  wasm.check_name(index);
  test(message(wasm), () => {
    try {
      wasm.check_run(index);
    } catch (trap) {
      assert.fail(`${message(wasm)} (${String(trap)})`);
    }
  });
}
