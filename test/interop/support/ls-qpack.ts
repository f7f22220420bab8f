import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { FieldLine } from '../../../src/qpack/index.js';

type Answer = Record<string, unknown>;

const fromHex = (digits: unknown): Uint8Array => Uint8Array.from(Buffer.from(String(digits), 'hex'));
const toHex = (bytes: Uint8Array | string): string =>
  (typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes)).toString('hex');

function toFields(pairs: unknown): FieldLine[] {
  return (pairs as [string, string][]).map(([name, value]) => ({
    name: Buffer.from(name, 'hex').toString('latin1'),
    value: Buffer.from(value, 'hex').toString('latin1'),
  }));
}

/** What a decoder says of a section: its field lines and the bytes of the decoder stream. */
export interface LsDecoded {
  readonly fields: FieldLine[];
  readonly feedback: Uint8Array;
}

/** ls-qpack in a process of its own: test/interop/peers/ls_qpack.py says what it is asked. */
export class LsQpack implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(program: string) {
    this.#child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
    assert.ok(this.#child.stdout);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  static async start(): Promise<LsQpack> {
    const setup = fileURLToPath(new URL('../peers/setup.sh', import.meta.url));
    const { stdout } = await promisify(execFile)(setup, ['aioquic'], { timeout: 300_000 });
    return new LsQpack(join(stdout.trim().split('\n').at(-1) ?? '', 'bin', 'ls-qpack'));
  }

  /** Both halves anew, for a remote with these settings. Gives the first bytes of the encoder stream. */
  async settings(capacity: number, blocked: number): Promise<Uint8Array> {
    return fromHex((await this.#ask({ op: 'settings', capacity, blocked }))['instructions']);
  }

  async encode(
    stream: number,
    fields: readonly FieldLine[],
  ): Promise<{ instructions: Uint8Array; section: Uint8Array }> {
    const pairs = fields.map(({ name, value }) => [toHex(name), toHex(value)]);
    const { instructions, section } = await this.#ask({ op: 'encode', stream, fields: pairs });
    return { instructions: fromHex(instructions), section: fromHex(section) };
  }

  async feedback(bytes: Uint8Array): Promise<void> {
    if (bytes.length > 0) await this.#ask({ op: 'feedback', bytes: toHex(bytes) });
  }

  async instructions(bytes: Uint8Array): Promise<(LsDecoded & { readonly streamId: number })[]> {
    const { unblocked } = await this.#ask({ op: 'instructions', bytes: toHex(bytes) });
    return (unblocked as Answer[]).map(({ stream, fields, feedback }) => ({
      streamId: Number(stream),
      fields: toFields(fields),
      feedback: fromHex(feedback),
    }));
  }

  /** Undefined: the stream is blocked. */
  async decode(stream: number, section: Uint8Array): Promise<LsDecoded | undefined> {
    const { blocked, fields, feedback } = await this.#ask({ op: 'decode', stream, section: toHex(section) });
    return blocked === true ? undefined : { fields: toFields(fields), feedback: fromHex(feedback) };
  }

  async cancel(stream: number): Promise<Uint8Array> {
    return fromHex((await this.#ask({ op: 'cancel', stream }))['feedback']);
  }

  async #ask(request: Answer): Promise<Answer> {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error('ls-qpack ended');
    const answer = JSON.parse(line.value) as Answer;
    if (answer['error'] !== undefined) throw new Error(`ls-qpack: ${JSON.stringify(answer['error'])}`);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.end();
    if (this.#child.exitCode === null) await once(this.#child, 'close');
  }
}
