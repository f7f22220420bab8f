import assert from 'node:assert/strict';
import { test } from 'node:test';
import { skein } from './support/skein-process.js';

test('the demonstration of the transport sees everything happen', { timeout: 120_000 }, async () => {
  const run = await skein('demo', '--transport').ended;
  assert.equal(run.code, 0, run.stdout + run.stderr);
  assert.match(run.stdout, /client: moved from port (\d+) to port (\d+)/);
  assert.match(run.stdout, /server: the remote address changed from 127\.0\.0\.1:\d+ to 127\.0\.0\.1:\d+/);
  assert.match(run.stdout, /early data accepted/);
  assert.equal(run.stdout.match(/^ {2}yes {2}/gm)?.length, 5);
  assert.match(run.stdout, /Everything was verified\.\n$/);
});

test('Ctrl-C ends it, and its processes with it', { timeout: 60_000 }, async () => {
  const run = skein('demo', '--transport');
  await run.printed(/First connection/);
  const [, server, client] = await run.printed(/server (\d+) on .*, client (\d+)/);
  run.kill('SIGINT');
  const ended = await run.ended;
  assert.equal(ended.code, 130, ended.stderr);
  for (const pid of [server, client]) assert.throws(() => process.kill(Number(pid), 0), { code: 'ESRCH' });
});
