/** A file on its way: written under another name, and given its own when its hash is right. */

import { createHash, randomBytes, type Hash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { link, lstat, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { PART_SUFFIX, PathRefused } from './safe-path.js';

const FILE_MODE = 0o666;
const EXECUTABLE_MODE = 0o777;

/** What is at a path: nothing, a plain file, or something else. Links count as something else. */
export async function whatIsAt(path: string): Promise<'nothing' | 'file' | 'other'> {
  try {
    return (await lstat(path)).isFile() ? 'file' : 'other';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'nothing';
    throw error;
  }
}

/** The SHA-256 of a file, as a hash that can go on, and how many bytes it covers. */
export async function hashOf(path: string): Promise<{ hash: Hash; size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { hash, size };
}

export class PartFile {
  readonly path: string;
  readonly #final: string;
  readonly #handle: FileHandle;
  #hash: Hash;
  #at: number;
  #ended = false;

  private constructor(path: string, final: string, handle: FileHandle, hash: Hash, at: number) {
    this.path = path;
    this.#final = final;
    this.#handle = handle;
    this.#hash = hash;
    this.#at = at;
  }

  /**
   * Begins or continues a file.
   *
   * @param resumable whether its name says whose part it is, so that a later transfer finds it
   * @throws PathRefused when what has the part's name is no plain file
   */
  static async open(
    folder: string,
    name: string,
    options: { executable: boolean; resumable: boolean },
  ): Promise<PartFile> {
    // Long names lose their end: the whole must stay within what file systems allow.
    const stem = name.length > 200 ? createHash('sha256').update(name).digest('hex') : name;
    const unique = options.resumable ? '' : `.${randomBytes(4).toString('hex')}`;
    const path = join(folder, `.${stem}${unique}${PART_SUFFIX}`);
    const mode = options.executable ? EXECUTABLE_MODE : FILE_MODE;
    let found: { hash: Hash; size: number } = { hash: createHash('sha256'), size: 0 };
    let flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    if (options.resumable && (await whatIsAt(path)) !== 'nothing') {
      if ((await whatIsAt(path)) !== 'file') throw new PathRefused(`${path} is no plain file at the receiver`);
      found = await hashOf(path);
      flags = constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0);
    }
    const handle = await open(path, flags, mode);
    return new PartFile(path, join(folder, name), handle, found.hash, found.size);
  }

  /** Bytes it holds, and their SHA-256. */
  get size(): number {
    return this.#at;
  }

  get sha256(): string {
    return this.#hash.copy().digest('hex');
  }

  /** Throws away what is there, for a sender that begins anew. */
  async restart(): Promise<void> {
    await this.#handle.truncate(0);
    this.#hash = createHash('sha256');
    this.#at = 0;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, this.#at);
      done += bytesWritten;
      this.#at += bytesWritten;
    }
  }

  /**
   * Gives it its own name, for good.
   *
   * @param replace whether a file that has the name already is replaced
   * @throws PathRefused when something has that name, and `replace` is false
   */
  async keep(replace: boolean): Promise<void> {
    this.#ended = true;
    await this.#handle.close();
    if (replace) {
      await rename(this.path, this.#final);
      return;
    }
    try {
      // Unlike a rename, a link never takes the place of what came there meanwhile.
      await link(this.path, this.#final);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') {
        await rm(this.path, { force: true });
        throw new PathRefused('it is there already; receive with --force to replace it');
      }
      // File systems without links (FAT) have to make do with a look before.
      if ((await whatIsAt(this.#final)) !== 'nothing') throw error;
      await rename(this.path, this.#final);
      return;
    }
    await rm(this.path, { force: true });
  }

  /** Removes it. No effect on one that was kept. */
  async discard(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#handle.close();
    await rm(this.path, { force: true });
  }

  /** Leaves it for a later transfer; whether there is anything to leave. */
  async leave(): Promise<boolean> {
    if (this.#ended) return false;
    if (this.#at === 0) {
      await this.discard();
      return false;
    }
    this.#ended = true;
    await this.#handle.close();
    return true;
  }
}
