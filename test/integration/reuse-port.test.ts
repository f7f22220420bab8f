import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QuicConnection } from '../../src/quic/index.js';
import { ALPN, authority, echo, endpoint, identity, roundTrip, text } from '../support/quic-pair.js';
import { quicError } from '../support/quic-errors.js';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const able = major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
const why = able ? false : `Node ${process.versions.node} has no SO_REUSEPORT for UDP (22.12 and 23.1 have)`;

test('reusePort: two endpoints share a port, and each connection stays with the one that it came to', {
  skip: why,
}, async () => {
  const held: [QuicConnection[], QuicConnection[]] = [[], []];
  const first = await endpoint({ reusePort: true });
  const { port } = first.address;
  const second = await endpoint({ reusePort: true, port });
  for (const [index, one] of [first, second].entries()) {
    await one.listen({ ...identity, alpn: [ALPN] }, (connection) => {
      held[index]?.push(connection);
      echo(connection);
    });
  }
  // The kernel spreads by address and port: each client dials from a port of its own.
  const client = await endpoint();
  const options = { alpn: [ALPN], ca: authority.certificate, ownSocket: true, resumption: false };
  const count = 64;
  const connections: QuicConnection[] = [];
  while (connections.length < count) connections.push(await client.connect('127.0.0.1', port, options));
  for (let round = 0; round < 3; round++) {
    const echoes = connections.map(async (connection, index) => {
      const word = `${round} ${index}`;
      assert.equal(text.decode(await roundTrip(connection, text.encode(word))), word);
    });
    await Promise.all(echoes);
  }
  assert.equal(held[0].length + held[1].length, count);
  // Linux spreads evenly: that all of 64 land on one side happens once in 2^63 runs. Elsewhere the last one takes all.
  if (process.platform === 'linux')
    assert.ok(held[0].length > 0 && held[1].length > 0, `${held[0].length} of ${count}`);
  await assert.rejects(endpoint({ port }), quicError('ERR_QUIC_ADDRESS_IN_USE'));
});

test('reusePort where the runtime cannot says so', { skip: able && 'this runtime can' }, async () => {
  await assert.rejects(endpoint({ reusePort: true }), quicError('ERR_QUIC_INVALID_OPTION', /reusePort.*22\.12/));
});
