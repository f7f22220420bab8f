/** A whole transfer at the receiver: the streams of one connection, until the sender is done or the connection ends. */

import type { QuicConnection, QuicStream } from '../../index.js';
import { QuicError } from '../../index.js';
import { CliError, EXIT } from '../failure.js';
import { count, formatBytes } from '../format.js';
import { CODE, encodeMessage, FilesProtocolError, StreamReader, type Outcome } from './messages.js';
import type { TransferProgress } from './progress.js';
import { receiveFile, receiveFolder, type ReceiveFileOptions } from './receive-file.js';

export interface ReceiveOptions {
  /** Absolute path of the folder that everything goes to. */
  readonly root: string;
  readonly force: boolean;
  readonly resume: boolean;
  readonly progress: TransferProgress;
  /** Called with an offer; a text refuses it. Default: every offer is welcome. */
  readonly onOffer?: (files: number, bytes: number) => string | undefined;
}

export interface ReceiveResult {
  readonly stored: number;
  readonly present: number;
  readonly folders: number;
  /** Paths and words. */
  readonly refused: readonly string[];
  readonly failed: readonly string[];
  /** Paths whose content arrived with another hash. */
  readonly mismatched: readonly string[];
  /** Files of the offer that never came to an outcome: the sender could not read them, or the transfer broke. */
  readonly missing: number;
  /** Bytes of the files stored. */
  readonly bytes: number;
  readonly ms: number;
  /** Most streams that were open at one time. */
  readonly peakStreams: number;
  /** Why the transfer did not come to its end; `undefined` when it did. */
  readonly error: Error | undefined;
  /** Files that were under way then; `left` of them stay as parts for `--resume`, the others are gone. */
  readonly unfinished: number;
  readonly left: readonly string[];
}

/** Receives what the remote sends. Never rejects: how it ended is in the result. */
export async function receiveFiles(connection: QuicConnection, options: ReceiveOptions): Promise<ReceiveResult> {
  return new Receiver(connection, options).run();
}

class Receiver {
  readonly #connection: QuicConnection;
  readonly #options: ReceiveOptions;
  readonly #fileOptions: ReceiveFileOptions;
  readonly #running = new Set<Promise<void>>();
  readonly #began = performance.now();
  readonly #refused: string[] = [];
  readonly #failed: string[] = [];
  readonly #mismatched: string[] = [];
  readonly #left: string[] = [];
  #stored = 0;
  #present = 0;
  #folders = 0;
  #bytes = 0;
  #unfinished = 0;
  #peakStreams = 0;
  #offered: number | undefined;
  #concluded = false;
  #error: Error | undefined;

