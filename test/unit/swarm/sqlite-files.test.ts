/** What the file of a store goes through: closing and opening, wrong files, wrong places, and disks that fail. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { SqliteStore, SwarmError } from '../../../src/swarm/index.js';
import { loadSqlite, type SqliteDatabase } from '../../../src/swarm/store/sqlite-driver.js';
import { SqliteTable } from '../../../src/swarm/store/sqlite-table.js';
import { TableStore } from '../../../src/swarm/store/table-store.js';
import { ManualClock, turn } from '../../support/manual-clock.js';
import { failsWith } from '../../support/store-contract.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const folder = temporaryFolder();
const driver = await loadSqlite();
const refused = (words: RegExp): ((error: unknown) => boolean) => failsWith('ERR_SWARM_STORE', words);
const one = (key: string, size = 1): { key: string; value: Uint8Array } => ({
  key,
  value: new Uint8Array(size).fill(7),
});

/** A store over a database that the test has its hands on. */
class TestStore extends TableStore {
  constructor(database: SqliteDatabase, clock = new ManualClock()) {
    super(SqliteTable.over(database, 'The store test.sqlite'), { clock });
  }
}

describe('closing and opening', () => {
  test('entries and revisions are there again; entries of leases are not', async () => {
    const file = join(folder, 'again.sqlite');
    let store = await SqliteStore.open(file);
    assert.equal(store.path, file);
    assert.equal(store.driver, driver.name);
    const lease = await store.grantLease(60_000);
    await store.write([one('a'), { ...one('b'), lease }]);
    await store.write([one('c')]);
    await store.close();
    assert.equal(existsSync(`${file}-wal`), false, 'one file is left, which can be copied');
    if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600);

    store = await SqliteStore.open(pathToFileURL(file));
    const found = (await store.list('')).map(({ key, revision }) => [key, revision]);
    assert.deepEqual(found, [
      ['a', 1],
      ['c', 2],
    ]);
    // The deletion was a change.
    assert.deepEqual(await store.write([one('d')]), { ok: true, revision: 4 });
    await assert.rejects(
      store.watch('', { afterRevision: 2 })[Symbol.asyncIterator]().next(),
      refused(/after revision 3, not after 2/),
    );
    await assert.rejects(store.write([{ ...one('e'), lease }]), refused(/Lease 1 ended: its store was closed/));
    await store[Symbol.asyncDispose]();
  });

  test('a file has one owner', async () => {
    const file = join(folder, 'owned.sqlite');
    const link = join(folder, 'link.sqlite');
    const store = await SqliteStore.open(file);
    await assert.rejects(SqliteStore.open(file), refused(/owned\.sqlite is open already/));
    await assert.rejects(SqliteStore.open(file, { driver: 'libsql' }), refused(/owned\.sqlite is open already/));
    symlinkSync(file, link);
    await assert.rejects(SqliteStore.open(link), refused(/link\.sqlite is open already/));
    assert.ok((await store.write([one('a')])).ok, 'the owner is not disturbed');
    await store.close();
    await (await SqliteStore.open(link)).close();
    const both = await Promise.allSettled([SqliteStore.open(file), SqliteStore.open(file)]);
    assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    for (const result of both) if (result.status === 'fulfilled') await result.value.close();
  });
});

