/** A folder as the web sees it: which path of a URL is which file, and which is none. */

import { constants, type BigIntStats } from 'node:fs';
import { type FileHandle, open, opendir, readlink, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { CliError } from '../failure.js';
import { pathFault } from '../files/safe-path.js';

/** Most entries of a folder that are listed. */
const MAX_LISTED = 10_000;

// What is opened is the very file that was looked at: no link, and no pipe that blocks. Windows knows neither flag.
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

export interface FoundFile {
  readonly kind: 'file';
  /** As it was asked for: a link's own name, which says what the file is. */
  readonly name: string;
  readonly handle: FileHandle;
  readonly stats: BigIntStats;
}

export type Found =
  | FoundFile
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'forbidden' };

export interface Entry {
  readonly name: string;
  readonly isFolder: boolean;
  readonly size: number;
  readonly modified: Date;
}

const MISSING = { kind: 'missing' } as const;

/** The names in the path of a URL; `undefined` for a path that can be no file. */
export function namesIn(pathname: string): readonly string[] | undefined {
  if (pathname === '/') return [];
  const parts = pathname.replace(/^\//, '').replace(/\/$/, '');
  const names: string[] = [];
  for (const part of parts.split('/')) {
    try {
      names.push(decodeURIComponent(part));
    } catch {
      return undefined;
    }
  }
  // A name with a slash in it (%2F) would become two.
  if (names.some((name) => name.includes('/'))) return undefined;
  return pathFault(names.join('/')) === undefined ? names : undefined;
}

/** Names that stay unseen unless asked for: those with a dot before them, other than RFC 8615's. */
export function isHidden(name: string): boolean {
  return name.startsWith('.') && name !== '.well-known';
}

export class ServedFolder {
  /** Its real path. */
  readonly root: string;
  readonly #dotfiles: boolean;

  private constructor(root: string, dotfiles: boolean) {
    this.root = root;
    this.#dotfiles = dotfiles;
  }

  /** @throws CliError when there is no such folder */
  static async open(folder: string, { dotfiles }: { readonly dotfiles: boolean }): Promise<ServedFolder> {
    try {
      const root = await realpath(folder);
      if (!(await stat(root)).isDirectory()) throw new CliError(`${folder} is no folder`);
      return new ServedFolder(root, dotfiles);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new CliError(`there is no folder ${folder}`, { cause: error });
    }
  }

  /** What the path of a URL leads to. Whoever gets a file closes its handle. */
  async find(names: readonly string[]): Promise<Found> {
    try {
      const path = await realpath(join(this.root, ...names));
      if (!this.#shows(path)) return MISSING;
      const looked = await stat(path);
      if (looked.isDirectory()) return { kind: 'folder', path };
      return looked.isFile() ? await this.#open(path, names.at(-1) ?? '') : MISSING;
    } catch (error) {
      return failed(error);
    }
  }

  async #open(path: string, name: string): Promise<Found> {
    const handle = await open(path, OPEN_FLAGS);
    try {
      const stats = await handle.stat({ bigint: true });
      if (stats.isFile() && (await isOpenedAs(handle, path))) return { kind: 'file', name, handle, stats };
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
    return MISSING;
  }

  /** Whether a real path is in the folder and not hidden: links lead neither out nor to what is hidden. */
  #shows(path: string): boolean {
    const inside = relative(this.root, path);
    if (inside === '') return true;
    const names = inside.split(sep);
    if (isAbsolute(inside) || names[0] === '..') return false;
    return this.#dotfiles || !names.some(isHidden);
  }

  /** What a folder holds that can be asked for, folders first. @param path its real path, as {@link find} gave it */
  async list(path: string): Promise<{ readonly entries: readonly Entry[]; readonly isAll: boolean }> {
    const entries: Entry[] = [];
    let isAll = true;
    for await (const { name } of await opendir(path)) {
      if ((!this.#dotfiles && isHidden(name)) || pathFault(name) !== undefined) continue;
      if (entries.length === MAX_LISTED) {
        isAll = false;
        break;
      }
      const entry = await this.#entry(join(path, name), name);
      if (entry) entries.push(entry);
    }
    entries.sort((a, b) => Number(b.isFolder) - Number(a.isFolder) || (a.name < b.name ? -1 : 1));
    return { entries, isAll };
  }

  async #entry(path: string, name: string): Promise<Entry | undefined> {
    try {
      const real = await realpath(path);
      if (!this.#shows(real)) return undefined;
      const { size, mtime, ...stats } = await stat(real).then((found) => ({
        size: found.size,
        mtime: found.mtime,
        isFolder: found.isDirectory(),
        isFile: found.isFile(),
      }));
      return stats.isFolder || stats.isFile ? { name, isFolder: stats.isFolder, size, modified: mtime } : undefined;
    } catch {
      // Gone meanwhile, a link to nothing, or not for this user.
      return undefined;
    }
  }
}

/**
 * Whether the opened file is still the one at `path`: a folder on the way may have been replaced by a link since it was looked
 * at. Only Linux can tell.
 */
async function isOpenedAs(handle: FileHandle, path: string): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  try {
    return (await readlink(`/proc/self/fd/${handle.fd}`)) === path;
  } catch {
    return true;
  }
}

function failed(error: unknown): Found {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ELOOP':
    case 'ENAMETOOLONG':
      return MISSING;
    case 'EACCES':
    case 'EPERM':
      return { kind: 'forbidden' };
    default:
      throw error;
  }
}
