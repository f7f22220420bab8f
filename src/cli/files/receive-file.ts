/** One file at the receiver: checks its name, writes it, compares hashes, answers. */

import type { QuicStream } from '../../index.js';
import { reason } from './file-list.js';
import {
  encodeMessage,
  FilesProtocolError,
  HASH_BYTES,
  type Opening,
  type Outcome,
  type StreamReader,
} from './messages.js';
import { hashOf, PartFile, whatIsAt } from './part-file.js';
import { PathRefused, pathFault, placeOf, plainFolder } from './safe-path.js';

const CHUNK = 256 * 1024;

export interface ReceiveFileOptions {
  /** Absolute path of the folder that everything goes to. */
  readonly root: string;
  /** Replaces files that are there. */
  readonly force: boolean;
  /** Goes on with parts of an earlier transfer, and leaves parts for a later one. */
  readonly resume: boolean;
  /** Paths of this transfer so far: one path names one file. */
  readonly taken: Set<string>;
  readonly moved: (bytes: number) => void;
  /** A part of `bytes` bytes stays for a later transfer. */
  readonly left: (path: string, bytes: number) => void;
}

type FileOpening = Extract<Opening, { type: 'file' }>;

/**
 * Receives the file that `opening` announced, as far as it is wanted; the caller answers with the outcome.
 *
 * @throws FilesProtocolError, and why the stream or the connection ended before the file was complete; nothing has its name then
 */
export async function receiveFile(
  stream: QuicStream,
  reader: StreamReader,
  opening: FileOpening,
  options: ReceiveFileOptions,
): Promise<Outcome> {
  try {
    return await receive(stream, reader, opening, options);
  } catch (error) {
    if (error instanceof PathRefused) return { type: 'refused', reason: error.message };
    if (isDiskError(error)) return { type: 'failed', reason: reason(error) };
    throw error;
  }
}

/** Makes an empty folder. */
export async function receiveFolder(path: string, root: string): Promise<Outcome> {
  const fault = pathFault(path);
  if (fault !== undefined) return { type: 'refused', reason: fault };
  try {
    await plainFolder((await placeOf(root, path)).full);
    return { type: 'made' };
  } catch (error) {
    if (error instanceof PathRefused) return { type: 'refused', reason: error.message };
    return { type: 'failed', reason: reason(error) };
  }
}

async function receive(
  stream: QuicStream,
  reader: StreamReader,
  opening: FileOpening,
  options: ReceiveFileOptions,
): Promise<Outcome> {
  const { path, size, executable } = opening;
  const fault = pathFault(path);
  if (fault !== undefined) throw new PathRefused(fault);
  if (options.taken.has(path)) throw new PathRefused('its path came twice');
  options.taken.add(path);
  const place = await placeOf(options.root, path);
  const there = await whatIsAt(place.full);
  if (there === 'other') throw new PathRefused('a folder, link or device has its name at the receiver');
  const resumable = opening.resume && options.resume;
  let agreed = false;
  if (there === 'file') {
    const whole = resumable ? await hashOf(place.full) : undefined;
    if (whole?.size === size) {
      const sha256 = whole.hash.digest('hex');
      if ((await agree(stream, reader, size, sha256)) === size) return await present(reader, size, sha256, options);
      agreed = true;
    }
    if (!options.force) throw new PathRefused('it is there already; --force at the receiver replaces it');
  }
  const part = await PartFile.open(place.folder, place.name, { executable, resumable });
  try {
    if (agreed || part.size > size) await part.restart();
    if (opening.resume && !agreed) {
      const offset = await agree(stream, reader, part.size, part.sha256);
      if (offset !== part.size) await part.restart();
      options.moved(offset);
    }
    return await take(reader, part, size, options);
  } catch (error) {
    if (resumable && (await part.leave())) options.left(path, part.size);
    throw error;
  } finally {
    await part.discard();
  }
}

/** Says how much of the file is here; where the sender then begins: behind that, or at 0. */
async function agree(stream: QuicStream, reader: StreamReader, size: number, sha256: string): Promise<number> {
  await stream.send(encodeMessage({ type: 'have', size, sha256 }));
  const { offset } = await reader.message('from');
  if (offset === 0 || offset === size) return offset;
  throw new FilesProtocolError(`the remote begins at ${offset}, where 0 or ${size} was possible`);
}

/** The whole file is here; the hash that follows says so once more. */
async function present(
  reader: StreamReader,
  size: number,
  sha256: string,
  options: ReceiveFileOptions,
): Promise<Outcome> {
  options.moved(size);
  const said = Buffer.from(await reader.exactly(HASH_BYTES)).toString('hex');
  await reader.end();
  return said === sha256 ? { type: 'present', sha256 } : { type: 'mismatch', sha256 };
}

async function take(reader: StreamReader, part: PartFile, size: number, options: ReceiveFileOptions): Promise<Outcome> {
  while (part.size < size) {
    const bytes = await reader.some(Math.min(CHUNK, size - part.size));
    if (bytes.length === 0) await reader.exactly(1);
    await part.write(bytes);
    options.moved(bytes.length);
  }
  const said = Buffer.from(await reader.exactly(HASH_BYTES)).toString('hex');
  await reader.end();
  const sha256 = part.sha256;
  if (said !== sha256) return { type: 'mismatch', sha256 };
  await part.keep(options.force);
  return { type: 'stored', sha256 };
}

/** An error of the operating system about this side's files; those of the connection are QuicErrors. */
function isDiskError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
