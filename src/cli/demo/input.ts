/** What the demonstration works on: files of a folder, and the tasks that they make. */

import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CliError } from '../failure.js';
import { listFiles, type FileList } from '../files/file-list.js';
import { NOT_SOURCES, ownFiles, PACKAGE_ROOT } from '../own-files.js';
import { recount, type Recount } from './indexing/recount.js';
import { textOf } from './indexing/words.js';

/** Larger files are left out, and so is what comes when there is this much: all is held in memory. Bytes. */
const LARGEST_FILE = 16 * 2 ** 20;
const LARGEST_INPUT = 64 * 2 ** 20;
/** Bytes of files in one task. Larger files are tasks of their own. */
const HASH_BATCH = 256 * 1024;
const TEXT_BATCH = 64 * 1024;

export interface InputFile {
  /** Its place in the list. */
  readonly number: number;
  /** Below the root; `/` between names on every platform. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Computed here, to be compared with what agents compute. */
  readonly sha256: string;
  /** Counted here, of text; `undefined` of other files. */
  readonly text: Recount | undefined;
}

export interface Input {
  readonly root: string;
  readonly isOwn: boolean;
  readonly files: readonly InputFile[];
  readonly bytes: number;
  /** What was left out, in words. */
  readonly leftOut: readonly string[];
}

/** Reads and counts the files of a folder; this package's own without one. @throws CliError */
export async function readInput(folder: string | undefined): Promise<Input> {
  const list = folder === undefined ? await ownFiles() : await filesOf(folder);
  const leftOut = [...list.unreadable];
  const files: InputFile[] = [];
  let bytes = 0;
  let tooLarge = 0;
  for (const { source, path, size } of list.files) {
    if (size > LARGEST_FILE || bytes + size > LARGEST_INPUT) {
      tooLarge++;
      continue;
    }
    const content = await readFile(source).catch((error: unknown) => {
      leftOut.push(`cannot read ${source}: ${String(error)}`);
    });
    if (!content) continue;
    files.push(inputFile(files.length, path, content));
    bytes += content.length;
  }
  if (tooLarge > 0) leftOut.push(`${tooLarge} files of more than 16 MiB, or beyond 64 MiB in all`);
  if (files.length === 0) throw new CliError(`there is no file to work on in ${folder ?? PACKAGE_ROOT}`);
  const root = folder === undefined ? PACKAGE_ROOT : resolve(folder, '..');
  return { root, isOwn: folder === undefined, files, bytes, leftOut };
}

async function filesOf(folder: string): Promise<FileList> {
  const found = await stat(folder).catch((error: unknown) => {
    throw new CliError(`there is no folder ${folder}`, { cause: error });
  });
  if (!found.isDirectory()) throw new CliError(`${folder} is no folder; name one with text or source files in it`);
  return listFiles([folder], { exclude: NOT_SOURCES });
}

function inputFile(number: number, path: string, bytes: Uint8Array): InputFile {
  const text = textOf(bytes);
  return {
    number,
    path,
    bytes,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    text: text === undefined ? undefined : recount(text),
  };
}

/** What a task is about, as agents get it. */
export interface FilePayload {
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** The files of each task. */
export interface Batches {
  readonly hash: readonly (readonly FilePayload[])[];
  readonly text: readonly (readonly FilePayload[])[];
}

export function batchesOf({ files }: Input): Batches {
  const texts = files.filter(({ text }) => text !== undefined);
  return { hash: split(files, HASH_BATCH), text: split(texts, TEXT_BATCH) };
}

/** Files in their order, as many to a batch as fit. */
function split(files: readonly InputFile[], size: number): FilePayload[][] {
  const batches: FilePayload[][] = [];
  let room = 0;
  for (const { number, bytes } of files) {
    if (bytes.length > room || batches.length === 0) {
      batches.push([]);
      room = size;
    }
    batches.at(-1)?.push({ number, bytes });
    room -= bytes.length;
  }
  return batches;
}
