/** Files that observation writes: qlog traces and key logs. Failures are reported, never thrown into the traffic. */

import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { errorChannel } from './channels.js';

/** Appends to one file; opens it at the first write. */
export class LogFile {
  readonly #path: string;
  readonly #mode: number;
  #stream: WriteStream | undefined;
  #failed = false;

  /** @param mode permissions of a new file */
  constructor(path: string, mode: number) {
    this.#path = path;
    this.#mode = mode;
  }

  write(data: string | Uint8Array): void {
    if (this.#failed || data.length === 0) return;
    if (!this.#stream) {
      this.#stream = createWriteStream(this.#path, { flags: 'a', mode: this.#mode });
      this.#stream.on('error', (error) => {
        this.#failed = true;
        process.emitWarning(`Cannot write ${this.#path}: ${error.message}`, { code: 'SKEIN_LOG_FILE' });
        errorChannel.publish({ error });
      });
    }
    this.#stream.write(data);
  }

  /** Resolves when everything is written. */
  close(): Promise<void> {
    const stream = this.#stream;
    if (!stream || this.#failed) return Promise.resolve();
    return new Promise((resolve) => {
      stream.once('error', () => resolve());
      stream.end(resolve);
    });
  }
}

/** The qlog file of a connection: `FOLDER/ID.sqlog`, in the JSON-SEQ form that qvis and others read. */
export function qlogFile(folder: string, id: string): LogFile {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    process.emitWarning(`Cannot make the qlog folder ${folder}: ${(error as Error).message}`, {
      code: 'SKEIN_LOG_FILE',
    });
  }
  return new LogFile(join(folder, `${id}.sqlog`), 0o644);
}

const OWNER_ONLY = 0o600;

/** The file that SSLKEYLOGFILE names, which Wireshark and others read. */
export function keyLogFile(path: string): LogFile {
  return new LogFile(path, OWNER_ONLY);
}