describe('files and places that are wrong', () => {
  const open = (name: string): Promise<SqliteStore> => SqliteStore.open(join(folder, name));

  test('no SQLite file', async () => {
    writeFileSync(join(folder, 'text'), 'These are words. '.repeat(1000));
    await assert.rejects(open('text'), (error) => {
      assert.ok(error instanceof SwarmError && error.cause instanceof Error);
      return refused(/text is not an SQLite file/)(error);
    });
    assert.match(readFileSync(join(folder, 'text'), 'utf8'), /^These are words/);
  });

  test('the file of another program, which is left as it was', async () => {
    const database = driver.open(join(folder, 'foreign'));
    database.exec('CREATE TABLE t(x); INSERT INTO t VALUES(1)');
    database.close();
    const before = readFileSync(join(folder, 'foreign'));
    await assert.rejects(open('foreign'), refused(/holds something else/));
    assert.deepEqual(readFileSync(join(folder, 'foreign')), before);
  });

  test('a newer schema', async () => {
    await (await open('newer')).close();
    const database = driver.open(join(folder, 'newer'));
    database.exec('PRAGMA user_version = 2');
    database.close();
    await assert.rejects(open('newer'), refused(/has the schema 2, and this version of skein knows 1/));
  });

  test('a damaged file', async () => {
    const store = await open('damaged');
    for (let index = 0; index < 50; index += 1) await store.write([one(`key ${index}`, 2000)]);
    await store.close();
    const bytes = readFileSync(join(folder, 'damaged'));
    bytes.fill(0xa5, 4096, bytes.length - 4096);
    writeFileSync(join(folder, 'damaged'), bytes);
    await assert.rejects(open('damaged'), refused(/damaged is damaged: put a copy/));
    writeFileSync(join(folder, 'short'), bytes.subarray(0, 5000));
    await assert.rejects(open('short'), refused(/short is damaged/));
  });

  test('an empty file becomes a store', async () => {
    writeFileSync(join(folder, 'empty'), '');
    const store = await open('empty');
    assert.ok((await store.write([one('a')])).ok);
    await store.close();
  });

  test('a folder that is missing, a folder itself, and a path through a file', async () => {
    await assert.rejects(open('none/x'), refused(/there is no folder .*none; make it first/));
    mkdirSync(join(folder, 'inner'));
    await assert.rejects(open('inner'), refused(/inner is a folder/));
    await assert.rejects(open('text/x'), refused(/there is no folder/));
  });

  test('what is no path', async () => {
    const invalid = failsWith('ERR_SWARM_INVALID_OPTION');
    for (const path of ['', 'a\0b', ':memory:', new URL('http://localhost/x'), 7 as unknown as string]) {
      await assert.rejects(SqliteStore.open(path), invalid);
    }
  });

  test('a place that cannot be written', {
    skip: process.platform === 'win32' && 'permissions are other there',
  }, async () => {
    // Root may write everywhere but in the kernel's own folders.
    let place = '/proc/self/none.sqlite';
    if (process.getuid?.() !== 0) {
      place = join(folder, 'locked', 'x');
      mkdirSync(join(folder, 'locked'));
      chmodSync(join(folder, 'locked'), 0o500);
    }
    await assert.rejects(SqliteStore.open(place), refused(/cannot be made: /));
  });
});

