// Real interfaces that go down and addresses that change, in network namespaces of this test's own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Process } from './support/skein-process.js';
import { device, SERVER, TwoHosts, whyNoNamespaces } from './support/namespaces.js';

const limit = { timeout: 90_000, skip: whyNoNamespaces() ?? false };

async function connected(hosts: TwoHosts, idleTimeout: number): Promise<{ client: Process; server: Process }> {
  const server = hosts.run('server', 'network-server.ts', SERVER);
  const [, pin = ''] = await server.printed(/pin (\S+)/);
  const client = hosts.run('client', 'network-client.ts', SERVER, pin, String(idleTimeout));
  await client.printed(/connected from 10\.203\.0\.1\n/);
  await goesOn(client);
  return { client, server };
}

/** Messages come back that were sent after this was called. */
async function goesOn(client: Process): Promise<void> {
  const rounds = client.stdout.match(/^round \d+$/gm)?.length ?? 0;
  // One may have been on its way.
  await client.printed(new RegExp(`^round ${rounds + 5}$`, 'm'));
}

test('the address changes: the client goes on from the new one', limit, async () => {
  using hosts = new TwoHosts({ wires: ['a'] });
  const { client, server } = await connected(hosts, 30_000);
  hosts.client('addr', 'del', '10.203.0.1/24', 'dev', device('a'));
  hosts.client('addr', 'add', '10.203.0.77/24', 'dev', device('a'));
  hosts.route('a');
  await server.printed(/client now at 10\.203\.0\.77/);
  await goesOn(client);
  assert.match(client.stdout, /moved to/);
  assert.doesNotMatch(client.stdout, /ended/);
});

test('the interface goes down, and there is another: the client goes on over that one', limit, async () => {
  using hosts = new TwoHosts();
  const { client, server } = await connected(hosts, 30_000);
  hosts.unplug('a');
  await server.printed(/client now at 10\.203\.1\.1/);
  await goesOn(client);
  assert.match(client.stdout, /moved to/);
});

test('the cable is pulled, and put back before the idle timeout: the connection goes on', limit, async () => {
  using hosts = new TwoHosts({ wires: ['a'] });
  const { client } = await connected(hosts, 30_000);
  hosts.unplug('a');
  const { length } = client.stdout;
  await new Promise((resolve) => void setTimeout(resolve, 3000));
  // What was on its way may have come; nothing else can.
  assert.ok((client.stdout.slice(length).match(/round/g)?.length ?? 0) <= 2);
  hosts.plug('a');
  await goesOn(client);
});

test('the cable is pulled for good: both sides end by the idle timeout, and the client by itself', limit, async () => {
  using hosts = new TwoHosts({ wires: ['a'] });
  const { client } = await connected(hosts, 2000);
  hosts.unplug('a');
  const { code, stdout, stderr } = await client.ended;
  assert.equal(code, 0, stderr);
  assert.match(stdout, /ended: ERR_QUIC_IDLE_TIMEOUT\n$/);
});

test('no route at all: known at once', limit, async () => {
  using hosts = new TwoHosts({ wires: [] });
  const pin = `sha256/${Buffer.alloc(32).toString('base64')}`;
  const { code, stdout, stderr } = await hosts.run('client', 'network-client.ts', SERVER, pin, '0').ended;
  assert.equal(code, 0, stderr);
  assert.equal(stdout, 'ended: ERR_QUIC_UNREACHABLE\n');
});
