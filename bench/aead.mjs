// node bench/aead.mjs [bytes...]
//
// Microseconds per packet of ChaCha20-Poly1305 and of AES-128-GCM: the engine's own in WebAssembly, ring's C in WebAssembly and ring
// native, which has assembly for the processor. Builds what it measures (see build.mjs for what that needs).

import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';

import { buildNative, buildWasm } from '../engine/tests/chacha20_poly1305/wasm/build.mjs';

const CIPHERS = ['ours', 'ring', 'ours-aes', 'ring-aes'];
const WORKS = ['seal', 'open', 'mask'];

/** WebAssembly and native take turns this often, and so do all cases within a turn: a busy moment hits all alike. */
const TURNS = 5;
/** Batches of each case in a turn. Of all its batches the fastest counts, as the others ran beside something else. */
const BATCHES = 20;
const BATCH_MICROS = 2_000;

const lengths = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [60, 1452, 9000, 65000];

function wasmCases(wasm) {
  const cases = [];
  for (const [cipher, cipherName] of CIPHERS.entries()) {
    for (const [work, workName] of WORKS.entries()) {
      for (const length of workName === 'mask' ? [0] : lengths) {
        const prepare = () => wasm.bench_prepare(cipher, work, length);
        prepare();
        // Enough for V8 to compile with its optimising tier.
        for (let round = 0; round < 10; round += 1) wasm.bench_run(Math.ceil(2e6 / (length + 1000)));
        cases.push({ cipher: cipherName, work: workName, length, micros: BATCH_MICROS, prepare, run: wasm.bench_run });
      }
    }
  }
  return cases;
}

function measure(cases) {
  for (let batch = 0; batch < BATCHES; batch += 1) {
    for (const row of cases) {
      row.prepare();
      const count = Math.max(1, Math.round(BATCH_MICROS / row.micros));
      const start = performance.now();
      row.run(count);
      row.micros = Math.min(row.micros, ((performance.now() - start) * 1000) / count);
    }
  }
}

function micros(rows, cipher, work, length) {
  const found = rows.filter((row) => row.cipher === cipher && row.work === work && row.length === length);
  return Math.min(...found.map((row) => row.micros)).toFixed(2);
}

const program = buildNative();
const wasm = wasmCases(await buildWasm());
const native = [];
for (let turn = 0; turn < TURNS; turn += 1) {
  measure(wasm);
  const args = [BATCHES, BATCH_MICROS, ...lengths].map(String);
  native.push(...JSON.parse(execFileSync(program, args, { encoding: 'utf8' })));
}

const line = (name, ...cells) => console.log(name.padEnd(18) + cells.map((cell) => cell.padStart(14)).join(''));
console.log(`\n${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}: microseconds per packet\n`);
const NAMES = {
  seal: (length) => `seal ${length} bytes`,
  open: (length) => `open ${length} bytes`,
  mask: () => 'header mask',
};
for (const [title, suffix] of [
  ['ChaCha20-Poly1305', ''],
  ['AES-128-GCM', '-aes'],
]) {
  line(title, 'ours wasm', 'ring wasm', 'ring native');
  for (const work of WORKS) {
    for (const length of work === 'mask' ? [0] : lengths) {
      line(
        NAMES[work](length),
        micros(wasm, `ours${suffix}`, work, length),
        micros(wasm, `ring${suffix}`, work, length),
        micros(native, `ring${suffix}`, work, length),
      );
    }
  }
  console.log();
}