describe('disks that fail', () => {
  test('a full disk refuses what has no room, and takes what has; nothing of a refused batch is there', async () => {
    const database = driver.open(join(folder, 'full'));
    const clock = new ManualClock();
    const store = new TestStore(database, clock);
    const lease = await store.grantLease(1000);
    await store.write([{ ...one('leased'), lease }]);
    database.exec('PRAGMA max_page_count = 20');
    const results = await Promise.allSettled([
      store.write([one('small 1')]),
      store.write([one('before'), one('large', 200_000)]),
      store.write([one('small 2')]),
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.ok(results[1]?.status === 'rejected' && refused(/has no room left on its disk/)(results[1].reason));
    const keys = (await store.list('')).map(({ key, revision }) => `${key}: ${revision}`);
    assert.deepEqual(keys, ['leased: 1', 'small 1: 2', 'small 2: 3']);
    await store.close();
  });

  test('the entries of a lease that ended on a full disk are deleted when there is room', async () => {
    let fails = false;
    const real = driver.open(join(folder, 'retry'));
    const clock = new ManualClock();
    const store = new TestStore(
      {
        ...real,
        exec(sql) {
          if (fails && sql === 'COMMIT') throw Object.assign(new Error('database or disk is full'), { errcode: 13 });
          real.exec(sql);
        },
      },
      clock,
    );
    const lease = await store.grantLease(1000);
    await store.write([{ ...one('leased'), lease }]);
    fails = true;
    await clock.advance(1000);
    await assert.rejects(lease.renew(), refused(/not renewed/));
    assert.ok(await store.get('leased'));
    fails = false;
    await clock.advance(1000);
    assert.equal(await store.get('leased'), undefined);
    await store.close();
  });

  test('after any other failure of a commit the store refuses everything, and says why', async () => {
    let fails = false;
    const file = join(folder, 'broken');
    const real = driver.open(file);
    const cause = Object.assign(new Error('disk I/O error'), { errcode: 1034 });
    const store = new TestStore({
      ...real,
      exec(sql) {
        if (fails && sql === 'COMMIT') throw cause;
        real.exec(sql);
      },
    });
    await store.write([one('a')]);
    const next = store.watch('')[Symbol.asyncIterator]().next();
    fails = true;
    const broken = (error: unknown): boolean => {
      assert.equal((error as SwarmError).cause, cause);
      return refused(/could not be read or written: look at the disk/)(error);
    };
    const watched = assert.rejects(next, broken);
    const writes = await Promise.allSettled([store.write([one('b')]), store.write([one('c')])]);
    for (const write of writes) assert.ok(write.status === 'rejected' && broken(write.reason));
    await watched;
    fails = false;
    for (const call of [store.write([one('d')]), store.get('a'), store.list(''), store.grantLease(1000)]) {
      await assert.rejects(call, broken);
    }
    await store.close();
    await turn();
    const again = await SqliteStore.open(file);
    assert.deepEqual(
      (await again.list('')).map(({ key }) => key),
      ['a'],
    );
    await again.close();
  });
});

describe('where SQLite comes from', () => {
  const ownSqlite = process.getBuiltinModule?.('node:sqlite') !== undefined;

  test('libsql works everywhere, and reads what another driver wrote', async () => {
    const file = join(folder, 'drivers.sqlite');
    const first = await SqliteStore.open(file);
    await first.write([one('a', 3)]);
    await first.close();
    const store = await SqliteStore.open(file, { driver: 'libsql' });
    assert.equal(store.driver, 'libsql');
    assert.deepEqual((await store.get('a'))?.value, Uint8Array.of(7, 7, 7));
    await store.close();
  });

  test('node:sqlite where the runtime has it, and words where it has not', async () => {
    const opened = SqliteStore.open(join(folder, 'own.sqlite'), { driver: 'node:sqlite' });
    if (ownSqlite) await (await opened).close();
    else await assert.rejects(opened, refused(/has no SQLite of its own \(Node 22\.13 and later do\)/));
  });

  test('without either the error says what to do, and nothing is left behind', () => {
    // The compiled store in a place from which npm packages are not found.
    const place = join(folder, 'alone');
    mkdirSync(place);
    writeFileSync(join(place, 'package.json'), '{"type":"module"}');
    const dist = fileURLToPath(new URL('../../../dist/', import.meta.url));
    cpSync(join(dist, 'swarm/store'), join(place, 'swarm/store'), { recursive: true });
    cpSync(join(dist, 'swarm/errors.js'), join(place, 'swarm/errors.js'));
    cpSync(join(dist, 'quic/udp/system-clock.js'), join(place, 'quic/udp/system-clock.js'));
    const script = `
      const { SqliteStore } = await import(${JSON.stringify(pathToFileURL(join(place, 'swarm/store/sqlite-store.js')).href)});
      await SqliteStore.open('${basename(place)}.sqlite', { driver: 'libsql' }).catch((error) => {
        console.log(error.code, error.message, error.cause.code);
      });`;
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: place, encoding: 'utf8' });
    assert.equal(run.stderr, '');
    assert.match(
      run.stdout,
      /^ERR_SWARM_STORE The npm package libsql cannot be loaded\. Use a newer Node, or run npm install libsql, or .* MemoryStore\. ERR_MODULE_NOT_FOUND\n$/,
    );
    assert.equal(existsSync(join(place, 'alone.sqlite')), false);
  });
});
