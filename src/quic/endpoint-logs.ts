/** Key log and qlog files of an endpoint. */

import { keyLogFile, qlogFile, type LogFile } from '../observe/files.js';
import type { QuicConnection } from './connection.js';
import type { KeyLogHook } from './endpoint-options.js';

export class EndpointLogs {
  readonly #hook: KeyLogHook | undefined;
  readonly #keyLog: LogFile | undefined;
  readonly #qlogs = new Map<QuicConnection, LogFile>();
  /** Of connections that are over, until all is written. */
  readonly #closing = new Set<Promise<void>>();

  /** Secrets are written only where the hook, or the environment variable SSLKEYLOGFILE, asks for them. */
  constructor(hook: KeyLogHook | undefined, keyLogPath = process.env['SSLKEYLOGFILE']) {
    this.#hook = hook;
    this.#keyLog = keyLogPath ? keyLogFile(keyLogPath) : undefined;
  }

  /** Whether anybody wants TLS secrets. */
  get wantsKeys(): boolean {
    return this.#hook !== undefined || this.#keyLog !== undefined;
  }

  keys(lines: string): void {
    if (lines === '') return;
    this.#hook?.(lines);
    this.#keyLog?.write(lines);
  }

  qlog(connection: QuicConnection, bytes: Uint8Array): void {
    const { qlogDir } = connection.options;
    if (qlogDir === undefined) return;
    let file = this.#qlogs.get(connection);
    if (!file) {
      file = qlogFile(qlogDir, `${process.pid}-${connection.id}-${connection.isClient ? 'client' : 'server'}`);
      this.#qlogs.set(connection, file);
    }
    file.write(bytes);
  }

  /** Nothing more will come about the connection. */
  drained(connection: QuicConnection): void {
    const file = this.#qlogs.get(connection);
    if (!file) return;
    this.#qlogs.delete(connection);
    const closing = file.close();
    this.#closing.add(closing);
    void closing.then(() => this.#closing.delete(closing));
  }

  /** Resolves when everything is written. */
  async close(): Promise<void> {
    const open = [...this.#qlogs.values()].map((file) => file.close());
    await Promise.all([this.#keyLog?.close(), ...open, ...this.#closing]);
  }
}
