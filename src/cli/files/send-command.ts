/** `skein send`, once its arguments are read. */

import { QuicClient, type QuicConnection } from '../../index.js';
import {
  formatHostAndPort,
  identity,
  trust,
  type HostAndPort,
  type IdentityArguments,
  type TrustArguments,
} from '../arguments.js';
import { CliError, EXIT, type ExitCode } from '../failure.js';
import { count, formatBytes, formatRate, formatTime } from '../format.js';
import { interruptible } from '../interrupt.js';
import { listFiles, type FileList } from './file-list.js';
import { CODE, FILES_ALPN, FilesProtocolError } from './messages.js';
import { progressOn, type TransferProgress } from './progress.js';
import { sendFiles, type SendResult } from './send-files.js';

export interface SendArguments extends TrustArguments, IdentityArguments {
  readonly to: HostAndPort;
  readonly resume: boolean;
  readonly streams: number;
  readonly timeout: number;
  readonly quiet: boolean;
  readonly json: boolean;
}

/** Sends; sets the exit code for files that did not make it. @throws CliError, QuicError */
export async function send(paths: readonly string[], options: SendArguments): Promise<void> {
  const list = await listFiles(paths);
  const progress = progressOn(process.stderr, 'sending', options.quiet || options.json);
  for (const text of list.skipped) progress.note(`left out: ${text}`);
  for (const text of list.unreadable) progress.note(`failed: ${text}`);
  const interrupt = interruptible();
  const client = new QuicClient({
    ...trust(options),
    ...identity(options),
    alpn: [FILES_ALPN],
    maxConcurrentStreams: options.streams + 8,
    connectionTimeout: options.timeout,
    idleTimeout: options.timeout,
    keepAliveInterval: Math.ceil(options.timeout / 4),
    // A receiver may take its time to compare what it has.
    streamTimeout: 0,
    enableEarlyData: false,
  });
  try {
    const connection = await client.connect(options.to.host, options.to.port, { signal: interrupt.signal });
    const result = await transfer(connection, list, options, progress, interrupt.signal);
    progress.end();
    report(result, options);
    process.exitCode = exitCodeOf(result);
  } finally {
    progress.end();
    interrupt.dispose();
    await client.shutdown({ timeout: 1000 });
  }
}

async function transfer(
  connection: QuicConnection,
  list: FileList,
  options: SendArguments,
  progress: TransferProgress,
  signal: AbortSignal,
): Promise<SendResult> {
  const onInterrupt = (): void => {
    void connection.close({ code: CODE.interrupted, reason: 'interrupted', drainTimeout: 0 });
  };
  signal.addEventListener('abort', onInterrupt, { once: true });
  let confirmed = 0;
  const counting: TransferProgress = {
    begin: (files, bytes) => progress.begin(files, bytes),
    moved: (bytes) => progress.moved(bytes),
    fileEnded: () => {
      confirmed++;
      progress.fileEnded();
    },
    note: (text) => progress.note(text),
    end: () => progress.end(),
  };
  try {
    const result = await sendFiles(connection, list, { ...options, progress: counting });
    await connection.close({ code: CODE.done });
    return result;
  } catch (error) {
    if (signal.aborted) {
      throw new CliError(
        `interrupted: ${confirmed} of ${count(list.files.length, 'file')} were through; the receiver keeps no unfinished file under its name`,
        { exitCode: EXIT.interrupted, cause: error },
      );
    }
    if (error instanceof FilesProtocolError) {
      void connection.close({ code: CODE.protocol, reason: error.message, drainTimeout: 0 });
      const where = formatHostAndPort(options.to);
      throw new CliError(`${where} does not keep to ${FILES_ALPN}: ${error.message}`, {
        exitCode: EXIT.connection,
        cause: error,
      });
    }
    throw error;
  } finally {
    signal.removeEventListener('abort', onInterrupt);
  }
}

function exitCodeOf(result: SendResult): ExitCode {
  if (result.mismatched.length > 0) return EXIT.mismatch;
  return result.refused.length > 0 || result.failed.length > 0 ? EXIT.failed : EXIT.done;
}

function report(result: SendResult, options: SendArguments): void {
  if (options.json) {
    console.log(JSON.stringify({ ...result, ms: Math.round(result.ms) }));
    return;
  }
  const { stored, present, bytes, ms, refused, failed, mismatched } = result;
  const parts = [`${count(stored, 'file')} of ${result.files} stored and verified at ${formatHostAndPort(options.to)}`];
  if (present > 0) parts.push(`${present} present already`);
  if (refused.length > 0) parts.push(`${refused.length} refused`);
  if (failed.length > 0) parts.push(`${failed.length} failed`);
  if (mismatched.length > 0) parts.push(`${mismatched.length} arrived with a wrong hash and were not kept`);
  console.log(`${parts.join(', ')}; ${formatBytes(bytes)} in ${formatTime(ms)} (${formatRate(bytes, ms)})`);
}
