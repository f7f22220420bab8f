/** Chromium without a window, driven by the DevTools protocol over two pipes. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

interface Waiting {
  readonly resolve: (result: Record<string, unknown>) => void;
  readonly reject: (error: Error) => void;
}

function program(): string {
  const found = NAMES.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
  if (found === undefined) throw new Error('there is no Chromium; test/interop/setup installs it');
  return found;
}

export class Chromium implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #profile: string;
  readonly #to: Writable;
  readonly #ended: Promise<void>;
  #errors = '';
  #next = 1;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<(reply: Reply) => void>();

  /** @param origin host and port that are to be asked over HTTP/3 */
  constructor(origin: string, publicKey: string) {
    this.#profile = mkdtempSync(join(tmpdir(), 'skein-chromium-'));
    const flags = [
      '--headless=new',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--remote-debugging-pipe',
      `--user-data-dir=${this.#profile}`,
      `--origin-to-force-quic-on=${origin}`,
      `--ignore-certificate-errors-spki-list=${publicKey.replace(/^sha256\//, '')}`,
      '--host-resolver-rules=MAP localhost 127.0.0.1,MAP * ~NOTFOUND,EXCLUDE 127.0.0.1',
    ];
    // Chromium's own sandbox refuses to work for root.
    if (process.getuid?.() === 0) flags.push('--no-sandbox');
    this.#child = spawn(program(), [...flags, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, SSLKEYLOGFILE: '' },
      // It has processes of its own, which end with the group.
      detached: true,
    });
    const [, , errors, to, from] = this.#child.stdio as unknown as [null, null, Readable, Writable, Readable];
    errors.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
    to.on('error', () => undefined);
    this.#to = to;
    this.#read(from);
    this.#ended = new Promise((resolve) => {
      const over = (why: string): void => {
        for (const { reject } of this.#waiting.values()) reject(new Error(`Chromium ended (${why}):\n${this.#errors}`));
        this.#waiting.clear();
        resolve();
      };
      this.#child.once('error', (error) => over(error.message));
      this.#child.once('exit', (code, signal) => over(String(code ?? signal)));
    });
  }

  #read(from: Readable): void {
    let text = '';
    from.setEncoding('utf8').on('data', (chunk: string) => {
      const messages = (text + chunk).split('\0');
      text = messages.pop() ?? '';
      for (const message of messages) this.#reply(JSON.parse(message) as Reply);
    });
  }

  #reply(reply: Reply): void {
    if (reply.id === undefined) {
      for (const listener of this.#listeners) listener(reply);
      return;
    }
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.error) waiting?.reject(new Error(reply.error.message));
    else waiting?.resolve(reply.result ?? {});
  }

  #call(method: string, params: Record<string, unknown> = {}, sessionId?: string): Promise<Record<string, unknown>> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#to.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  /** Opens a page; resolves when all that it names has been loaded. */
  async open(url: string): Promise<Page> {
    const { targetId } = await this.#call('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.#call('Target.attachToTarget', { targetId, flatten: true });
    const session = String(sessionId);
    await this.#call('Page.enable', {}, session);
    const loaded = new Promise<void>((resolve) => {
      const listener = (reply: Reply): void => {
        if (reply.method !== 'Page.loadEventFired' || reply.sessionId !== session) return;
        this.#listeners.delete(listener);
        resolve();
      };
      this.#listeners.add(listener);
    });
    const { errorText } = await this.#call('Page.navigate', { url }, session);
    if (typeof errorText === 'string') throw new Error(`Chromium cannot load ${url}: ${errorText}`);
    await loaded;
    return new Page((method, params) => this.#call(method, params, session));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { pid } = this.#child;
    await Promise.race([this.#call('Browser.close').catch(() => undefined), this.#ended]);
    await this.#ended;
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch {
      // All of its processes have ended by themselves.
    }
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

export class Page {
  readonly #call: (method: string, params: Record<string, unknown>) => Promise<Record<string, unknown>>;

  constructor(call: (method: string, params: Record<string, unknown>) => Promise<Record<string, unknown>>) {
    this.#call = call;
  }

  /** Runs the body of an async function in the page; what it returns has to be JSON. */
  async run(body: string): Promise<unknown> {
    const expression = `(async () => {${body}})()`;
    const answer = await this.#call('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (answer['exceptionDetails']) throw new Error(`The page failed: ${JSON.stringify(answer['exceptionDetails'])}`);
    return (answer['result'] as { value?: unknown }).value;
  }
}
