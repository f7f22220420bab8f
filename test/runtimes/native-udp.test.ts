// The native UDP backend on a Node.js that has node:ffi: its own tests, the tests of sockets that it shares with node:dgram,
// and every integration test of the transport over it. What stands on the transport does not see the sockets; of that, only
// what fills them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { before, test } from 'node:test';
import { install, programOf, RUNTIMES } from './runtimes.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const runtime = RUNTIMES.node26native;
const skip = runtime ? false : 'the native backend is for Linux only';
const minute = 60_000;

before(() => {
  if (runtime) install([runtime]);
});

function run(files: readonly string[]): void {
  assert.ok(runtime);
  const program = programOf(runtime);
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...runtime.env,
    NODE_OPTIONS: runtime.flags.join(' '),
    // Programs that tests start by name are to be of the same version.
    PATH: `${dirname(program)}:${process.env['PATH']}`,
  };
  delete env['NODE_TEST_CONTEXT'];
  const flags = ['--import', 'tsx', '--test', '--test-concurrency=2', `--test-timeout=${2 * minute}`];
  const child = spawnSync(program, [...flags, '--test-reporter=tap', ...files], {
    cwd: root,
    env,
    encoding: 'utf8',
    timeout: 8 * minute,
    maxBuffer: 1 << 26,
  });
  const lines = child.stdout.split('\n');
  const failed = lines.filter((line) => /^\s*not ok /.test(line) && !line.includes('# TODO'));
  assert.equal(child.status, 0, `${failed.join('\n')}\n${child.stderr}\n${failed.length > 0 ? child.stdout : ''}`);
  const passed = Number(/^# pass (\d+)$/m.exec(child.stdout)?.[1]);
  assert.ok(passed >= files.length, `${passed} passed`);
}

test('its sockets', { skip }, () => {
  run(['test/unit/udp-native.test.ts', 'test/unit/udp-backends.test.ts', 'test/unit/udp-sockets.test.ts']);
});

test('the integration tests over it', { skip }, () => {
  const files = readdirSync(join(root, 'test/integration')).filter(
    (name) => name.endsWith('.test.ts') && (!/^(http3|swarm)-/.test(name) || name === 'http3-backpressure.test.ts'),
  );
  run(files.map((name) => join('test/integration', name)));
});