  constructor(connection: QuicConnection, options: ReceiveOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#fileOptions = {
      ...options,
      taken: new Set(),
      moved: (bytes) => options.progress.moved(bytes),
      left: (path, bytes) => void this.#left.push(`${path} (${formatBytes(bytes)})`),
    };
  }

  async run(): Promise<ReceiveResult> {
    for await (const stream of this.#connection.incomingStreams()) {
      this.#peakStreams = Math.max(this.#peakStreams, this.#connection.activeStreams);
      const running: Promise<void> = this.#serve(stream).finally(() => void this.#running.delete(running));
      this.#running.add(running);
    }
    await Promise.all(this.#running);
    const { error } = await this.#connection.closed;
    this.#options.progress.end();
    const unwanted = this.#refused.length + this.#failed.length + this.#mismatched.length;
    const outcomes = this.#stored + this.#present + unwanted;
    return {
      stored: this.#stored,
      present: this.#present,
      folders: this.#folders,
      refused: this.#refused,
      failed: this.#failed,
      mismatched: this.#mismatched,
      missing: Math.max(0, (this.#offered ?? 0) - outcomes),
      bytes: this.#bytes,
      ms: performance.now() - this.#began,
      peakStreams: this.#peakStreams,
      error: this.#concluded ? undefined : (this.#error ?? ended(error)),
      unfinished: this.#unfinished,
      left: this.#left,
    };
  }

  async #serve(stream: QuicStream): Promise<void> {
    try {
      if (stream.direction !== 'bidirectional')
        throw new FilesProtocolError('the remote opened a unidirectional stream');
      const reader = new StreamReader(stream);
      const opening = await reader.message('offer', 'file', 'folder');
      if (opening.type === 'offer') {
        await this.#control(stream, reader, opening.files, opening.bytes);
        return;
      }
      // A sender waits for the answer to its offer before it sends files.
      if (this.#offered === undefined)
        throw new FilesProtocolError('the remote sent a file without an offer that was accepted');
      if (opening.type === 'folder') {
        await this.#answer(stream, opening.path, await receiveFolder(opening.path, this.#options.root));
        return;
      }
      this.#unfinished++;
      const outcome = await receiveFile(stream, reader, opening, this.#fileOptions);
      this.#unfinished--;
      if (outcome.type === 'stored') this.#bytes += opening.size;
      await this.#answer(stream, opening.path, outcome);
      this.#options.progress.fileEnded();
    } catch (error) {
      this.#broken(stream, error);
    }
  }

  async #control(stream: QuicStream, reader: StreamReader, files: number, bytes: number): Promise<void> {
    if (this.#offered !== undefined) throw new FilesProtocolError('the remote made a second offer');
    const refusal = this.#options.onOffer?.(files, bytes);
    if (refusal !== undefined) {
      this.#error = new CliError(`refused: ${refusal}`);
      await stream.send(encodeMessage({ type: 'refuse', reason: refusal }));
      await stream.finish();
      return;
    }
    this.#offered = files;
    this.#options.progress.begin(files, bytes);
    await stream.send(encodeMessage({ type: 'accept' }));
    await reader.message('done');
    await reader.end();
    await stream.send(
      encodeMessage({
        type: 'summary',
        stored: this.#stored,
        present: this.#present,
        refused: this.#refused.length,
        mismatched: this.#mismatched.length,
        failed: this.#failed.length,
        bytes: this.#bytes,
      }),
    );
    await stream.finish();
    this.#concluded = true;
  }

  /** Counts an outcome before the sender hears of it. */
  async #answer(stream: QuicStream, path: string, outcome: Outcome): Promise<void> {
    const { progress } = this.#options;
    switch (outcome.type) {
      case 'stored':
        this.#stored++;
        break;
      case 'present':
        this.#present++;
        break;
      case 'made':
        this.#folders++;
        break;
      case 'refused':
        this.#refused.push(`${path}: ${outcome.reason}`);
        progress.note(`refused: ${JSON.stringify(path)}: ${outcome.reason}`);
        break;
      case 'mismatch':
        this.#mismatched.push(path);
        progress.note(
          `mismatch: ${path} arrived with the SHA-256 ${outcome.sha256}, which is not the sender's; removed`,
        );
        break;
      case 'failed':
        this.#failed.push(`${path}: ${outcome.reason}`);
        progress.note(`failed: ${path} cannot be written: ${outcome.reason}`);
        break;
    }
    // What is not wanted stops here; after a whole file there is nothing to stop.
    stream.stopSending(CODE.refused);
    await stream.send(encodeMessage(outcome));
    await stream.finish();
  }

  #broken(stream: QuicStream, error: unknown): void {
    if (error instanceof FilesProtocolError) {
      this.#error ??= new CliError(error.message, { exitCode: EXIT.connection, cause: error });
      void this.#connection.close({ code: CODE.protocol, reason: error.message, drainTimeout: 0 });
      return;
    }
    if (QuicError.isQuicError(error)) {
      // The sender gave up one file; the connection's own end is dealt with where it ends.
      if (error.code === 'ERR_QUIC_STREAM_RESET' && stream.sendState === 'open') stream.reset(CODE.file);
      return;
    }
    this.#error ??= error instanceof Error ? error : new Error(String(error));
    void this.#connection.close({ code: CODE.file, reason: 'the receiver failed', drainTimeout: 0 });
  }
}

/** The end of a connection as the end of a transfer. */
function ended(error: QuicError): Error {
  if (error.code !== 'ERR_QUIC_APPLICATION') return error;
  const why = error.errorCode === CODE.interrupted ? 'the sender was interrupted' : error.message;
  return new CliError(`the transfer is incomplete: ${why}`, { exitCode: EXIT.connection, cause: error });
}

/** What a result means for the exit code. */
export function receiveExitCode(result: ReceiveResult): (typeof EXIT)[keyof typeof EXIT] {
  if (result.mismatched.length > 0) return EXIT.mismatch;
  if (result.refused.length > 0 || result.failed.length > 0) return EXIT.failed;
  // Of a transfer that broke, the connection says more.
  if (result.missing > 0 && result.error === undefined) return EXIT.failed;
  return EXIT.done;
}

/** A result in one line. */
export function describeReceived(result: ReceiveResult): string {
  const parts = [`${count(result.stored, 'file')} stored and verified (${formatBytes(result.bytes)})`];
  if (result.present > 0) parts.push(`${result.present} present already`);
  if (result.refused.length > 0) parts.push(`${result.refused.length} refused`);
  if (result.failed.length > 0) parts.push(`${result.failed.length} failed`);
  if (result.mismatched.length > 0) parts.push(`${result.mismatched.length} with a wrong hash`);
  if (result.missing > 0) parts.push(`${count(result.missing, 'announced file')} missing`);
  return parts.join(', ');
}
