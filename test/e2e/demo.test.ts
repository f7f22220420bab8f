import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.js';
import { skein, type Process } from './support/skein-process.js';

const limit = { timeout: 180_000 };

/** Indexes of these tests are not those of whoever runs them. */
const state = temporaryFolder();
process.env['XDG_STATE_HOME'] = state;

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Ids of the coordinator's process and of the agents'. */
async function pidsOf(run: Process): Promise<number[]> {
  const [, coordinator = ''] = await run.printed(/coordinator {2}process (\d+) on 127\.0\.0\.1:\d+/);
  const [, agents = ''] = await run.printed(/agents {7}(.*)\n/);
  return [coordinator, ...agents.matchAll(/agent-\d (\d+)/g)].map((found) =>
    Number(Array.isArray(found) ? found[1] : found),
  );
}

test('questions before the first run are told what to do', limit, async () => {
  const run = await skein('demo', '--query', 'word').ended;
  assert.equal(run.code, 1);
  assert.match(run.stderr, /there is no index yet; `skein demo` \(or `npm start`\) makes one/);
});

test('a swarm works on the files of this package, and answers questions afterwards', limit, async () => {
  const run = await skein('demo').ended;
  assert.equal(run.code, 0, run.stdout + run.stderr);
  assert.equal(run.stderr, '');
  const [, killed = ''] = /killed {3}(agent-\d) \(process \d+\) in the middle of a task/.exec(run.stdout) ?? [];
  assert.match(run.stdout, new RegExp(`noticed {2}${killed} is lost`));
  const [, moved, from, to] = /moved {4}(agent-\d) from (\S+) to (\S+),/.exec(run.stdout) ?? [];
  assert.notEqual(moved, killed);
  assert.notEqual(from, to);
  assert.equal(run.stdout.match(/^ {2}yes {2}/gm)?.length, 6);
  assert.match(run.stdout, /Everything was verified\.\n$/);
  const found = await skein('demo', '--query', 'askTheIndexOnlyHere', '--json').ended;
  assert.equal(found.code, 0, found.stderr);
  const { hits } = JSON.parse(found.stdout) as { hits: { path: string; count: number; lines: number[] }[] };
  assert.deepEqual(
    hits.map(({ path, count, lines }) => ({ path, count, lines: lines.length })),
    [{ path: 'test/e2e/demo.test.ts', count: 1, lines: 1 }],
  );
});

test('it works on another folder, however small, with what is no text in it', limit, async () => {
  const folder = join(temporaryFolder(), 'notes');
  mkdirSync(join(folder, 'below'), { recursive: true });
  writeFileSync(join(folder, 'below', 'one.txt'), 'Grüße\nan alle, alle\n');
  writeFileSync(join(folder, 'two.bin'), Uint8Array.of(0, 1, 2));
  writeFileSync(join(folder, 'empty'), '');
  const run = await skein('demo', folder, '--json').ended;
  assert.equal(run.code, 0, run.stdout + run.stderr);
  const result = JSON.parse(run.stdout) as {
    ok: boolean;
    index: string;
    input: { files: number };
    words: number;
    death: { agent: string; how: string; reason: string };
    move: { agent: string; from: string; to: string };
    agents: { id: string; bytesSent: number }[];
    tasks: { agents: string[]; doneBy: string }[];
  };
  assert.equal(result.ok, true);
  assert.equal(result.index, join(state, 'skein', 'demo', 'index.json'));
  assert.equal(result.input.files, 3);
  assert.equal(result.words, 3);
  assert.equal(result.death.how, 'was ended by SIGKILL');
  assert.equal(result.death.reason, 'lost');
  assert.notEqual(result.move.from, result.move.to);
  assert.ok(result.agents.every(({ bytesSent }) => bytesSent > 0));
  assert.ok(
    result.tasks.some(({ agents, doneBy }) => agents.includes(result.death.agent) && doneBy !== result.death.agent),
  );
  const found = await skein('demo', '--query', 'ALLE grüße').ended;
  assert.equal(found.stdout, 'alle and grüße: 3 times in 1 file of 3\n      3  notes/below/one.txt  lines 1, 2\n');
  const nothing = await skein('demo', '--query', 'grüsse').ended;
  assert.equal(nothing.code, 1);
  assert.equal(nothing.stdout, 'none of 3 files has grüsse; there is grüße\n');
});

test('Ctrl-C ends it, and its processes with it', limit, async () => {
  const run = skein('demo');
  const pids = await pidsOf(run);
  assert.equal(pids.length, 5);
  await run.printed(/done: /);
  run.kill('SIGINT');
  const ended = await run.ended;
  assert.equal(ended.code, 130, ended.stderr);
  assert.equal(ended.stderr, 'skein: interrupted\n');
  assert.deepEqual(pids.filter(isAlive), []);
  assert.deepEqual(readdirSync(join(state, 'skein')), ['demo']);
});

test('a process that dies where none should is told of, and nothing goes on', limit, async () => {
  const run = skein('demo');
  const pids = await pidsOf(run);
  await run.printed(/done: /);
  process.kill(pids[0] ?? 0, 'SIGKILL');
  const ended = await run.ended;
  assert.equal(ended.code, 1, ended.stdout);
  assert.match(ended.stderr, /the coordinator \(process \d+\) was ended by SIGKILL in the middle of the demonstration/);
  assert.deepEqual(pids.filter(isAlive), []);
});

test('folders that are not there, or hold nothing, are told in words', limit, async () => {
  const folder = temporaryFolder();
  const missing = await skein('demo', join(folder, 'nowhere')).ended;
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^skein: there is no folder \S+nowhere\n$/);
  const empty = await skein('demo', folder).ended;
  assert.match(empty.stderr, /there is no file to work on in/);
  const both = await skein('demo', folder, '--transport').ended;
  assert.equal(both.code, 2);
  assert.match(both.stderr, /three different things/);
});
