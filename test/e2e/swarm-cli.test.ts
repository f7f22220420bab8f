import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.js';
import { until } from '../support/until.js';
import { skein, type Ended, type Process } from './support/skein-process.js';
import { startedAgent, startedSwarm, type RunningSwarm } from './support/swarm-process.js';

const limit = { timeout: 120_000 };

// What swarms in development mode leave for their user.
process.env['XDG_STATE_HOME'] = temporaryFolder();
delete process.env['SKEIN_SWARM_SECRET'];

const submit = (swarm: RunningSwarm, ...args: readonly string[]): Promise<Ended> =>
  skein('swarm', 'submit', swarm.at, ...args, ...swarm.credentials).ended;

// A swarm with two agents, for all tests but the last ones.
const folder = temporaryFolder();
const swarm = await startedSwarm('--swarm-id', 'work', '--lease', '5s');
const handlers = join(folder, 'handlers.mjs');
writeFileSync(
  handlers,
  `export const sum = (numbers) => numbers.reduce((sum, number) => sum + number, 0);
       export async function* spell(word, { task }) {
         for (const letter of word) { task.progress(letter); yield letter; }
         return word.length;
       }
       export default { bytes: (payload) => payload.map((byte) => byte ^ 1) };`,
);
const commands = {
  shout: 'tr a-z A-Z',
  environment: 'echo $SKEIN_TASK_ATTEMPT $SKEIN_IDEMPOTENCY_KEY; test -n "$SKEIN_TASK_ID" -a -z "$SKEIN_SWARM_SECRET"',
  flaky: 'test $SKEIN_TASK_ATTEMPT = 2 && echo second',
  broken: 'echo reason >&2; exit 3',
  hopeless: 'echo bad input >&2; exit 65',
  long: `echo $$ > ${folder}/pid; sleep 60 & wait`,
};
const given = Object.entries(commands).flatMap(([name, command]) => ['--capability', `${name}=${command}`]);
const first = await startedAgent(swarm, 'first', ...given, '--role', 'shell');
await startedAgent(swarm, 'second', '--handlers', handlers, '--concurrency', '2');

test('status prints statistics, as JSON too', limit, async () => {
  const words = await skein('swarm', 'status', swarm.at, ...swarm.credentials).ended;
  assert.equal(words.code, 0, words.stderr);
  assert.match(words.stdout, /^swarm work at 127\.0\.0\.1:\d+, led by coordinator, topology mesh/);
  assert.match(words.stdout, /agents {5}2 of 100\n/);
  const { stdout } = await skein('swarm', 'status', swarm.at, ...swarm.credentials, '--json').ended;
  const stats = JSON.parse(stdout) as Record<string, Record<string, Record<string, number>>>;
  assert.equal(stats['transport'], 'quic');
  assert.equal(stats['coordinatorStats']?.['agents'], 2);
  assert.ok((stats['coordinatorStats']?.['quicStats']?.['bytesSent'] ?? 0) > 0);
});

test('agents prints who is there, as JSON too', limit, async () => {
  const words = await skein('swarm', 'agents', swarm.at, ...swarm.credentials).ended;
  assert.match(words.stdout, /^second +worker +bytes,spell,sum +127\.0\.0\.1:\d+ .* 0\/2 +\d+ +\d+$/m);
  const { stdout } = await skein('swarm', 'agents', swarm.at, ...swarm.credentials, '--json').ended;
  const agents = JSON.parse(stdout) as { id: string; role: string; address: string; rttMs: number }[];
  assert.deepEqual(
    agents.map(({ id, role }) => `${id} ${role}`),
    ['first shell', 'second worker'],
  );
  assert.ok(agents.every(({ rttMs, address }) => rttMs > 0 && /:\d+$/.test(address)));
});

test('submit prints the result, and on standard error what happens', limit, async () => {
  const run = await submit(swarm, 'shout', 'hello');
  assert.deepEqual([run.code, run.stdout, run.stderr], [0, 'HELLO\n', 'given to first, attempt 1\n']);
});

