/**
 * Coordinator, workers and submitters are killed (kill -9) at random moments under load, and started again: every accepted task ends once in
 * its submitter's eyes, none is lost, none hangs, and those of submitters that were killed are done as well.
 */

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { joinSwarm } from '../../src/swarm/index.js';
import { SECRET } from '../support/swarm.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const program = fileURLToPath(new URL('../support/swarm-chaos-process.mjs', import.meta.url));
const folder = temporaryFolder();
const isCi = process.env['CI'] === 'true';
const SEED = Number(process.env['SKEIN_SEED'] ?? (isCi ? 1 : Date.now() % 2 ** 32));
const SECONDS = Number(process.env['SKEIN_SWARM_CHAOS_SECONDS'] ?? (isCi ? 300 : 30));
const WORKERS = 4;
const SUBMITTERS = 2;

let state = SEED;
/** The same moments for the same seed. */
function random(): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

/** One member, in one process after the other. */
class Member {
  readonly lines: string[][] = [];
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;
  #read: Promise<void> = Promise.resolve();
  #dies = false;
  kills = 0;

  constructor(...args: readonly string[]) {
    this.#args = args;
  }

  start(): void {
    const child = spawn(process.execPath, [program, ...this.#args], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    this.#dies = false;
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    child.stdin.on('error', () => undefined);
    child.on('exit', (code, signal) => {
      if (this.#dies) return;
      // A member that falls by itself is a fault, whatever became of the tasks.
      failures.push(`${this.#args.join(' ')} ended by itself (${code ?? signal ?? ''}): ${errors.slice(-2000)}`);
    });
    this.#read = (async () => {
      for await (const line of createInterface(child.stdout)) this.lines.push(line.split(' '));
    })();
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || this.#dies) return;
    this.#dies = true;
    this.kills++;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    await this.#read;
  }

  /** Submitters only: no new tasks. */
  stop(): void {
    this.#child?.stdin?.write('stop\n');
  }

  said(word: string): string[][] {
    return this.lines.filter(([first]) => first === word);
  }
}

const failures: string[] = [];

async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => void socket.close(resolve));
  return port;
}

test(`kill -9 for ${SECONDS} s under load (seed ${SEED})`, { timeout: (SECONDS + 240) * 1000 }, async (t) => {
  const port = String(await freePort());
  const effects = join(folder, 'effects');
  writeFileSync(effects, '');
  const coordinator = new Member('coordinator', port, join(folder, 'store.sqlite'));
  const workers = Array.from({ length: WORKERS }, (_, n) => new Member('worker', port, `worker-${n}`, effects));
  const submitters = Array.from({ length: SUBMITTERS }, (_, n) => new Member('submitter', port, `submitter-${n}`));
  const members = [coordinator, ...workers, ...submitters];
  after(() => Promise.all(members.map((member) => member.kill())));
  for (const member of members) member.start();

  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const end = performance.now() + SECONDS * 1000;
  while (performance.now() < end && failures.length === 0) {
    await sleep(500 + random() * 3000);
    const dice = random();
    const victim = dice < 0.55 ? pick(workers) : dice < 0.8 ? coordinator : pick(submitters);
    await victim.kill();
    await sleep(random() * 1500);
    victim.start();
  }
  assert.deepEqual(failures, []);

  for (const submitter of submitters) submitter.stop();
  while (submitters.some((submitter) => submitter.lines.at(-1)?.[0] !== 'up') && failures.length === 0) await sleep(50);
  assert.deepEqual(failures, []);

  // Exactly once in the submitter's eyes.
  const accepted = submitters.flatMap((submitter) => submitter.said('accepted'));
  const done = submitters.flatMap((submitter) => submitter.said('done').map(([, key]) => key as string));
  const failed = submitters.flatMap((submitter) => [...submitter.said('failed'), ...submitter.said('wrong')]);
  const settled = submitters.flatMap((submitter) => submitter.said('settled').map(([, key]) => key as string));
  assert.deepEqual(failed, []);
  assert.equal(new Set(settled).size, settled.length, 'nothing ends twice');
  assert.equal(new Set(done).size, done.length);
  const ended = new Set(done);
  const open = accepted.filter(([, key]) => !ended.has(key as string));

  // What is left over was accepted from submitters that were killed.
  const operator = await joinSwarm({
    coordinator: `127.0.0.1:${port}`,
    id: 'operator',
    role: 'operator',
    host: '127.0.0.1',
    secret: SECRET,
    retryFor: 60_000,
  });
  after(() => operator.leave({ timeout: 500 }));
  for (const [, key, id] of open) {
    for (;;) {
      const record = (await operator.administer('task', { id: id as string })) as { state: string } | null;
      assert.ok(record, `task ${key ?? ''} was accepted, and is lost`);
      if (record.state === 'done') break;
      assert.ok(['queued', 'waiting', 'assigned'].includes(record.state), `task ${key ?? ''} ended as ${record.state}`);
      await sleep(50);
    }
  }
  const { counters } = (await operator.getStats()).coordinatorStats.tasks;
  const effected = readFileSync(effects, 'utf8').trimEnd().split('\n');
  const traces = new Set(effected);
  for (const [, key] of accepted) assert.ok(traces.has(key as string), `task ${key ?? ''} has left no trace`);
  assert.ok(done.length > SECONDS, 'there was load');
  const kills = (some: readonly Member[]): number => some.reduce((sum, member) => sum + member.kills, 0);
  t.diagnostic(
    `${accepted.length} tasks accepted, ${done.length} ended, ${open.length} of killed submitters done; ` +
      `${effected.length} attempts had effects, on ${traces.size} tasks; ` +
      `killed: coordinator ${coordinator.kills}, workers ${kills(workers)}, submitters ${kills(submitters)}; ` +
      `of the last coordinator: ${JSON.stringify(counters)}`,
  );
});
