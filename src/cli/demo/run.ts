/** `skein demo`: a coordinator and four agents as processes of their own, work for them, and what befalls them. */

import { CliError, EXIT } from '../failure.js';
import { interruptible } from '../interrupt.js';
import { joinSwarm, makeSecret, type SwarmAgent } from '../../swarm/index.js';
import { assemble, totalsOf } from './assemble.js';
import { Child } from './children.js';
import { Happenings } from './happenings.js';
import { indexPath, saveIndex } from './indexing/saved-index.js';
import { batchesOf, readInput, type Input } from './input.js';
import { Ledger } from './ledger.js';
import type { Observed } from './observed.js';
import { demoProgress, silentProgress } from './progress.js';
import { Story } from './story.js';
import type { DemoCapability } from './tasks.js';

/** Longest time for everything, in milliseconds. */
const LIMIT = 120_000;
const HOST = '127.0.0.1';
/** Silence after which an agent is dead, in milliseconds: shorter than usual, so that nobody has to wait for long. */
const LEASE = 2000;

/** The agents. Any of the workers may be the one that is killed. */
const WORKERS = ['agent-1', 'agent-2', 'agent-3'];
const AGGREGATOR = 'agent-4';
const WORK: readonly DemoCapability[] = ['tokenise', 'hash', 'index'];

export interface DemoArguments {
  readonly folder?: string | undefined;
  readonly json: boolean;
}

/** Runs the demonstration; the exit code is 0 only if all of it was seen to work. */
export async function demo({ folder, json }: DemoArguments): Promise<void> {
  const interrupt = interruptible();
  const limit = AbortSignal.timeout(LIMIT);
  const broken = new AbortController();
  const signal = AbortSignal.any([interrupt.signal, limit, broken.signal]);
  try {
    const story = new Story(json);
    const input = await readInput(folder);
    story.input(input);
    const observed = await play(input, story, signal, (error) => broken.abort(error));
    const ok = story.end(observed, await save(observed));
    process.exitCode = ok ? EXIT.done : EXIT.failed;
  } catch (error) {
    if (limit.aborted) throw new CliError(`the demonstration did not end within ${LIMIT / 1000} s`, { cause: error });
    // What befell the processes says more than what came of it.
    throw signal.aborted ? signal.reason : error;
  } finally {
    interrupt.dispose();
  }
}

/** Runs the processes, and ends them whatever happens. */
async function play(
  input: Input,
  story: Story,
  signal: AbortSignal,
  onBroken: (error: CliError) => void,
): Promise<Observed> {
  const children: Child[] = [];
  const start = (name: string, command: string): Child => {
    const child = new Child(name, command, onBroken);
    children.push(child);
    return child;
  };
  let member: SwarmAgent | undefined;
  try {
    const secret = makeSecret();
    const coordinator = start('the coordinator', 'demo-coordinator');
    const agents = new Map([...WORKERS, AGGREGATOR].map((id) => [id, start(id, 'demo-agent')]));
    const port = await listening(coordinator, secret, signal);
    const address = `${HOST}:${port}`;
    story.processes(address, coordinator, agents);
    const batches = batchesOf(input);
    const tasks = batches.hash.length + 2 * batches.text.length;
    // The first of three workers to come to it is the one that is killed, when about a third is done.
    const pauseIn = Math.max(1, Math.floor(tasks / (3 * WORKERS.length)));
    const joined = Array.from(agents, ([id, child]) => {
      const isWorker = id !== AGGREGATOR;
      child.tell({
        type: 'work',
        coordinator: address,
        secret,
        id,
        role: isWorker ? 'worker' : 'aggregator',
        capabilities: isWorker ? WORK : ['aggregate'],
        pauseIn: isWorker ? pauseIn : 0,
      });
      return reportOf(child, 'joined', signal);
    });
    await Promise.all(joined);
    member = await joinSwarm({
      coordinator: address,
      secret,
      id: 'demo',
      role: 'submitter',
      host: HOST,
      concurrency: 0,
    });
    return await work(input, batches, member, agents, story, signal);
  } finally {
    await member?.leave({ timeout: 500 });
    await Promise.all(children.map((child) => child.end()));
  }
}

async function work(
  input: Input,
  batches: ReturnType<typeof batchesOf>,
  member: SwarmAgent,
  agents: ReadonlyMap<string, Child>,
  story: Story,
  signal: AbortSignal,
): Promise<Observed> {
  const totals = totalsOf(batches);
  const progress = story.isSilent ? silentProgress : demoProgress(process.stdout, totals);
  const workers = new Map([...agents].filter(([id]) => id !== AGGREGATOR));
  const happenings = new Happenings(member, workers, (line) => progress.say(line));
  const began = performance.now();
  const moveAt = (totals.tokenise + totals.hash + totals.index) * 0.6;
  const ledger = new Ledger(member, ({ capability }) => {
    progress.done(capability);
    if (ledger.done.length >= moveAt) happenings.moveOne().catch(() => undefined);
  });
  try {
    const index = await Promise.race([assemble(ledger, batches, () => happenings.moveOne()), rejectOn(signal)]);
    const ms = performance.now() - began;
    const { death, move } = happenings;
    return { input, ledger, index, death, move, stats: await happenings.look(), agents: happenings.agents, ms };
  } finally {
    happenings.stop();
    progress.end();
  }
}

/** Starts the coordinator's work. Resolves to its port. */
async function listening(coordinator: Child, secret: string, signal: AbortSignal): Promise<number> {
  const report = reportOf(coordinator, 'listening', signal);
  coordinator.tell({ type: 'coordinate', swarmId: 'skein-demo', secret, lease: LEASE });
  const message = await report;
  return message.type === 'listening' ? message.port : 0;
}

/** Waits for a process to tell something. */
function reportOf(child: Child, type: 'listening' | 'joined', signal: AbortSignal): ReturnType<Child['report']> {
  return Promise.race([child.report(type), rejectOn(signal)]);
}

function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    else signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

/** Keeps the index for questions. */
async function save({ input, index }: Observed): Promise<{ readonly path: string; readonly bytes: number }> {
  const path = indexPath();
  const files = input.files.map(({ number, path, bytes }) => {
    const counts = index.counts.get(number);
    const sha256 = index.hashes.get(number) ?? '';
    return { path, bytes: bytes.length, sha256, ...(counts && { lines: counts.lines, words: counts.words }) };
  });
  const bytes = await saveIndex(path, {
    root: input.root,
    madeAt: new Date().toISOString(),
    files,
    index: index.entries,
  });
  return { path, bytes };
}