test('submit sends JSON, files and nothing, and prints JSON and bytes', limit, async () => {
  assert.equal((await submit(swarm, 'sum', '--json-payload', '[1, 2, 3]')).stdout, '6\n');
  const file = join(folder, 'payload');
  writeFileSync(file, Uint8Array.of(0x61, 0x60));
  assert.equal((await submit(swarm, 'bytes', '--file', file)).stdout, '`a');
  const run = await submit(swarm, 'environment', '--idempotency-key', 'k1', '--quiet');
  assert.deepEqual([run.code, run.stdout, run.stderr], [0, '1 k1\n', '']);
  const parts = await submit(swarm, 'spell', 'ab');
  assert.equal(parts.stdout, '2\n');
  assert.match(parts.stderr, /a part: a\n/);
});

test('submit with --json tells the outcome and the attempts', limit, async () => {
  const done = JSON.parse((await submit(swarm, 'flaky', '--json')).stdout) as Record<string, unknown>;
  assert.equal(done['outcome'], 'done');
  assert.equal(done['result'], 'second\n');
  assert.deepEqual(done['attempts'], [
    { agent: 'first', attempt: 1, reason: 'failed' },
    { agent: 'first', attempt: 2 },
  ]);
  const failed = await submit(swarm, 'hopeless', '--json');
  assert.equal(failed.code, 5);
  const { outcome, message } = JSON.parse(failed.stdout) as { outcome: string; message: string };
  assert.equal(outcome, 'failed');
  assert.match(message, /ended with 65: bad input/);
});

