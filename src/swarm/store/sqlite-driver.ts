/** SQLite as this runtime has it: its own `node:sqlite`, or the npm package `libsql`; both behind one small interface. */

import { SwarmError } from '../errors.js';

/** What is bound to a statement. */
export type SqliteValue = number | Uint8Array;

/** A row; blobs come as `Uint8Array` from one driver and as `ArrayBuffer` from another. */
export type SqliteRow = Record<string, unknown>;

export interface SqliteStatement {
  run(...values: SqliteValue[]): void;
  get(...values: SqliteValue[]): SqliteRow | undefined;
  all(...values: SqliteValue[]): SqliteRow[];
}

export interface SqliteDatabase {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

/** Where SQLite comes from. */
export type SqliteDriverName = 'node:sqlite' | 'libsql';

export interface SqliteDriver {
  readonly name: SqliteDriverName;
  open(path: string): SqliteDatabase;
}

/** What both packages have in common, but for how values are bound. */
interface ForeignStatement {
  run(...values: unknown[]): unknown;
  get(...values: unknown[]): unknown;
  all(...values: unknown[]): unknown[];
}
interface ForeignDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): ForeignStatement;
  close(): void;
}
type ForeignConstructor = new (path: string) => ForeignDatabase;

/**
 * Runs `load` without the warning that SQLite is experimental in Node 22 and 24: what this uses of it is the same in all
 * of them and tested there. Other warnings pass.
 */
function withoutExperimentalWarning<T>(load: () => T): T {
  const original = Reflect.get(process, 'emitWarning') as (...parameters: unknown[]) => void;
  process.emitWarning = (...parameters: unknown[]): void => {
    const [warning, type] = parameters;
    if (type === 'ExperimentalWarning' && String(warning).includes('SQLite')) return;
    Reflect.apply(original, process, parameters);
  };
  try {
    return load();
  } finally {
    process.emitWarning = original;
  }
}

function builtin(): ForeignConstructor | undefined {
  // Missing in Node before 20.16, which has no SQLite either.
  const module = withoutExperimentalWarning(
    () => process.getBuiltinModule?.('node:sqlite') as { DatabaseSync?: ForeignConstructor } | undefined,
  );
  return module?.DatabaseSync;
}

async function libsql(): Promise<ForeignConstructor> {
  const module = (await import('libsql')) as unknown as { default: ForeignConstructor };
  return module.default;
}

/**
 * @param name default: `node:sqlite` where it is, else `libsql`
 * @throws SwarmError `ERR_SWARM_STORE` when there is none
 */
export async function loadSqlite(name?: SqliteDriverName): Promise<SqliteDriver> {
  const own = name === 'libsql' ? undefined : builtin();
  if (own) return { name: 'node:sqlite', open: (path) => adapt(new own(path), false) };
  const missing = `This runtime (${process.release.name} ${process.version}) has no SQLite of its own (Node 22.13 and later do)`;
  if (name === 'node:sqlite') throw new SwarmError('ERR_SWARM_STORE', `${missing}. Leave the option driver out.`);
  let Database: ForeignConstructor;
  try {
    Database = await libsql();
  } catch (cause) {
    const why = name === 'libsql' ? 'The npm package libsql' : `${missing}, and the npm package libsql`;
    throw new SwarmError(
      'ERR_SWARM_STORE',
      `${why} cannot be loaded. Use a newer Node, or run npm install libsql, or keep the swarm in a MemoryStore.`,
      { cause },
    );
  }
  return { name: 'libsql', open: (path) => adapt(new Database(path), true) };
}

/** @param asArray libsql takes a lone object, even bytes, as named parameters: values go in one array */
function adapt(database: ForeignDatabase, asArray: boolean): SqliteDatabase {
  const bound = (values: SqliteValue[]): unknown[] => (asArray ? [values] : values);
  return {
    exec: (sql) => void database.exec(sql),
    prepare(sql) {
      const statement = database.prepare(sql);
      return {
        run: (...values) => void statement.run(...bound(values)),
        // Bun says null where the others say undefined.
        get: (...values) => (statement.get(...bound(values)) ?? undefined) as SqliteRow | undefined,
        all: (...values) => statement.all(...bound(values)) as SqliteRow[],
      };
    },
    close: () => database.close(),
  };
}
