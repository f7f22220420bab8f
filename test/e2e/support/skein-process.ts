import { spawn, type ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { after } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
// Resolved here: the command runs in a folder from which it could not be found.
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process of this project; killed when the tests of the file are over, if it has not ended by then. */
export class Process {
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();
  readonly ended: Promise<Ended>;
  /** It has ended, and all that it printed has been read. */
  #over = false;
  stdout = '';
  stderr = '';

  /** @param within a command that runs another one, e.g. `ip netns exec NAME` */
  constructor(file: string, args: readonly string[], within: readonly string[] = []) {
    const [program = process.execPath, ...rest] = [...within, process.execPath, '--import', tsx, file, ...args];
    this.#child = spawn(program, rest, {
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#changed();
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#changed();
    });
    this.ended = new Promise((resolve) => {
      this.#child.on('close', (code, signal) => {
        this.#over = true;
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
        this.#changed();
      });
    });
    after(() => this.kill('SIGKILL'));
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher();
  }

  /** The first match in what was printed so far or will be; fails when the process ends without. */
  printed(pattern: RegExp): Promise<RegExpMatchArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
        if (!match && !this.#over) return;
        this.#watchers.delete(look);
        if (match) resolve(match);
        else reject(new Error(`ended without printing ${String(pattern)}:\n${this.stdout}${this.stderr}`));
      };
      this.#watchers.add(look);
      look();
    });
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#child.exitCode === null) this.#child.kill(signal);
  }
}

/** `skein` with arguments. */
export function skein(...args: readonly string[]): Process {
  return new Process(fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url)), args);
}

/** A file of examples/. */
export function example(name: string, ...args: readonly string[]): Process {
  return new Process(`${root}examples/${name}`, args);
}

/** `skein receive` on a free port of 127.0.0.1, listening, with the arguments that a sender needs. */
export async function receiver(
  out: string,
  ...args: readonly string[]
): Promise<{ process: Process; port: number; to: string[] }> {
  const started = skein('receive', '--out', out, '--listen', '127.0.0.1:0', ...args);
  const [, address = '', pin = ''] = await started.printed(/--to (\S+) --pin (sha256\/[A-Za-z0-9+/]+=)/);
  return { process: started, port: Number(address.split(':')[1]), to: ['--to', address, '--pin', pin] };
}
