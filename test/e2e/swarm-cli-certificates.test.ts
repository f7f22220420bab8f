/** The commands of swarms whose members are told apart by certificates of a CA. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.js';
import { skein, type Process } from './support/skein-process.js';

const limit = { timeout: 120_000 };
process.env['XDG_STATE_HOME'] = temporaryFolder();
delete process.env['SKEIN_SWARM_SECRET'];

const folder = temporaryFolder();
const path = (name: string): string => join(folder, name);

async function cert(...args: readonly string[]): Promise<void> {
  const made = await skein('cert', ...args).ended;
  assert.equal(made.code, 0, made.stderr);
}

await cert('ca', '--out', path('ca'));
await cert('ca', '--out', path('other-ca'));
await cert('issue', 'coordinator', '127.0.0.1', '--ca', path('ca'), '--out', path('coordinator'));
for (const id of ['agent-1', 'agent-2', 'asker']) {
  await cert('issue', id, '--client', '--ca', path('ca'), '--out', path(id));
}
await cert('issue', 'stranger', '--client', '--ca', path('other-ca'), '--out', path('stranger'));

const ca = ['--ca', path('ca/ca.pem')];
const identity = (name: string): string[] => ['--cert', path(`${name}/cert.pem`), '--key', path(`${name}/key.pem`)];

const coordinator = skein(
  ...['swarm', 'start', '--host', '127.0.0.1', '--port', '0', '--json', ...ca, ...identity('coordinator')],
);
const [, port = ''] = await coordinator.printed(/"event":"listening".*"port":(\d+)/);
const at = `127.0.0.1:${port}`;

function agent(id: string, ...args: readonly string[]): Process {
  return skein('agent', '--coordinator', at, '--id', id, '--capability', 'shout=tr a-z A-Z', '--json', ...args);
}

const asker = ['--id', 'asker', ...ca, ...identity('asker')];

test('agents are let in by their certificates, and reached where they say', limit, async () => {
  const first = agent('agent-1', ...ca, ...identity('agent-1'));
  await first.printed(/"event":"joined"/);
  const advertised = agent('agent-2', ...ca, ...identity('agent-2'), '--advertise', '127.0.0.2:5000');
  await advertised.printed(/"event":"joined"/);
  const done = await skein('swarm', 'submit', at, 'shout', 'hello', ...asker, '--quiet').ended;
  assert.deepEqual([done.code, done.stdout, done.stderr], [0, 'HELLO\n', '']);
  const { stdout, stderr } = await skein('swarm', 'agents', at, ...asker, '--json').ended;
  const agents = JSON.parse(stdout) as { id: string; address: string; reachedAt: string }[];
  assert.deepEqual(
    agents.map(({ id }) => id),
    ['agent-1', 'agent-2'],
    stderr,
  );
  assert.match(agents[0]?.address ?? '', /^127\.0\.0\.1:\d+$/);
  assert.match(agents[0]?.reachedAt ?? '', /^127\.0\.0\.1:\d+$/);
  assert.match(agents[1]?.address ?? '', /^127\.0\.0\.1:\d+$/);
  assert.equal(agents[1]?.reachedAt, '127.0.0.2:5000');
  for (const running of [first, advertised]) {
    running.kill('SIGINT');
    const ended = await running.ended;
    assert.match(ended.stdout, /"event":"left"/);
  }
});

test('certificate and key can lie in one file', limit, async () => {
  const both = path('both.pem');
  writeFileSync(both, readFileSync(path('asker/cert.pem'), 'utf8') + readFileSync(path('asker/key.pem'), 'utf8'));
  const status = await skein('swarm', 'status', at, '--id', 'asker', ...ca, '--cert', both).ended;
  assert.equal(status.code, 0, status.stderr);
  assert.match(status.stdout, /^swarm swarm at 127\.0\.0\.1/);
});

test('nobody else is let in, and hears why', limit, async () => {
  const cases: readonly (readonly [string, readonly string[], number, RegExp])[] = [
    ['agent-1', [...ca], 3, /certificate/],
    ['agent-1', [...ca, ...identity('agent-2')], 3, /agent-1/],
    ['stranger', [...ca, ...identity('stranger')], 3, /certificate/],
    ['agent-1', ['--ca', path('other-ca/ca.pem'), ...identity('agent-1')], 3, /certificate/],
    ['agent-1', [...ca, '--key', path('agent-1/key.pem')], 2, /--key needs --cert/],
    ['agent-1', [...ca, '--cert', path('nothing.pem')], 2, /nothing\.pem/],
  ];
  for (const [id, args, code, words] of cases) {
    const ended = await agent(id, ...args).ended;
    assert.match(ended.stderr, words, args.join(' '));
    assert.equal(ended.code, code, `${args.join(' ')}: ${ended.stderr}`);
  }
  const nameless = await skein('swarm', 'status', at, ...ca, ...identity('asker')).ended;
  assert.equal(nameless.code, 2);
  assert.match(nameless.stderr, /--cert needs --id/);
});
