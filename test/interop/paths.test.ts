import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { QuicEndpoint, type PathEvent } from '../../src/index.js';
import { UdpProxy } from '../support/quic-udp-proxy.js';
import { until } from '../support/until.js';
import { makeFiles, sha256 } from './support/files.js';
import { againstEachPeer } from './support/interop-test.js';
import type { PeerEvent } from './support/peer-events.js';
import { certificateFile, startPeerClient, startPeerServer } from './support/peers.js';
import { assertFetched, fetchFile, FILES, serveFile } from './support/protocols.js';
import { skeinClient, startSkeinServer } from './support/skein.js';

const files = makeFiles({ '5m': 5_000_000 });
const [path = ''] = files.paths;
/** Bytes received before the move: somewhere in the middle. */
const MIDDLE = 1_000_000;

function ports(addresses: readonly string[] | undefined): (number | undefined)[] {
  return (addresses ?? []).map((address) => Number(address.split(':').at(-1)));
}

for (const how of ['rebind', 'migrate'] as const) {
  const what =
    how === 'rebind'
      ? 'the client comes from a new port (NAT rebinding)'
      : 'the client moves to a new port (migration)';
  againstEachPeer(`${what}: skein serves`, async (peer) => {
    const moves: PathEvent[] = [];
    const hooks = {
      connection: (connection: { on(name: 'path', listener: (event: PathEvent) => void): unknown }): void =>
        void connection.on('path', (event) => moves.push(event)),
    };
    await using skein = await startSkeinServer(files, {}, hooks);
    await using client = startPeerClient(peer, skein.port, [`--${how}`, '--get', path]);
    await client.done();
    assertFetched(client.all('file'), files);
    const closed = await client.of('closed');
    const [before, after] = ports(closed.locals);
    assert.notEqual(before, after);
    const [connection] = skein.connections;
    assert.ok(connection);
    assert.deepEqual(
      moves.flatMap((event) => (event.type === 'remoteAddress' ? event.remote.port : [])),
      [after],
    );
    assert.equal(connection.remoteAddress.port, after);
    // The new path was validated (RFC 9000 9.3).
    assert.ok((closed.frames?.received['path_challenge'] ?? 0) > 0, JSON.stringify(closed.frames));
    assert.ok((closed.frames?.sent['path_response'] ?? 0) > 0, JSON.stringify(closed.frames));
    await until(() => connection.stats().pathResponsesReceived > 0);
  });
}

/** aioquic shows which connection IDs came from which address: none may be used on two paths (RFC 9000 9.5). */
function assertUnlinkable(closed: PeerEvent): void {
  const [before, after] = Object.values(closed.paths ?? {});
  assert.ok(before && after);
  assert.ok(
    before.cids.every((cid) => !after.cids.includes(cid)),
    `a connection ID was used on both paths: ${JSON.stringify(closed.paths)}`,
  );
}

againstEachPeer('migration: skein connects and moves', async (peer) => {
  await using server = await startPeerServer(peer, ['--root', files.folder]);
  await using client = skeinClient(server);
  const connection = await client.connect();
  const before = connection.localAddress.port;
  let moving: Promise<void> | undefined;
  const body = await fetchFile(connection, path, (received) => {
    if (received >= MIDDLE) moving ??= connection.migrate();
  });
  await moving;
  assert.equal(sha256(body), files.byPath.get(path)?.sha256);
  const after = connection.localAddress.port;
  assert.notEqual(after, before);
  await connection.close();
  const closed = await server.process.of('closed');
  assert.deepEqual(ports(closed.remotes), [before, after]);
  // The server validated the new path (RFC 9000 9.3).
  assert.ok((closed.frames?.sent['path_challenge'] ?? 0) > 0, JSON.stringify(closed.frames));
  assert.ok((closed.frames?.received['path_response'] ?? 0) > 0, JSON.stringify(closed.frames));
  if (peer === 'aioquic') assertUnlinkable(closed);
});

againstEachPeer('migration: skein connects and moves while nothing is sent', async (peer) => {
  await using server = await startPeerServer(peer, ['--root', files.folder]);
  await using client = skeinClient(server);
  const connection = await client.connect();
  const { port } = connection.localAddress;
  await connection.migrate();
  assert.notEqual(connection.localAddress.port, port);
  assert.equal(sha256(await fetchFile(connection, path)), files.byPath.get(path)?.sha256);
  await connection.close();
  assert.equal(ports((await server.process.of('closed')).remotes).at(-1), connection.localAddress.port);
});

// The client dials a balancer, and is told where the server itself is (RFC 9000 9.6).
againstEachPeer('preferred address: skein serves', async (peer) => {
  await using endpoint = await QuicEndpoint.create({ host: '127.0.0.1' });
  const { port } = endpoint.address;
  const balancer = await UdpProxy.start(port);
  const moves: number[] = [];
  const identity = {
    cert: readFileSync(certificateFile('server.pem')),
    key: readFileSync(certificateFile('server-key.pem')),
  };
  const preferredAddress = { ipv4: `127.0.0.1:${port}`, ipv6: `[::1]:${port}` };
  await endpoint.listen({ ...identity, alpn: [FILES], preferredAddress }, (connection) => {
    assert.equal(connection.remoteAddress.port, balancer.outerPort);
    connection.on('path', (event) => {
      if (event.type === 'remoteAddress') moves.push(event.remote.port);
    });
    connection.on('stream', (stream) => void serveFile(stream, files));
  });
  await using client = startPeerClient(peer, balancer.port, ['--get', path]);
  await client.done();
  assertFetched(client.all('file'), files);
  if (peer === 'quinn') {
    // It takes the connection ID, and stays where it is.
    assert.deepEqual(moves, []);
    return;
  }
  const closed = await client.of('closed');
  assert.ok((closed.frames?.sent['path_challenge'] ?? 0) > 0, JSON.stringify(closed.frames));
  assert.deepEqual(moves, [ports(closed.locals).at(-1)]);
});
