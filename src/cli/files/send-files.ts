/** A whole transfer at the sender: the offer, the files on concurrent streams, and the receiver's own count at the end. */

import type { QuicConnection, QuicStream } from '../../index.js';
import { CliError, EXIT } from '../failure.js';
import type { FileList, LocalFile } from './file-list.js';
import { encodeMessage, FilesProtocolError, StreamReader, type Summary } from './messages.js';
import type { TransferProgress } from './progress.js';
import { sendFile, type SendOutcome } from './send-file.js';

export interface SendOptions {
  /** Files under way at a time, each on a stream of its own. */
  readonly streams: number;
  /** Whether the receiver is asked what it has already. */
  readonly resume: boolean;
  readonly progress: TransferProgress;
}

export interface SendResult {
  readonly files: number;
  readonly bytes: number;
  readonly stored: number;
  readonly present: number;
  /** Paths and words. */
  readonly refused: readonly string[];
  readonly failed: readonly string[];
  /** Paths whose content arrived with another hash. */
  readonly mismatched: readonly string[];
  /** Most streams that were open at one time. */
  readonly peakStreams: number;
  readonly ms: number;
}

/**
 * Sends files over a connection whose remote receives.
 *
 * @throws CliError when the receiver refuses the offer, or its count is not ours; QuicError; FilesProtocolError
 */
export async function sendFiles(connection: QuicConnection, list: FileList, options: SendOptions): Promise<SendResult> {
  const began = performance.now();
  const tally = new Tally();
  const control = await connection.openBidirectionalStream({ waitForCredit: true });
  const reader = new StreamReader(control);
  await control.send(encodeMessage({ type: 'offer', files: list.files.length, bytes: list.bytes }));
  const answer = await reader.message('accept', 'refuse');
  if (answer.type === 'refuse') throw new CliError(`the receiver refused: ${answer.reason}`);
  options.progress.begin(list.files.length, list.bytes);
  await makeFolders(connection, list.emptyFolders, tally);
  await sendAll(connection, list.files, options, tally);
  const summary = await conclude(control, reader);
  checkCounts(tally, summary);
  return {
    files: list.files.length,
    bytes: list.bytes,
    stored: tally.stored,
    present: tally.present,
    refused: tally.refused,
    failed: [...list.unreadable, ...tally.failed],
    mismatched: tally.mismatched,
    peakStreams: tally.peakStreams,
    ms: performance.now() - began,
  };
}

class Tally {
  stored = 0;
  present = 0;
  readonly refused: string[] = [];
  readonly failed: string[] = [];
  readonly mismatched: string[] = [];
  peakStreams = 0;

  add(path: string, outcome: SendOutcome, progress: TransferProgress): void {
    switch (outcome.type) {
      case 'stored':
      case 'made':
        this.stored++;
        return;
      case 'present':
        this.present++;
        return;
      case 'refused':
        this.refused.push(`${path}: ${outcome.reason}`);
        progress.note(`refused: ${path}: ${outcome.reason}`);
        return;
      case 'mismatch':
        this.mismatched.push(path);
        progress.note(`mismatch: ${path} arrived with the SHA-256 ${outcome.sha256}`);
        return;
      case 'failed':
        this.failed.push(`${path}: ${outcome.reason}`);
        progress.note(`failed: ${path}: the receiver could not write it: ${outcome.reason}`);
        return;
      case 'unreadable':
        this.failed.push(`${path}: ${outcome.reason}`);
        progress.note(`failed: ${path} cannot be read: ${outcome.reason}`);
        return;
    }
  }
}

async function makeFolders(connection: QuicConnection, folders: readonly string[], tally: Tally): Promise<void> {
  for (const path of folders) {
    const stream = await connection.openBidirectionalStream({ waitForCredit: true });
    await stream.send(encodeMessage({ type: 'folder', path }));
    await stream.finish();
    const reader = new StreamReader(stream);
    const outcome = await reader.message('made', 'refused', 'failed');
    await reader.end();
    if (outcome.type !== 'made') tally.failed.push(`${path}: ${outcome.reason}`);
  }
}

/** Several files at a time, in the order of the list; the first error of the connection ends all. */
async function sendAll(
  connection: QuicConnection,
  files: readonly LocalFile[],
  options: SendOptions,
  tally: Tally,
): Promise<void> {
  const { progress, resume } = options;
  let next = 0;
  const moved = (bytes: number): void => {
    tally.peakStreams = Math.max(tally.peakStreams, connection.activeStreams);
    progress.moved(bytes);
  };
  const work = async (): Promise<void> => {
    for (let file = files[next++]; file; file = files[next++]) {
      tally.add(file.path, await sendFile(connection, file, { resume, moved }), progress);
      progress.fileEnded();
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.streams, files.length) }, work));
}

async function conclude(control: QuicStream, reader: StreamReader): Promise<Summary> {
  await control.send(encodeMessage({ type: 'done' }));
  await control.finish();
  const summary = await reader.message('summary');
  await reader.end();
  return summary;
}

/** Both sides must have seen the same: otherwise one of them is wrong, and nobody knows which. */
function checkCounts(tally: Tally, summary: Summary): void {
  const same =
    summary.stored === tally.stored &&
    summary.present === tally.present &&
    summary.mismatched === tally.mismatched.length;
  if (same) return;
  throw new CliError(
    `the receiver counts ${summary.stored} stored, ${summary.present} present and ${summary.mismatched} mismatched files, this side ${tally.stored}, ${tally.present} and ${tally.mismatched.length}`,
    { exitCode: EXIT.mismatch, cause: new FilesProtocolError('the counts differ') },
  );
}
