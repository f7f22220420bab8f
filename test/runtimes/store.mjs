// A store in a file, on any runtime: written, read, closed, opened again, and refused to a second process. Prints the
// driver that it used.
//
//   node store.mjs FILE [FLAG...]      flags with which this runtime starts programs
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { SqliteStore } from '../../dist/swarm/store/sqlite-store.js';

const [file, ...flags] = process.argv.slice(2);
const bytes = (text) => new TextEncoder().encode(text);

if (flags[0] === 'second') {
  await assert.rejects(SqliteStore.open(file), { code: 'ERR_SWARM_STORE', message: /is open already/ });
  process.exit(0);
}

let store = await SqliteStore.open(file);
const lease = await store.grantLease(60_000);
const watch = store.watch('k')[Symbol.asyncIterator]();
const results = await Promise.all([
  store.write([{ key: 'k/\0ä\u{1f600}', value: bytes('one') }]),
  store.write([{ key: 'k/a', value: bytes('two'), ifRevision: 7 }]),
  store.write([{ key: 'k/b', value: new Uint8Array(0), lease }]),
]);
assert.deepEqual(
  results.map((result) => (result.ok ? result.revision : result.conflicts)),
  [1, [{ key: 'k/a', entry: undefined }], 2],
);
assert.deepEqual((await watch.next()).value, { key: 'k/\0ä\u{1f600}', value: bytes('one'), revision: 1 });
const large = new Uint8Array(3_000_000).fill(0xa5);
await store.write([{ key: 'large', value: large }]);
await store.write([{ key: 'large', value: undefined, ifRevision: 1 }]);

const second = spawnSync(process.execPath, [...flags, fileURLToPath(import.meta.url), file, 'second'], {
  encoding: 'utf8',
});
assert.equal(second.status, 0, second.stderr);

await store.close();
store = await SqliteStore.open(file);
const found = await store.list('');
assert.deepEqual(
  found.map(({ key, revision }) => [key, revision]),
  [
    ['k/\0ä\u{1f600}', 1],
    ['large', 3],
  ],
);
assert.deepEqual(found[1].value, large);
assert.deepEqual(await store.write([]), { ok: true, revision: 4 });
console.log(store.driver);
// Leases and watches keep no process alive: this one ends by itself, without a close.
await store.grantLease(60_000);
store.watch('')[Symbol.asyncIterator]().next();
