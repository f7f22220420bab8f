/** What there is to send: files and empty folders below the paths that a person named. */

import type { Stats } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { CliError, EXIT } from '../failure.js';

export interface LocalFile {
  /** Where it is. */
  readonly source: string;
  /** What it is called at the receiver; `/` between names on every platform. */
  readonly path: string;
  readonly size: number;
  readonly executable: boolean;
}

export interface FileList {
  readonly files: readonly LocalFile[];
  /** Folders with nothing in them, by their paths at the receiver. */
  readonly emptyFolders: readonly string[];
  readonly bytes: number;
  /** What is left out on purpose (links, devices), in words. */
  readonly skipped: readonly string[];
  /** What could not be read, in words: each is a failure of the transfer. */
  readonly unreadable: readonly string[];
}

interface Lists {
  readonly files: LocalFile[];
  readonly emptyFolders: string[];
  readonly skipped: string[];
  readonly unreadable: string[];
}

export interface ListOptions {
  /** Leaves out what is called like that, at any depth below the named folders. Default: nothing. */
  readonly exclude?: readonly string[];
}

/**
 * Lists files. A named path may be a link; links below are not followed, so that nothing outside is sent by surprise.
 *
 * @throws CliError when a named path does not exist, or two would have one name at the receiver
 */
export async function listFiles(paths: readonly string[], options: ListOptions = {}): Promise<FileList> {
  const lists: Lists = { files: [], emptyFolders: [], skipped: [], unreadable: [] };
  const exclude = new Set(options.exclude);
  const names = new Map<string, string>();
  for (const given of paths) {
    const source = resolve(given);
    const name = basename(source);
    if (name === '') throw new CliError(`${given} has no name to give it at the receiver`, { exitCode: EXIT.usage });
    const same = names.get(name);
    if (same === source) continue;
    if (same !== undefined) {
      const message = `${same} and ${source} would both be called ${name} at the receiver; send them one after the other`;
      throw new CliError(message, { exitCode: EXIT.usage });
    }
    names.set(name, source);
    await add(lists, source, name, exclude, await statNamed(given, source));
  }
  const bytes = lists.files.reduce((sum, { size }) => sum + size, 0);
  return { ...lists, bytes };
}

async function statNamed(given: string, source: string): Promise<Stats> {
  try {
    return await stat(source);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file or folder' : `it cannot be read (${code ?? String(error)})`;
    throw new CliError(`cannot send ${given}: ${why}`, { cause: error });
  }
}

async function add(lists: Lists, source: string, path: string, exclude: Set<string>, found: Stats): Promise<void> {
  if (found.isFile()) {
    lists.files.push({ source, path, size: found.size, executable: (found.mode & 0o111) !== 0 });
  } else if (found.isDirectory()) {
    await addFolder(lists, source, path, exclude);
  } else {
    lists.skipped.push(`${path} is ${found.isSymbolicLink() ? 'a symbolic link' : 'neither a file nor a folder'}`);
  }
}

async function addFolder(lists: Lists, source: string, path: string, exclude: Set<string>): Promise<void> {
  let names: string[];
  try {
    names = (await readdir(source)).filter((name) => !exclude.has(name)).sort();
  } catch (error) {
    lists.unreadable.push(`cannot read the folder ${source}: ${reason(error)}`);
    return;
  }
  if (names.length === 0) lists.emptyFolders.push(path);
  for (const name of names) {
    const below = join(source, name);
    try {
      await add(lists, below, `${path}/${name}`, exclude, await lstat(below));
    } catch (error) {
      lists.unreadable.push(`cannot read ${below}: ${reason(error)}`);
    }
  }
}

/** What the operating system says, in short. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'ENOENT':
      return 'it is gone';
    case 'ENOSPC':
      return 'the disk is full';
    default:
      return error.message;
  }
}
