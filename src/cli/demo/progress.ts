/** Tasks done, by capability: bars on a terminal, plain lines elsewhere. Lines of the story go between them. */

import cliProgress from 'cli-progress';
import { colors as pc } from '../colors.js';
import { DEMO_CAPABILITIES, type DemoCapability } from './tasks.js';

export type Totals = Readonly<Record<DemoCapability, number>>;

export interface DemoProgress {
  done(capability: DemoCapability): void;
  /** Prints a line of the story. */
  say(line: string): void;
  end(): void;
}

/** Milliseconds between plain lines. */
const LINE_INTERVAL = 1000;

export function demoProgress(stream: NodeJS.WriteStream, totals: Totals): DemoProgress {
  return stream.isTTY ? new Bars(stream, totals) : new Lines(stream, totals);
}

export const silentProgress: DemoProgress = { done: () => undefined, say: () => undefined, end: () => undefined };

class Bars implements DemoProgress {
  readonly #all: cliProgress.MultiBar;
  readonly #bars = new Map<DemoCapability, cliProgress.SingleBar>();

  constructor(stream: NodeJS.WriteStream, totals: Totals) {
    this.#all = new cliProgress.MultiBar({
      stream,
      fps: 10,
      hideCursor: true,
      barsize: 30,
      barCompleteChar: '\u2501',
      barIncompleteChar: '\u2500',
      // Ctrl-C is the command's business.
      gracefulExit: false,
      format: (options, params, payload: { name: string }) => {
        const bar = cliProgress.Format.BarFormat(params.progress, options);
        return `  ${payload.name.padEnd(9)} ${pc.cyan(bar)}  ${params.value} of ${params.total} tasks`;
      },
    });
    for (const name of DEMO_CAPABILITIES) this.#bars.set(name, this.#all.create(totals[name], 0, { name }));
  }

  done(capability: DemoCapability): void {
    this.#bars.get(capability)?.increment();
  }

  say(line: string): void {
    this.#all.log(`${line}\n`);
    this.#all.update();
  }

  end(): void {
    this.#all.update();
    this.#all.stop();
  }
}

class Lines implements DemoProgress {
  readonly #stream: NodeJS.WriteStream;
  readonly #totals: Totals;
  readonly #counts = new Map<DemoCapability, number>();
  #printed = performance.now();

  constructor(stream: NodeJS.WriteStream, totals: Totals) {
    this.#stream = stream;
    this.#totals = totals;
  }

  done(capability: DemoCapability): void {
    this.#counts.set(capability, (this.#counts.get(capability) ?? 0) + 1);
    const now = performance.now();
    if (now - this.#printed < LINE_INTERVAL) return;
    this.#printed = now;
    this.#print();
  }

  #print(): void {
    const parts = DEMO_CAPABILITIES.map((name) => `${name} ${this.#counts.get(name) ?? 0} of ${this.#totals[name]}`);
    this.say(`  done: ${parts.join(', ')}`);
  }

  say(line: string): void {
    this.#stream.write(`${line}\n`);
  }

  end(): void {
    this.#print();
  }
}