test('a task that fails as often as it may ends with 5, one whose deadline passes with 6', limit, async () => {
  const dead = await submit(swarm, 'broken', '--attempts', '2');
  assert.equal(dead.code, 5);
  assert.match(dead.stderr, /"echo reason >&2; exit 3" ended with 3: reason/);
  const late = await submit(swarm, 'nobody-can', '--deadline', '300ms');
  assert.equal(late.code, 6);
  assert.match(late.stderr, /deadline of task .* passed before an agent could finish it \(capability nobody-can/);
});

test('the same idempotency key is the same task', limit, async () => {
  const ids = [];
  for (let turn = 0; turn < 2; turn++) {
    const run = await submit(swarm, 'shout', 'x', '--idempotency-key', 'same', '--json');
    ids.push((JSON.parse(run.stdout) as { id: string }).id);
  }
  assert.equal(ids[0], ids[1]);
});

test('Ctrl-C at submit cancels the task, and the command with what it has started', limit, async () => {
  const run = skein('swarm', 'submit', swarm.at, 'long', ...swarm.credentials);
  await run.printed(/given to first/);
  const file = join(folder, 'pid');
  await until(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'));
  run.kill('SIGINT');
  assert.equal((await run.ended).code, 130);
  const group = -Number(readFileSync(file, 'utf8'));
  await until(() => {
    try {
      return !process.kill(group, 0);
    } catch {
      return true;
    }
  });
});

test('--no-wait prints the id and leaves the task to the swarm', limit, async () => {
  const run = await submit(swarm, 'shout', 'later', '--no-wait');
  assert.equal(run.code, 0);
  const id = run.stdout.trim();
  await first.printed(new RegExp(`"id":"${id}".*"outcome":"done"`));
});

test('a killed agent is told of, and its task goes to another', limit, async () => {
  const third = await startedAgent(swarm, 'third', '--capability', 'which=echo third; sleep 60');
  const run = skein('swarm', 'submit', swarm.at, 'which', ...swarm.credentials);
  await run.printed(/given to third/);
  const fourth = await startedAgent(swarm, 'fourth', '--capability', 'which=echo fourth');
  third.kill('SIGKILL');
  await swarm.process.printed(/"event":"left".*"id":"third".*"reason":"lost"/);
  const ended = await run.ended;
  assert.deepEqual([ended.code, ended.stdout], [0, 'fourth\n'], ended.stderr);
  assert.match(ended.stderr, /came to nothing \(.*\); again in/);
  fourth.kill('SIGINT');
  assert.equal((await fourth.ended).code, 0);
  await swarm.process.printed(/"event":"left".*"id":"fourth".*"reason":"left"/);
});

test('an agent finishes what it does before it leaves', limit, async () => {
  const agent = await startedAgent(swarm, 'careful', '--capability', `careful=sleep 1; echo finished`);
  const run = skein('swarm', 'submit', swarm.at, 'careful', ...swarm.credentials);
  await run.printed(/given to careful/);
  agent.kill('SIGINT');
  assert.equal((await run.ended).stdout, 'finished\n');
  const ended = await agent.ended;
  assert.equal(ended.code, 0, ended.stderr);
  assert.match(ended.stdout, /"event":"left"\}\n$/);
});

test('what is wrong is told in words, with the exit code of its kind', limit, async () => {
  const other = join(folder, 'other-secret');
  writeFileSync(other, 'some other secret of a swarm');
  const cases: [string[], number, RegExp][] = [
    [['swarm', 'status', swarm.at, '--secret-file', other], 3, /secret/],
    [['swarm', 'status', swarm.at], 2, /There is no secret for the swarm at .*SKEIN_SWARM_SECRET/],
    [['swarm', 'status', swarm.at, '--secret-file', join(folder, 'none')], 1, /cannot read the secret: ENOENT/],
    [['swarm', 'status', '127.0.0.1:9', ...swarm.credentials], 3, /127\.0\.0\.1:9/],
    [['swarm', 'status', swarm.at, ...swarm.credentials, '--swarm-id', 'else'], 3, /work/],
    [['swarm', 'submit', swarm.at, 'x', 'y', '--json-payload', '1'], 2, /give one of them/],
    [['swarm', 'submit', swarm.at, 'x', '--json-payload', '{'], 2, /It is JSON/],
    [['swarm', 'submit', swarm.at, 'x', '--priority', '101'], 2, /from -100 to 100/],
    [['swarm', 'start', '--topology', 'tree'], 2, /mesh, star, ring, hierarchical/],
    [['swarm', 'start', '--key', 'file'], 2, /--key needs --cert/],
    [['agent', '--coordinator', swarm.at, ...swarm.credentials], 2, /something to do/],
    [['agent', '--capability', 'name'], 2, /NAME=COMMAND/],
    [['agent', '--handlers', join(folder, 'none.mjs')], 1, /cannot take handlers from/],
    [['agent', '--capability', 'a=b', '--coordinator', swarm.at, ...swarm.credentials, '--id', 'first'], 3, /first/],
    [
      ['agent', '--capability', 'a=b', '--coordinator', swarm.at, ...swarm.credentials, '--role', 'coordinator'],
      1,
      /role/,
    ],
  ];
  for (const [args, code, words] of cases) {
    const run = await skein(...args).ended;
    assert.equal(run.code, code, `${args.join(' ')}: ${run.stderr}`);
    assert.match(run.stderr, words, args.join(' '));
    assert.doesNotMatch(run.stderr, /\n {4}at /, 'no stack');
  }
});

test('the coordinator finishes what is under way, tells everybody, and ends', limit, async () => {
  const run = skein('swarm', 'submit', swarm.at, 'last', ...swarm.credentials);
  const agent = await startedAgent(swarm, 'last', '--capability', 'last=sleep 1; echo at last');
  await run.printed(/given to last/);
  swarm.process.kill('SIGINT');
  const { stdout, stderr } = await run.ended;
  assert.equal(stdout, 'at last\n', stderr);
  const ended = await swarm.process.ended;
  assert.equal(ended.code, 0, ended.stderr);
  assert.match(ended.stderr, /finishing 1 task/);
  assert.match(ended.stdout, /"event":"stopped"\}\n$/);
  // Its agents know that it is gone for good or try again, as the coordinator told them; Ctrl-C ends them either way.
  agent.kill('SIGINT');
  await agent.ended;
});

test('a swarm with a store goes on where it was when its coordinator is killed', limit, async () => {
  const store = join(temporaryFolder(), 'swarm.sqlite');
  const before = await startedSwarm('--store', store);
  const run = await submit(before, 'later', 'kept', '--no-wait');
  assert.equal(run.code, 0, run.stderr);
  before.process.kill('SIGKILL');
  await before.process.ended;
  const port = before.at.split(':')[1] ?? '';
  const again = skein('swarm', 'start', '--host', '127.0.0.1', '--port', port, '--store', store, ...before.credentials);
  await again.printed(/tasks and members are kept in .*swarm\.sqlite/);
  const agent = await startedAgent(before, 'agent', '--capability', 'later=cat');
  await agent.printed(new RegExp(`"id":"${run.stdout.trim()}".*"outcome":"done"`));
});

