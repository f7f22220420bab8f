import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type ConnectOptions, QuicEndpoint, QuicServer } from '../../src/index.js';
import { createCertificateAuthority } from '../../src/testing/index.js';

it('a ticket of an unverified connection resumes no connection that verifies, pins or shows a certificate', async () => {
  const ca = await createCertificateAuthority();
  const { certificate: cert, key, spkiSha256 } = await ca.issue();
  const client = await ca.issue({ client: true });
  const server = new QuicServer({ host: '127.0.0.1', port: 0, cert, key });
  await server.listen();
  const endpoint = await QuicEndpoint.create();
  /** Connects, leaves a ticket behind, and says whether the session was a resumed one. */
  const resumed = async (options: Partial<ConnectOptions>): Promise<boolean> => {
    const connection = await endpoint.connect('127.0.0.1', server.address.port, {
      alpn: ['skein/1'],
      verifyPeer: false,
      ...options,
    });
    const ticket = new Promise((resolve) => connection.once('sessionTicket', () => resolve(undefined)));
    await connection.ready;
    await ticket;
    const { resumed: was } = connection.details;
    await connection.close();
    return was;
  };
  try {
    assert.equal(await resumed({}), false);
    assert.equal(await resumed({}), true, 'the same trust resumes');
    assert.equal(await resumed({ verifyPeer: true, ca: ca.certificate }), false);
    assert.equal(await resumed({ publicKeyPins: [spkiSha256] }), false);
    assert.equal(await resumed({ cert: client.certificate, key: client.key }), false);
  } finally {
    await endpoint.close();
    await server.stop();
  }
});
