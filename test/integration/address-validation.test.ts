import assert from 'node:assert/strict';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { test } from 'node:test';
import type { IncomingAttempt, IncomingVerdict } from '../../src/quic/index.js';
import { ALPN, echo, endpoint, EndpointPair, identity, roundTrip, text } from '../support/quic-pair.js';
import { quicError } from '../support/quic-errors.js';
import { UdpProxy } from '../support/quic-udp-proxy.js';

test("retry: 'always' makes a client prove its address, once", async () => {
  await using pair = await EndpointPair.start({ listen: { retry: 'always', validationTokens: 0 } });
  await pair.connect();
  assert.equal(pair.server.stats().attemptsRetried, 1);
  await pair.connect();
  assert.equal(pair.server.stats().attemptsRetried, 2);
});

test("retry: 'never' and the default leave a calm server without Retry", async () => {
  for (const retry of ['never', undefined] as const) {
    await using pair = await EndpointPair.start({ listen: retry ? { retry } : {} });
    await pair.connect();
    assert.equal(pair.server.stats().attemptsRetried, 0);
  }
});

test('retry from a number of handshakes on', async () => {
  const seen: IncomingAttempt[] = [];
  await using pair = await EndpointPair.start({
    listen: { retry: { fromHandshakes: 1 }, onIncoming: (attempt) => void seen.push(attempt) },
  });
  await Promise.all([1, 2, 3, 4].map(() => pair.connect({ resumption: false })));
  const first = seen.filter(({ addressValidated }) => !addressValidated);
  const busy = first.filter(({ handshakes }) => handshakes >= 1).length;
  assert.equal(pair.server.stats().attemptsRetried, busy);
  assert.ok(busy >= 1);
});

test('a token of an earlier connection (NEW_TOKEN) spares the Retry', async () => {
  await using pair = await EndpointPair.start({ listen: { retry: 'always' } });
  const { client, server } = await pair.connect();
  echo(server);
  // Tokens come with or before the answer.
  assert.equal(text.decode(await roundTrip(client, text.encode('hello'))), 'hello');
  assert.ok(client.stats().newTokensReceived > 0);
  await pair.connect();
  assert.equal(pair.server.stats().attemptsRetried, 1);
});

test('onIncoming decides', async () => {
  let verdict: IncomingVerdict | undefined;
  const seen: IncomingAttempt[] = [];
  const onIncoming = (attempt: IncomingAttempt): IncomingVerdict | undefined => {
    seen.push(attempt);
    return attempt.addressValidated && verdict === 'retry' ? 'accept' : verdict;
  };
  await using pair = await EndpointPair.start({ listen: { onIncoming } });
  await pair.connect({ resumption: false });
  assert.equal(seen[0]?.remote.address, '127.0.0.1');
  assert.equal(seen[0].remote.port, pair.client.address.port);
  assert.equal(seen[0].addressValidated, false);

  verdict = 'refuse';
  await assert.rejects(pair.dial({ resumption: false }), quicError('ERR_QUIC_CONNECTION_REFUSED'));
  verdict = 'retry';
  await pair.connect({ resumption: false });
  verdict = 'accept';
  await pair.connect({ resumption: false });
  verdict = 'ignore';
  await assert.rejects(
    pair.dial({ resumption: false, connectionTimeout: 150 }),
    quicError('ERR_QUIC_CONNECTION_TIMEOUT'),
  );
  const { attemptsRefused, attemptsRetried, attemptsIgnored } = pair.server.stats();
  assert.deepEqual([attemptsRefused, attemptsRetried], [1, 1]);
  assert.ok(attemptsIgnored >= 1);
});

test('before a client is validated, a server sends at most three times what it got (RFC 9000 8)', async () => {
  // A long chain makes the server want to send much at once.
  const { createCertificateAuthority } = await import('../../src/certificates/certificates.js');
  const authority = await createCertificateAuthority({ keyType: 'rsa-2048' });
  const { certificate: cert, key } = await authority.issue({ keyType: 'rsa-2048', chainLength: 5 });
  await using pair = await EndpointPair.start({ listen: { cert, key } });
  const proxy = await UdpProxy.start(pair.server.address.port);
  let up = 0;
  let down = 0;
  let answered = false;
  proxy.meddler = (datagram, towardsServer) => {
    // Only the first flight gets through; the client's repetitions and answers do not.
    if (!towardsServer) {
      answered = true;
      down += datagram.length;
      return [];
    }
    if (answered) return [];
    up += datagram.length;
    return datagram;
  };
  const options = { ca: authority.certificate, connectionTimeout: 1500 };
  await assert.rejects(pair.dial(options, proxy.port), quicError('ERR_QUIC_CONNECTION_TIMEOUT'));
  assert.ok(down > up, `${down} bytes down after ${up} up`);
  assert.ok(down <= 3 * up, `${down} bytes down after ${up} up`);
});

test('stateless reset: after a restart with the same key, clients learn at once', async () => {
  const statelessResetKey = new Uint8Array(32).fill(9);
  const first = await EndpointPair.start({ server: { statelessResetKey } });
  const proxy = await UdpProxy.start(first.server.address.port);
  const [client, server] = await Promise.all([first.dial({ idleTimeout: 0 }, proxy.port), first.accepted()]);
  await server.ready;
  echo(server);
  await roundTrip(client, text.encode('before'));
  // The server dies: its goodbye does not arrive.
  proxy.meddler = () => [];
  const { port } = first.server.address;
  await first.server.close({ timeout: 0 });
  // Loopback delivers at once, so the goodbye lies in the proxy's socket: its next turns take it and drop it.
  for (let turn = 0; turn < 5; turn++) await turnOfTheLoop();
  const restarted = await endpoint({ port, statelessResetKey });
  await restarted.listen({ ...identity, alpn: [ALPN] }, () => undefined);
  proxy.meddler = undefined;
  const stream = await client.openBidirectionalStream();
  await stream.send(text.encode('are you there? '.repeat(20)));
  await assert.rejects(stream.receive(), quicError('ERR_QUIC_STATELESS_RESET', /restarted/));
  assert.equal((await client.closed).remote, true);
});
