import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.js';
import { makeFiles } from './support/files.js';
import { againstEachPeer } from './support/interop-test.js';
import { startPeerClient, startPeerServer } from './support/peers.js';
import { fetchAll } from './support/protocols.js';
import { skeinClient, startSkeinServer } from './support/skein.js';

const files = makeFiles({ '1k': 1024 });
const folder = temporaryFolder();
const LABELS = [
  'CLIENT_HANDSHAKE_TRAFFIC_SECRET',
  'SERVER_HANDSHAKE_TRAFFIC_SECRET',
  'CLIENT_TRAFFIC_SECRET_0',
  'SERVER_TRAFFIC_SECRET_0',
];
/** A line of the NSS key log format: label, client random, secret. */
const LINE = /^[A-Z0-9_]+ [0-9a-f]{64} [0-9a-f]{64,96}$/;

afterEach(() => delete process.env['SSLKEYLOGFILE']);

/** Both sides wrote the same secrets, each into its own file. */
function assertSameSecrets(ours: string, theirs: string): void {
  const lines = readFileSync(ours, 'utf8').trim().split('\n');
  for (const line of lines) assert.match(line, LINE);
  const known = readFileSync(theirs, 'utf8').trim().split('\n');
  for (const label of LABELS) {
    const [line, ...more] = lines.filter((candidate) => candidate.startsWith(`${label} `));
    assert.ok(line, `${label} is missing in\n${lines.join('\n')}`);
    assert.deepEqual(more, []);
    assert.ok(known.includes(line), `the peer wrote another ${label}`);
  }
}

againstEachPeer('SSLKEYLOGFILE: skein connects', async (peer) => {
  const [ours, theirs] = [join(folder, `${peer}-client`), join(folder, `${peer}-server-of-peer`)];
  process.env['SSLKEYLOGFILE'] = ours;
  await using server = await startPeerServer(peer, ['--root', files.folder], { SSLKEYLOGFILE: theirs });
  const client = skeinClient(server);
  await fetchAll(await client.connect(), files);
  await client.shutdown();
  await server.process.of('closed');
  await server.process.stop();
  assertSameSecrets(ours, theirs);
});

againstEachPeer('SSLKEYLOGFILE: skein serves', async (peer) => {
  const [ours, theirs] = [join(folder, `${peer}-server`), join(folder, `${peer}-client-of-peer`)];
  process.env['SSLKEYLOGFILE'] = ours;
  const skein = await startSkeinServer(files);
  await using client = startPeerClient(peer, skein.port, ['--get', '/1k'], { SSLKEYLOGFILE: theirs });
  await client.done();
  await skein.server.stop();
  assertSameSecrets(ours, theirs);
});
