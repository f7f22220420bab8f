// What the operating system says about a remote ends an attempt that nobody has answered, and nothing else.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { after, test } from 'node:test';
import type { IncomingAttempt, IncomingVerdict } from '../../src/quic/index.js';
import { ALPN, authority, echo, endpoint, EndpointPair, roundTrip, text } from '../support/quic-pair.js';
import { quicError } from '../support/quic-errors.js';
import { WrappedNetwork } from '../support/wrapped-network.js';

/** A port that takes everything and answers nothing. */
async function silentPort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  after(() => socket.close());
  return socket.address().port;
}

test('no way to the address: known at once, although the socket serves other remotes too', async () => {
  await using pair = await EndpointPair.start();
  const local = await endpoint({ host: '127.0.0.1' });
  const options = { alpn: [ALPN], ca: authority.certificate };
  const bystander = await local.connect('127.0.0.1', pair.server.address.port, options);
  echo(await pair.accepted());
  // From the loopback interface no other machine can be reached.
  const attempt = local.connect('198.51.100.1', 9, { alpn: [ALPN], connectionTimeout: 0 });
  await assert.rejects(attempt, quicError('ERR_QUIC_UNREACHABLE', /198\.51\.100\.1:9 .*: E[A-Z]+\. Look at/));
  assert.equal(text.decode(await roundTrip(bystander, text.encode('here'))), 'here');
});

for (const code of ['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'EPERM']) {
  test(`${code} ends an attempt that nobody has answered`, async () => {
    const network = new WrappedNetwork();
    const client = await endpoint({ network });
    const options = { alpn: [ALPN], ownSocket: true, connectionTimeout: 0 };
    const attempt = client.connect('127.0.0.1', await silentPort(), options);
    while (client.connections.length === 0) await new Promise((resolve) => void setImmediate(resolve));
    network.fail('ENOBUFS');
    assert.equal(client.connections.length, 1);
    network.fail(code);
    await assert.rejects(attempt, quicError('ERR_QUIC_UNREACHABLE'));
    assert.equal(client.connections.length, 0);
  });

  test(`${code} does nothing to a connection whose server has answered`, async () => {
    const network = new WrappedNetwork();
    let failedInHandshake = 0;
    const onIncoming = ({ addressValidated }: IncomingAttempt): IncomingVerdict => {
      if (!addressValidated) return 'retry';
      // The client has got the Retry, and waits for the rest of the handshake.
      network.fail(code);
      failedInHandshake++;
      return 'accept';
    };
    await using pair = await EndpointPair.start({ client: { network }, listen: { onIncoming } });
    const { client, server } = await pair.connect({ ownSocket: true });
    assert.equal(failedInHandshake, 1);
    network.fail(code);
    echo(server);
    assert.equal(text.decode(await roundTrip(client, text.encode('still'))), 'still');
  });
}
