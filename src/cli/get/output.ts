/** Where content goes: a file, standard output, or nowhere. */

import { createWriteStream, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { CliError, exitCode } from '../failure.js';

export class Output {
  /** File, `-`, or `undefined` for nowhere. */
  readonly #to: string | undefined;
  #file: WriteStream | undefined;

  constructor(to: string | undefined) {
    this.#to = to;
  }

  /** Writes text before the content. */
  async text(text: string): Promise<void> {
    const writable = this.#target();
    if (writable && !writable.write(text)) await once(writable, 'drain');
  }

  /** Takes the content. Ending it leaves standard output open. */
  writable(): Writable {
    const target = this.#target();
    return new Writable({
      write: (chunk: Uint8Array, _encoding, done) => {
        if (!target) done();
        else if (target.write(chunk)) done();
        else waitForRoom(target, done);
      },
    });
  }

  #target(): Writable | undefined {
    if (this.#to === undefined) return undefined;
    if (this.#to === '-') return process.stdout;
    if (!this.#file) {
      this.#file = createWriteStream(this.#to);
      // Told to whoever writes next, or closes.
      this.#file.on('error', () => undefined);
    }
    return this.#file;
  }

  /** Resolves when all is in the file. @throws the error of the file system */
  async close(): Promise<void> {
    // An empty answer makes an empty file.
    this.#target();
    const file = this.#file;
    if (!file) return;
    if (file.errored) throw file.errored;
    const closed = once(file, 'close');
    file.end();
    await closed;
  }

  /** What to say when content could not be taken to its end. */
  async failed(error: unknown, bytes: number): Promise<unknown> {
    this.#file?.destroy();
    if (this.#file?.errored) return this.#file.errored;
    const words = error instanceof Error ? error.message : String(error);
    const kept = this.#to === undefined || this.#to === '-' ? '' : `; ${this.#to} holds what came before`;
    return new CliError(`the response broke off after ${bytes} bytes${kept}: ${words}`, {
      exitCode: exitCode(error),
      cause: error,
    });
  }
}

function waitForRoom(target: Writable, done: (error?: Error | null) => void): void {
  const over = (error?: Error | null): void => {
    target.off('drain', onDrain);
    target.off('error', over);
    target.off('close', onClose);
    done(error);
  };
  const onDrain = (): void => over();
  const onClose = (): void => over(target.errored ?? new Error('the output was closed'));
  target.on('drain', onDrain);
  target.on('error', over);
  target.on('close', onClose);
}
