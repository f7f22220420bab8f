/** Files to be transferred: the same bytes in every run. */

import { createCipheriv, createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../support/temporary-folder.js';

/** A file by its path as requests name it, e.g. `/5m`. */
export interface ServedFile {
  readonly path: string;
  readonly bytes: Buffer;
  readonly sha256: string;
}

/** A folder of files, on disk for peers and in memory for skein. */
export interface ServedFiles {
  readonly folder: string;
  readonly byPath: ReadonlyMap<string, ServedFile>;
  readonly paths: readonly string[];
}

/** SHA-256 in hex, as the peers print it. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Bytes without a pattern, the same for the same name: AES-128-CTR of zeros. */
function noise(name: string, length: number): Buffer {
  const key = createHash('sha256').update(name).digest().subarray(0, 16);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** Makes files of the given sizes in a new folder, which goes when the tests are over. */
export function makeFiles(sizes: Readonly<Record<string, number>>): ServedFiles {
  const folder = temporaryFolder();
  const byPath = new Map<string, ServedFile>();
  for (const [name, size] of Object.entries(sizes)) {
    const bytes = noise(name, size);
    writeFileSync(join(folder, name), bytes);
    byPath.set(`/${name}`, { path: `/${name}`, bytes, sha256: sha256(bytes) });
  }
  return { folder, byPath, paths: [...byPath.keys()] };
}

/** Many small files: `count` of 32 bytes each, with names of `nameLength` characters. */
export function smallFiles(count: number, nameLength = 8): Record<string, number> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [String(index).padStart(nameLength, 'f'), 32] as const),
  );
}

/** Writes the paths one a line, as `--get-from` reads them; the file's name. */
export function listOf(files: ServedFiles): string {
  const file = join(temporaryFolder(), 'paths');
  writeFileSync(file, files.paths.join('\n'));
  return file;
}
