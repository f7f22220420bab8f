/** The files that demonstrations work on. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listFiles, type FileList } from './files/file-list.js';

/** What a checkout holds beside its sources. */
export const NOT_SOURCES: readonly string[] = ['node_modules', '.git', 'target', 'dist', 'coverage', '.tmp', '.cache'];

/** Folder of this package. */
export const PACKAGE_ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** This package's own files: the sources of a checkout, or what npm installed. */
export async function ownFiles(): Promise<FileList> {
  const names = (await readdir(PACKAGE_ROOT)).filter((name) => name !== 'node_modules' && name !== '.git');
  const isCheckout = names.includes('src');
  const wanted = names.filter((name) => !isCheckout || !NOT_SOURCES.includes(name));
  return listFiles(
    wanted.map((name) => join(PACKAGE_ROOT, name)),
    { exclude: isCheckout ? NOT_SOURCES : ['node_modules'] },
  );
}
