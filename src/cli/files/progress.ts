/** What a person sees while files move: a bar with rate and remaining time on a terminal, plain lines elsewhere. */

import cliProgress from 'cli-progress';
import { colors as pc } from '../colors.js';
import { count, formatBytes, formatRate, formatTime } from '../format.js';

/** Where a transfer reports what happens. */
export interface TransferProgress {
  /** The number of files and bytes is known. */
  begin(files: number, bytes: number): void;
  /** More bytes of content have moved. */
  moved(bytes: number): void;
  /** A file is through, in whatever way. */
  fileEnded(): void;
  /** Something that a person should read. */
  note(text: string): void;
  /** Nothing more moves. */
  end(): void;
}

/** Reports nothing. */
export const silent: TransferProgress = {
  begin: () => undefined,
  moved: () => undefined,
  fileEnded: () => undefined,
  note: () => undefined,
  end: () => undefined,
};

/** The usual one for standard error; `quiet` leaves notes only. */
export function progressOn(stream: NodeJS.WriteStream, verb: string, quiet: boolean): TransferProgress {
  if (quiet) return { ...silent, note: (text) => void stream.write(`${text}\n`) };
  return stream.isTTY ? new ProgressBar(stream, verb) : new ProgressLines(stream, verb);
}

/** Time between plain lines, in milliseconds. */
const LINE_INTERVAL = 2000;

class Count {
  readonly began = performance.now();
  files = 0;
  bytes = 0;
  filesMoved = 0;
  bytesMoved = 0;

  get elapsed(): number {
    return performance.now() - this.began;
  }

  get rate(): string {
    return formatRate(this.bytesMoved, this.elapsed);
  }

  /** Time left at the mean rate so far. */
  get remaining(): string {
    if (this.bytesMoved === 0 || this.bytesMoved >= this.bytes) return '-';
    return formatTime((this.elapsed / this.bytesMoved) * (this.bytes - this.bytesMoved));
  }
}

class ProgressBar implements TransferProgress {
  readonly #stream: NodeJS.WriteStream;
  readonly #bar: cliProgress.SingleBar;
  #count = new Count();
  #running = false;

  constructor(stream: NodeJS.WriteStream, verb: string) {
    this.#stream = stream;
    this.#bar = new cliProgress.SingleBar({
      stream,
      fps: 10,
      hideCursor: true,
      clearOnComplete: true,
      barsize: 20,
      barCompleteChar: '\u2501',
      barIncompleteChar: '\u2500',
      // Ctrl-C is the command's business.
      gracefulExit: false,
      format: (options, params) => {
        const { filesMoved, files, bytesMoved, bytes, rate, remaining } = this.#count;
        const bar = cliProgress.Format.BarFormat(params.progress, options);
        const percent = `${Math.floor(params.progress * 100)}%`.padStart(4);
        const amount = `${formatBytes(bytesMoved)} of ${formatBytes(bytes)}`;
        return `${verb} ${pc.cyan(bar)}${percent}  ${amount}  ${filesMoved}/${files} files  ${rate}  ${pc.dim(`${remaining} left`)}`;
      },
    });
  }

  begin(files: number, bytes: number): void {
    this.#count = new Count();
    Object.assign(this.#count, { files, bytes });
    this.#bar.start(Math.max(1, bytes), 0);
    this.#running = true;
  }

  moved(bytes: number): void {
    this.#count.bytesMoved += bytes;
    if (this.#running) this.#bar.update(Math.min(this.#count.bytesMoved, Math.max(1, this.#count.bytes)));
  }

  fileEnded(): void {
    this.#count.filesMoved++;
  }

  note(text: string): void {
    // The bar repaints its line at its next turn.
    this.#stream.write(this.#running ? `\r\u001b[K${text}\n` : `${text}\n`);
  }

  end(): void {
    if (this.#running) this.#bar.stop();
    this.#running = false;
  }
}

class ProgressLines implements TransferProgress {
  readonly #stream: NodeJS.WriteStream;
  readonly #verb: string;
  #count = new Count();
  #printed = 0;

  constructor(stream: NodeJS.WriteStream, verb: string) {
    this.#stream = stream;
    this.#verb = verb;
  }

  begin(files: number, bytes: number): void {
    this.#count = new Count();
    Object.assign(this.#count, { files, bytes });
    this.#printed = performance.now();
    this.note(`${this.#verb} ${count(files, 'file')}, ${formatBytes(bytes)}`);
  }

  moved(bytes: number): void {
    this.#count.bytesMoved += bytes;
    const now = performance.now();
    if (now - this.#printed < LINE_INTERVAL) return;
    this.#printed = now;
    const { bytesMoved, bytes: all, filesMoved, files, rate, remaining } = this.#count;
    const percent = all === 0 ? 100 : Math.floor((bytesMoved / all) * 100);
    this.note(
      `${this.#verb} ${percent}%  ${formatBytes(bytesMoved)} of ${formatBytes(all)}  ${filesMoved}/${files} files  ${rate}  ${remaining} left`,
    );
  }

  fileEnded(): void {
    this.#count.filesMoved++;
  }

  note(text: string): void {
    this.#stream.write(`${text}\n`);
  }

  end(): void {
    // Nothing stays open.
  }
}
