/** One file on one stream: its opening, its content, its hash, and what the receiver made of it. */

import { createHash, type Hash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import type { QuicConnection, QuicStream } from '../../index.js';
import { QuicError } from '../../index.js';
import { reason, type LocalFile } from './file-list.js';
import { CODE, encodeMessage, StreamReader, type Have, type Outcome } from './messages.js';

/** Bytes read from disk and handed to the stream at a time. */
const CHUNK = 256 * 1024;

/** How a file ended at the sender: what the receiver said, or why it could not be read. */
export type SendOutcome = Outcome | { readonly type: 'unreadable'; readonly reason: string };

/** The file cannot be read as it was listed. */
class Unreadable extends Error {}

/**
 * Sends a file.
 *
 * @param moved called with the number of bytes that the stream took
 * @throws why the connection ended, and FilesProtocolError
 */
export async function sendFile(
  connection: QuicConnection,
  file: LocalFile,
  options: { readonly resume: boolean; readonly moved: (bytes: number) => void },
): Promise<SendOutcome> {
  let handle: FileHandle;
  try {
    handle = await open(file.source, 'r');
  } catch (error) {
    return { type: 'unreadable', reason: reason(error) };
  }
  try {
    const stream = await connection.openBidirectionalStream({ waitForCredit: true });
    return await exchange(stream, handle, file, options);
  } finally {
    await handle.close();
  }
}

async function exchange(
  stream: QuicStream,
  handle: FileHandle,
  file: LocalFile,
  options: { readonly resume: boolean; readonly moved: (bytes: number) => void },
): Promise<SendOutcome> {
  const reader = new StreamReader(stream);
  const { path, size, executable } = file;
  const { resume, moved } = options;
  try {
    await stream.send(encodeMessage({ type: 'file', path, size, executable, resume }));
    let start = { offset: 0, hash: createHash('sha256') };
    if (resume) {
      const answer = await reader.message('have', 'refused', 'failed');
      if (answer.type !== 'have') return await ended(stream, reader, answer);
      start = await agree(handle, file, answer);
      await stream.send(encodeMessage({ type: 'from', offset: start.offset }));
      moved(start.offset);
    }
    const { offset, hash } = start;
    await readThrough(handle, offset, size, async (bytes) => {
      hash.update(bytes);
      await stream.send(bytes);
      moved(bytes.length);
    });
    await stream.send(hash.digest());
    await stream.finish();
  } catch (error) {
    if (error instanceof Unreadable) {
      stream.reset(CODE.file);
      stream.stopSending(CODE.file);
      return { type: 'unreadable', reason: error.message };
    }
    // The receiver does not want the rest: its answer says why.
    if (!QuicError.isQuicError(error) || error.code !== 'ERR_QUIC_STREAM_STOPPED') throw error;
  }
  const outcome = await reader.message('stored', 'present', 'refused', 'mismatch', 'failed');
  await reader.end();
  return outcome;
}

async function ended(stream: QuicStream, reader: StreamReader, outcome: Outcome): Promise<Outcome> {
  await reader.end();
  if (stream.sendState === 'open') await stream.finish().catch(() => undefined);
  return outcome;
}

/** Where to begin: behind what the receiver has, if that is the beginning of this file. With the hash up to there. */
async function agree(
  handle: FileHandle,
  file: LocalFile,
  { size, sha256 }: Have,
): Promise<{ offset: number; hash: Hash }> {
  if (size > file.size) return { offset: 0, hash: createHash('sha256') };
  const prefix = createHash('sha256');
  await readThrough(handle, 0, size, async (bytes) => void prefix.update(bytes));
  return prefix.copy().digest('hex') === sha256
    ? { offset: size, hash: prefix }
    : { offset: 0, hash: createHash('sha256') };
}

/** Hands over the bytes from `from` up to `to`. @throws Unreadable when the file ends before or cannot be read */
async function readThrough(
  handle: FileHandle,
  from: number,
  to: number,
  take: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK, Math.max(1, to - from)));
  for (let at = from; at < to; ) {
    const bytes = await readSome(handle, buffer, Math.min(buffer.length, to - at), at);
    await take(bytes);
    at += bytes.length;
  }
}

async function readSome(handle: FileHandle, buffer: Buffer, length: number, at: number): Promise<Uint8Array> {
  let bytesRead: number;
  try {
    ({ bytesRead } = await handle.read(buffer, 0, length, at));
  } catch (error) {
    throw new Unreadable(reason(error));
  }
  if (bytesRead === 0) throw new Unreadable('it became shorter while it was sent');
  return buffer.subarray(0, bytesRead);
}
