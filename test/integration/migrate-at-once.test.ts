import assert from 'node:assert/strict';
import { it } from 'node:test';
import { QuicClient, QuicServer } from '../../src/index.js';
import { createCertificateAuthority } from '../../src/testing/index.js';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (words: string): Uint8Array => new TextEncoder().encode(words);

it('a client that migrates as soon as it is connected waits until the handshake is confirmed', async () => {
  const ca = await createCertificateAuthority();
  const { certificate: cert, key } = await ca.issue();
  const server = new QuicServer({ host: '127.0.0.1', port: 0, cert, key });
  server.handle({
    async stream(stream) {
      for await (const chunk of stream) await stream.send(chunk);
      await stream.finish();
    },
  });
  await server.listen();
  const client = new QuicClient({
    serverHost: '127.0.0.1',
    serverPort: server.address.port,
    ca: ca.certificate,
    streamTimeout: 10_000,
  });
  try {
    const connection = await client.connect();
    const { port } = connection.localAddress;
    const stream = await connection.openBidirectionalStream();
    await stream.send(bytes('before '));
    // RFC 9000 section 9: without the wait the server drops the rest of the handshake, which comes from elsewhere.
    await connection.migrate();
    await stream.send(bytes('after'));
    await stream.finish();
    assert.equal(text(await stream.receiveAll()), 'before after');
    assert.notEqual(connection.localAddress.port, port);
  } finally {
    await client.shutdown({ timeout: 500 });
    await server.stop({ timeout: 500 });
  }
});
