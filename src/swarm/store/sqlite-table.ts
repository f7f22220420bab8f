import { SwarmError } from '../errors.js';
import type { SqliteDatabase, SqliteRow, SqliteStatement } from './sqlite-driver.js';
import { leavesFileIntact, storeError } from './sqlite-errors.js';
import type { StoreEntry } from './store.js';
import type { StoreTable } from './table.js';

/** In the header of the file: what tells a store from other SQLite files. 'SKNs'. */
const APPLICATION_ID = 0x53_4b_4e_73;
const SCHEMA_VERSION = 1;

/**
 * Keys are blobs of UTF-8: text would be compared the same way, but drivers differ in what they do with zero bytes in it.
 * `leased`: the entry lived by a lease.
 */
const SCHEMA = `
  CREATE TABLE entries(key BLOB NOT NULL UNIQUE, value BLOB NOT NULL, revision INTEGER NOT NULL, leased INTEGER NOT NULL);
  CREATE TABLE state(revision INTEGER NOT NULL);
  INSERT INTO state VALUES(0);
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** The WAL shrinks to this when it was checkpointed. */
const WAL_BYTES = 16 * 1024 * 1024;

const utf8 = new TextDecoder();

function bytesOf(blob: unknown): Uint8Array {
  if (blob instanceof ArrayBuffer) return new Uint8Array(blob);
  if (!(blob instanceof Uint8Array)) throw new TypeError('a blob was expected');
  // A plain Uint8Array also where the driver gives a Buffer, which may lie in a pool.
  return Buffer.isBuffer(blob) ? new Uint8Array(blob) : blob;
}

function entryOf(row: SqliteRow): StoreEntry {
  return { key: utf8.decode(bytesOf(row['key'])), value: bytesOf(row['value']), revision: Number(row['revision']) };
}

/** Where the keys with a prefix begin and end: no byte of UTF-8 is 0xff. */
function rangeOf(prefix: string): [Uint8Array, Uint8Array] {
  const from = Buffer.from(prefix);
  return [from, Buffer.concat([from, Buffer.of(0xff)])];
}

/** Entries in an SQLite file that this process alone has open. */
export class SqliteTable implements StoreTable {
  readonly title: string;
  readonly #database: SqliteDatabase;
  readonly #get: SqliteStatement;
  readonly #revisionOf: SqliteStatement;
  readonly #list: SqliteStatement;
  readonly #changedSince: SqliteStatement;
  readonly #put: SqliteStatement;
  readonly #delete: SqliteStatement;
  readonly #setRevision: SqliteStatement;
  #revision: number;
  #broken: SwarmError | undefined;

  /**
   * Takes the database over, and closes it when it cannot be used.
   *
   * @param title for messages: 'The store FILE'
   * @throws SwarmError `ERR_SWARM_STORE`
   */
  static over(database: SqliteDatabase, title: string): SqliteTable {
    try {
      prepareFile(database, title);
      return new SqliteTable(database, title);
    } catch (error) {
      release(database);
      throw storeError(title, error);
    }
  }

  private constructor(database: SqliteDatabase, title: string) {
    this.title = title;
    this.#database = database;
    this.#get = database.prepare('SELECT key, value, revision FROM entries WHERE key = ?');
    this.#revisionOf = database.prepare('SELECT revision FROM entries WHERE key = ?');
    this.#list = database.prepare('SELECT key, value, revision FROM entries WHERE key >= ? AND key < ?');
    this.#changedSince = database.prepare(
      'SELECT key, revision FROM entries WHERE key >= ? AND key < ? AND revision > ?',
    );
    this.#put = database.prepare(
      'INSERT INTO entries VALUES(?, ?, ?, ?) ON CONFLICT(key) DO UPDATE ' +
        'SET value = excluded.value, revision = excluded.revision, leased = excluded.leased',
    );
    this.#delete = database.prepare('DELETE FROM entries WHERE key = ?');
    this.#setRevision = database.prepare('UPDATE state SET revision = ?');
    this.#revision = Number(database.prepare('SELECT revision FROM state').get()?.['revision']);
    if (!Number.isSafeInteger(this.#revision)) throw new SwarmError('ERR_SWARM_STORE', `${title} has no revision.`);
  }

  get revision(): number {
    return this.#revision;
  }

  get broken(): SwarmError | undefined {
    return this.#broken;
  }

  get(key: string): StoreEntry | undefined {
    const row = this.#explained(() => this.#get.get(Buffer.from(key)));
    return row && entryOf(row);
  }

  revisionOf(key: string): number {
    return Number(this.#explained(() => this.#revisionOf.get(Buffer.from(key)))?.['revision'] ?? 0);
  }

  list(prefix: string): StoreEntry[] {
    return this.#explained(() => this.#list.all(...rangeOf(prefix))).map(entryOf);
  }

  changedSince(prefix: string, revision: number): { key: string; revision: number }[] {
    const rows = this.#explained(() => this.#changedSince.all(...rangeOf(prefix), revision));
    return rows.map((row) => ({ key: utf8.decode(bytesOf(row['key'])), revision: Number(row['revision']) }));
  }

  begin(): void {
    this.#explained(() => this.#database.exec('BEGIN IMMEDIATE'), true);
  }

  put(key: string, value: Uint8Array, revision: number, leased: boolean): void {
    this.#explained(() => this.#put.run(Buffer.from(key), value, revision, leased ? 1 : 0), true);
  }

  delete(key: string): void {
    this.#explained(() => this.#delete.run(Buffer.from(key)), true);
  }

  commit(revision: number): void {
    this.#explained(() => {
      if (revision !== this.#revision) this.#setRevision.run(revision);
      this.#database.exec('COMMIT');
    }, true);
    this.#revision = revision;
  }

  rollback(): void {
    try {
      this.#database.exec('ROLLBACK');
    } catch {
      // SQLite has done it already: that is how a full disk ends a transaction.
    }
  }

  close(): void {
    release(this.#database);
  }

  /** @param writing whether a failure leaves a transaction of unknown fate, after which nothing more is written */
  #explained<T>(work: () => T, writing = false): T {
    try {
      return work();
    } catch (cause) {
      const error = storeError(this.title, cause);
      if (writing && !leavesFileIntact(cause)) this.#broken ??= error;
      throw error;
    }
  }
}

/** Locks the file for this process, tells whether it is a store, and makes it one when it is empty. */
function prepareFile(database: SqliteDatabase, title: string): void {
  const pragma = (name: string): unknown => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  // The lock is the operating system's: it ends with the process, however that ends. BEGIN EXCLUSIVE takes it before
  // anything is read, so that of two processes one wins.
  pragma('locking_mode = EXCLUSIVE');
  database.exec('BEGIN EXCLUSIVE; COMMIT');
  const tables = Number(database.prepare('SELECT count(*) AS n FROM sqlite_master').get()?.['n']);
  const isEmpty = tables === 0 && Number(pragma('application_id')) === 0;
  if (!isEmpty) checkSchema(Number(pragma('application_id')), Number(pragma('user_version')), title);
  pragma('journal_mode = WAL');
  database.exec('PRAGMA synchronous = FULL');
  pragma(`journal_size_limit = ${WAL_BYTES}`);
  if (isEmpty) {
    database.exec('BEGIN IMMEDIATE');
    database.exec(SCHEMA);
    database.exec('COMMIT');
    return;
  }
  const damage = pragma('quick_check(1)');
  if (damage !== 'ok') {
    const cause = new Error(String(damage));
    throw new SwarmError('ERR_SWARM_STORE', `${title} is damaged: put a copy from a backup in its place.`, { cause });
  }
  // Their leases died with the process that granted them.
  database.exec(`
    BEGIN IMMEDIATE;
    UPDATE state SET revision = revision + 1 WHERE EXISTS (SELECT 1 FROM entries WHERE leased = 1);
    DELETE FROM entries WHERE leased = 1;
    COMMIT;
  `);
}

function checkSchema(applicationId: number, version: number, title: string): void {
  if (applicationId !== APPLICATION_ID) {
    throw new SwarmError('ERR_SWARM_STORE', `${title} holds something else: it is the SQLite file of another program.`);
  }
  if (version !== SCHEMA_VERSION) {
    throw new SwarmError(
      'ERR_SWARM_STORE',
      `${title} has the schema ${version}, and this version of skein knows ${SCHEMA_VERSION}: use the one that wrote it.`,
    );
  }
}

/**
 * Closes, and gives the lock back first: libsql keeps the file open until its statements are collected. Leaving the WAL
 * is what makes that possible, and leaves one file that can be copied.
 */
function release(database: SqliteDatabase): void {
  try {
    database.prepare('PRAGMA journal_mode = DELETE').get();
    database.prepare('PRAGMA locking_mode = NORMAL').get();
    database.prepare('SELECT count(*) FROM sqlite_master').get();
  } catch {
    // A full disk, or a file of somebody else's: what is committed lies in the WAL and is found again.
  }
  database.close();
}
