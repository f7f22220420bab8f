import { accessSync, closeSync, constants, openSync, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SwarmError } from '../errors.js';
import { loadSqlite, type SqliteDriverName } from './sqlite-driver.js';
import { openAlready, storeError } from './sqlite-errors.js';
import { SqliteTable } from './sqlite-table.js';
import { TableStore, type TableStoreOptions } from './table-store.js';

/**
 * Files that are open in this process. Locks of POSIX belong to a process, so the SQLite of the runtime and that of libsql
 * would not keep each other out, and closing one would end the locks of the other.
 */
const openFiles = ((globalThis as Record<symbol, unknown>)[Symbol.for('skein.openStores')] ??=
  new Set()) as Set<string>;

/** Options of {@link SqliteStore.open}. */
export interface SqliteStoreOptions extends TableStoreOptions {
  /** Where SQLite comes from. Default: the runtime's own where it has one, else the npm package `libsql`. */
  readonly driver?: SqliteDriverName | undefined;
}

/**
 * A store in an SQLite file, which belongs to one process at a time: another that opens it is refused for as long as this
 * one lives. What `write` has resolved survives the death of the process, and of the machine as far as its disk keeps what
 * it has confirmed (WAL, `synchronous=FULL`). Each commit waits for the disk and holds the event loop meanwhile; batches
 * of one turn share one commit.
 *
 * While it is open there is a second file, `FILE-wal`, which belongs to it: copy the file only when the store is closed.
 * A new file is readable by its owner only. Space of what was deleted is used again, not given back.
 *
 * After an error of the disk other than lack of room, the store refuses everything (nobody knows what such a disk holds);
 * opened again, it has all that was confirmed.
 */
export class SqliteStore extends TableStore {
  /** Absolute path of the file. */
  readonly path: string;
  /** Where SQLite comes from. */
  readonly driver: SqliteDriverName;

  readonly #realPath: string;
  #closed = false;

  private constructor(
    path: string,
    realPath: string,
    driver: SqliteDriverName,
    table: SqliteTable,
    options: TableStoreOptions,
  ) {
    super(table, options);
    this.path = path;
    this.driver = driver;
    this.#realPath = realPath;
  }

  /**
   * Opens a file, or makes it when there is none; its folder must exist. Reads it through once, to find damage. Entries
   * that lived by leases are deleted.
   *
   * @param path a path, or a `file:` URL
   * @throws SwarmError `ERR_SWARM_STORE`: there is no SQLite, the file is open already, is no store, is damaged, or cannot
   * be read and written
   */
  static async open(path: string | URL, options: SqliteStoreOptions = {}): Promise<SqliteStore> {
    const file = checkedPath(path);
    const driver = await loadSqlite(options.driver);
    const title = `The store ${file}`;
    const realPath = makeFile(file);
    if (openFiles.has(realPath)) throw openAlready(title);
    openFiles.add(realPath);
    try {
      const table = SqliteTable.over(driver.open(file), title);
      return new SqliteStore(file, realPath, driver.name, table, options);
    } catch (cause) {
      openFiles.delete(realPath);
      throw storeError(title, cause);
    }
  }

  override async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await super.close();
    } finally {
      openFiles.delete(this.#realPath);
    }
  }
}

function checkedPath(path: unknown): string {
  if (path instanceof URL) {
    if (path.protocol === 'file:') return fileURLToPath(path);
  } else if (typeof path === 'string' && path !== '' && !path.includes('\0')) {
    if (path !== ':memory:') return resolve(path);
    throw new SwarmError('ERR_SWARM_INVALID_OPTION', 'A store in memory is a MemoryStore, not an SqliteStore.');
  }
  throw new SwarmError('ERR_SWARM_INVALID_OPTION', 'The path of a store is a path or a file: URL.');
}

/**
 * Makes the file with the permissions of a secret, or finds out why that is not possible: the file system says it better
 * than SQLite does. An existing file is not opened: closing it again would end locks that this process has on it.
 *
 * @returns the path without symbolic links
 */
function makeFile(file: string): string {
  try {
    closeSync(openSync(file, 'wx', 0o600));
    return realpathSync(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw noFile(file, code, cause);
  }
  try {
    if (statSync(file).isDirectory()) throw new SwarmError('ERR_SWARM_STORE', `${file} is a folder, not a store.`);
    accessSync(file, constants.R_OK | constants.W_OK);
    return realpathSync(file);
  } catch (cause) {
    if (SwarmError.isSwarmError(cause)) throw cause;
    throw new SwarmError('ERR_SWARM_STORE', `The store ${file} cannot be read and written: look at its permissions.`, {
      cause,
    });
  }
}

function noFile(file: string, code: string | undefined, cause: unknown): SwarmError {
  const missing = code === 'ENOENT' || code === 'ENOTDIR';
  const why = missing
    ? `there is no folder ${dirname(file)}; make it first`
    : `${cause instanceof Error ? cause.message : String(cause)}; look at the permissions of its folder`;
  return new SwarmError('ERR_SWARM_STORE', `The store ${file} cannot be made: ${why}.`, { cause });
}
