/** A process that writes into a store is killed at random moments: everything that was confirmed to it is found again. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SqliteStore } from '../../src/swarm/index.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const writer = fileURLToPath(new URL('../support/store-writer.mjs', import.meta.url));
const folder = temporaryFolder();
const ROUNDS = 12;
const SEED = Number(process.env['FC_SEED'] ?? 20_261_125);

test(`what was confirmed survives kill -9 (seed ${SEED})`, { timeout: 120_000 }, async () => {
  const file = join(folder, 'killed.sqlite');
  let random = SEED;
  let [next, lastRevision] = [0, 0];
  const confirmed = new Set<number>();
  for (let round = 0; round < ROUNDS; round += 1) {
    random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
    const enough = 1 + ((random >>> 8) % 60);
    const child = spawn(process.execPath, [writer, file, String(next)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    let lines = 0;
    for await (const line of createInterface(child.stdout)) {
      if (line !== 'open') confirmed.add(Number(line));
      lines += 1;
      // It writes on meanwhile: where in a commit the signal comes is left to chance.
      if (lines === enough) child.kill('SIGKILL');
    }
    assert.deepEqual(await ended, [null, 'SIGKILL']);

    const store = await SqliteStore.open(file);
    const [as, bs] = [await store.list('a/'), await store.list('b/')];
    assert.equal(await store.get('leased'), undefined, 'entries of a lease go with their process');
    const found = new Map(as.map((entry) => [Number(entry.key.slice(2)), entry]));
    assert.equal(bs.length, as.length);
    for (const { key, value, revision } of bs) {
      const twin = found.get(Number(key.slice(2)));
      assert.deepEqual([twin?.value, twin?.revision], [value, revision], `half of batch ${key} is there`);
      assert.equal(Number(Buffer.from(value).toString()), Number(key.slice(2)));
    }
    const newest = Math.max(-1, ...found.keys());
    for (const number of confirmed) {
      assert.ok(number <= newest, `batch ${number} was confirmed, and is lost`);
      const deleted = number % 5 === 0 && number + 5 <= newest;
      assert.equal(found.has(number), !deleted, `batch ${number}`);
    }
    const result = await store.write([]);
    assert.ok(result.ok && result.revision > lastRevision);
    lastRevision = result.revision;
    // The deletions of the next round go back to the last multiple of five.
    next = newest + 1;
    await store.close();
  }
  assert.ok(confirmed.size > ROUNDS, 'the rounds did something');
});

test('the file is free as soon as its owner was killed, and not before', { timeout: 60_000 }, async () => {
  const file = join(folder, 'owned.sqlite');
  const child = spawn(process.execPath, [writer, file, '0', 'hold'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  await once(child.stdout, 'data');
  await assert.rejects(SqliteStore.open(file), { code: 'ERR_SWARM_STORE', message: /owned\.sqlite is open already/ });
  child.kill('SIGKILL');
  await ended;
  const store = await SqliteStore.open(file);
  assert.ok((await store.write([{ key: 'a', value: new Uint8Array(1) }])).ok);
  await store.close();
});
