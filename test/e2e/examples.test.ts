import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.js';
import { example } from './support/skein-process.js';

const limit = { timeout: 60_000 };

/** What each example that is one process prints. */
const EXPECTED: Readonly<Record<string, RegExp>> = {
  'datagrams.ts': /^a datagram holds up to \d{4,5} bytes at first\n20 of 20 came back, the fastest after [\d.]+ ms\n$/,
  'early-data.ts':
    /^first visit: that came after the handshake\nsecond visit, before the handshake: early data pending\nsecond visit: that came early\nsecond visit, after the handshake: early data accepted\n$/,
  'hono.ts': /^\{ hello: 'world' \}\n100000\n404\n$/,
  'migration.ts':
    /^client: moved from port (\d+) to port (\d+)\nserver: the client is now at port \2\nevery byte arrived, in order\n$/,
  'pinning.ts':
    /^with the pin of the server's key: connected\nwith the pin of another key: refused: ERR_QUIC_CERTIFICATE_PIN\n$/,
  'request-response.ts': /^200 hello\n200 MANY REQUESTS SHARE ONE CONNECTION\n404 there is no \/nothing\n$/,
  'web-server.ts': /^200 hello over HTTP\/3\.0\n200 STREAMS BOTH WAYS\n$/,
};

/** Those that are two processes. */
const PAIRS = ['echo-client.ts', 'echo-server.ts', 'swarm-agent.ts', 'swarm-coordinator.ts'];

for (const [name, expected] of Object.entries(EXPECTED)) {
  test(`examples/${name} prints what it should, and ends by itself`, limit, async () => {
    const run = await example(name).ended;
    assert.equal(run.code, 0, run.stderr);
    assert.match(run.stdout, expected);
    assert.equal(run.stderr, '');
  });
}

test('examples/echo-server.ts and echo-client.ts talk to each other', limit, async () => {
  const server = example('echo-server.ts', '0');
  const [, port = '', pin = ''] = await server.printed(/listening on port (\d+), pin (sha256\/\S+)/);
  const client = await example('echo-client.ts', port, pin, 'one', 'two', 'three').ended;
  assert.equal(client.code, 0, client.stderr);
  assert.equal(client.stdout, 'one two three\n');
  server.kill('SIGINT');
  const ended = await server.ended;
  assert.equal(ended.code, 0, ended.stderr);
  assert.match(ended.stdout, /3 streams on 1 connections/);
});

test('examples/swarm-coordinator.ts gives tasks to swarm-agent.ts', limit, async () => {
  const state = temporaryFolder();
  process.env['XDG_STATE_HOME'] = state;
  const coordinator = example('swarm-coordinator.ts', '0');
  const [, port = ''] = await coordinator.printed(/listening on port (\d+)/);
  const agent = example('swarm-agent.ts', 'agent-1', port);
  const led = await coordinator.ended;
  assert.equal(led.code, 0, led.stderr);
  const results = 'fibonacci(10) = 55\nfibonacci(20) = 6765\nfibonacci(30) = 832040\n';
  assert.equal(
    led.stdout,
    `listening on port ${port}\nagent-1 can fibonacci\n${results}3 tasks done, 0 packets lost\n`,
  );
  const did = await agent.ended;
  assert.equal(did.code, 0, did.stderr);
  assert.match(
    did.stdout,
    /^agent-1 has joined 1 other members\n(fibonacci\(\d0\) for coordinator, attempt 1\n){3}the swarm is over: /,
  );
});

test('no example is left out', () => {
  const names = readdirSync(new URL('../../examples/', import.meta.url)).filter((name) => name.endsWith('.ts'));
  assert.deepEqual(names.sort(), [...Object.keys(EXPECTED), ...PAIRS].sort());
});