test('a coordinator that was killed says whom it awaits, who is back, and who is not', limit, async () => {
  const options = ['--store', join(temporaryFolder(), 'swarm.sqlite'), '--lease', '10s'];
  const before = await startedSwarm(...options);
  await startedAgent(before, 'faithful', '--capability', 'echo=cat');
  const mortal = await startedAgent(before, 'mortal', '--capability', 'echo=cat');
  before.process.kill('SIGKILL');
  mortal.kill('SIGKILL');
  await Promise.all([before.process.ended, mortal.ended]);
  const port = before.at.split(':')[1] ?? '';
  const common = ['--host', '127.0.0.1', '--port', port, ...before.credentials];
  const again = skein('swarm', 'start', ...common, ...options);
  await again.printed(/awaited: +faithful, mortal, from before/);
  await again.printed(/back +faithful/);
  const { stdout } = await skein('swarm', 'agents', before.at, ...before.credentials).ended;
  assert.match(stdout, /^mortal +worker .*127\.0\.0\.1:\d+ +awaited for \d/m);
  const { stdout: json } = await skein('swarm', 'agents', before.at, ...before.credentials, '--json').ended;
  const agents = JSON.parse(json) as { id: string; state: string }[];
  assert.deepEqual(Object.fromEntries(agents.map(({ id, state }) => [id, state])), {
    faithful: 'connected',
    mortal: 'awaited',
  });
  const status = await skein('swarm', 'status', before.at, ...before.credentials).ended;
  assert.match(status.stdout, /agents +1 of 100, 1 awaited since the coordinator was restarted/);
  await again.printed(/lost +mortal/);
});

test('an agent that listens is dialled by the coordinator that names it, again when it was lost', limit, async () => {
  const secret = join(temporaryFolder(), 'secret');
  writeFileSync(secret, (await skein('swarm', 'secret').ended).stdout);
  const credentials = ['--secret-file', secret];
  const listening = async (port: string): Promise<[Process, string]> => {
    const options = ['--id', 'called', '--capability', 'shout=tr a-z A-Z', '--host', '127.0.0.1', '--json'];
    const agent = skein('agent', '--listen', '--port', port, ...options, ...credentials);
    const [, bound = ''] = await agent.printed(/"event":"listening".*"port":(\d+)/);
    return [agent, bound];
  };
  const [first, port] = await listening('0');
  const common = ['--host', '127.0.0.1', '--port', '0', '--json', '--lease', '2s', ...credentials];
  const coordinator = skein('swarm', 'start', '--register', `called=127.0.0.1:${port}`, ...common);
  const [, at = ''] = await coordinator.printed(/"event":"listening".*"port":(\d+)/);
  await Promise.all([first.printed(/"event":"joined"/), coordinator.printed(/"event":"joined".*"id":"called"/)]);
  const shouted = await skein('swarm', 'submit', `127.0.0.1:${at}`, 'shout', 'heard', ...credentials).ended;
  assert.equal(shouted.stdout, 'HEARD\n');
  first.kill('SIGKILL');
  await first.ended;
  const [second] = await listening(port);
  await second.printed(/"event":"joined"/);
  const both = await skein('agent', '--listen', '--coordinator', `127.0.0.1:${at}`, '--capability', 'a=b').ended;
  assert.equal(both.code, 2, both.stderr);
});

test(
  'a swarm without a secret says that it is in development mode, and is found by commands of the same user',
  limit,
  async () => {
    const run = skein('swarm', 'start', '--port', '0');
    const [, port = ''] = await run.printed(/swarm swarm on 127\.0\.0\.1:(\d+), topology mesh/);
    await run.printed(/^Swarm swarm on 127\.0\.0\.1:\d+ is in development mode/m);
    const status = await skein('swarm', 'status', `localhost:${port}`).ended;
    assert.equal(status.code, 0, status.stderr);
    await run.printed(/joined {3}observer-/);
    run.kill('SIGTERM');
    const ended = await run.ended;
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stdout, /the swarm is shut down\n$/);
  },
);
