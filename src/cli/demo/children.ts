/** The processes of the demonstration, as the one that starts them holds them. */

import { fork, type ChildProcess } from 'node:child_process';
import { CliError } from '../failure.js';
import type { Order, Report, Word } from './messages.js';

/** Milliseconds for leaving in order, before a process is ended from outside. */
const LEAVE_WITHIN = 3000;

export class Child {
  readonly name: string;
  readonly process: ChildProcess;
  /** Resolves to how it ended, in words. */
  readonly ended: Promise<string>;
  #isExpected = false;
  #hear: (message: Report) => void = () => undefined;

  constructor(name: string, command: string, onUnexpectedEnd: (error: CliError) => void) {
    this.name = name;
    this.process = fork(process.argv[1] ?? '', [command], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.ended = new Promise((resolve) => {
      const over = (how: string): void => {
        resolve(how);
        if (!this.#isExpected)
          onUnexpectedEnd(new CliError(`${this.inWords} ${how} in the middle of the demonstration`));
      };
      this.process.once('error', (error) => over(`could not be run: ${error.message}`));
      this.process.once('exit', (code, signal) =>
        over(signal ? `was ended by ${signal}` : `ended with code ${code ?? 0}`),
      );
    });
    this.process.on('message', (message: Report) => {
      if (message.type === 'failed') onUnexpectedEnd(new CliError(`${this.inWords} failed: ${message.message}`));
      else this.#hear(message);
    });
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  get inWords(): string {
    return `${this.name} (process ${this.pid})`;
  }

  tell(message: Order | Word): void {
    // A process that has just ended is told of by its end.
    if (this.process.connected) this.process.send(message, () => undefined);
  }

  /** Resolves when the process tells this for the first time. */
  report(type: Report['type']): Promise<Report> {
    return new Promise((resolve) => {
      this.#hear = (message) => {
        if (message.type === type) resolve(message);
      };
    });
  }

  onReport(hear: (message: Report) => void): void {
    this.#hear = hear;
  }

  /** Ends it on the spot, as a power cut would. */
  kill(): Promise<string> {
    this.#isExpected = true;
    this.process.kill('SIGKILL');
    return this.ended;
  }

  /** Lets it leave, and end. */
  async end(): Promise<void> {
    this.#isExpected = true;
    this.tell({ type: 'end' });
    const timer = setTimeout(() => this.process.kill('SIGKILL'), LEAVE_WITHIN);
    await this.ended;
    clearTimeout(timer);
  }
}
