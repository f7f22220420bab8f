import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { QuicClientConfig, QuicServerConfig } from '../../src/index.js';
import { QuicClient, QuicServer } from '../../src/index.js';
import type { QuicErrorCode } from '../../src/quic/errors.js';
import type { CertificateOptions } from '../../src/certificates/certificates.js';
import { createCertificateAuthority } from '../../src/certificates/certificates.js';
import { quicError } from '../support/quic-errors.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const ca = await createCertificateAuthority();
const folder = temporaryFolder();

/** One handshake over loopback; the SHA-256 of the certificate that the client saw. */
async function handshake(server: QuicServerConfig, client: QuicClientConfig = {}): Promise<string | undefined> {
  await using listener = new QuicServer({ host: '127.0.0.1', port: 0, ...server });
  await listener.listen();
  await using dialer = new QuicClient({
    serverHost: '127.0.0.1',
    serverPort: listener.address.port,
    ca: ca.certificate,
    ...client,
  });
  const connection = await dialer.connect();
  await connection.ready;
  const [leaf] = connection.peerCertificates ?? [];
  return leaf && new X509Certificate(leaf).fingerprint256;
}

async function issued(options: CertificateOptions = {}): Promise<{ cert: string; key: string }> {
  const { certificate: cert, key } = await ca.issue(options);
  return { cert, key };
}

for (const keyType of ['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa-2048'] as const) {
  test(`${keyType}: the CA, two intermediates and the certificate`, async () => {
    const authority = await createCertificateAuthority({ keyType });
    const { certificate, key } = await authority.issue({ keyType, chainLength: 3 });
    const seen = await handshake({ cert: certificate, key }, { ca: authority.certificate });
    assert.equal(seen, new X509Certificate(certificate).fingerprint256);
  });
}

for (const keyType of ['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa-2048'] as const) {
  test(`${keyType}: a certificate whose signature was changed is refused`, async () => {
    const authority = await createCertificateAuthority({ keyType });
    const { certificate, key } = await authority.issue();
    const der = Buffer.from(new X509Certificate(certificate).raw);
    // The last byte of a certificate belongs to its signature.
    der[der.length - 1] = (der[der.length - 1] as number) ^ 1;
    await assert.rejects(
      handshake({ cert: der, key }, { ca: authority.certificate }),
      quicError('ERR_QUIC_CERTIFICATE_INVALID'),
    );
  });
}

test('every form of a key', async () => {
  const { cert, key: pem } = await issued();
  const { cert: rsaCert, key: rsaPem } = await issued({ keyType: 'rsa-2048' });
  const key = createPrivateKey(pem);
  const rsa = createPrivateKey(rsaPem);
  const encryption = { cipher: 'aes-256-cbc', passphrase: 'secret' };
  const keyPath = join(folder, 'encrypted.pem');
  writeFileSync(keyPath, key.export({ format: 'pem', type: 'pkcs8', ...encryption }));
  const forms: QuicServerConfig[] = [
    { cert, key: key.export({ format: 'pem', type: 'sec1' }) },
    { cert: new X509Certificate(cert).raw, key: key.export({ format: 'der', type: 'sec1' }) },
    { cert, key: key.export({ format: 'der', type: 'pkcs8' }) },
    { cert, keyPath, passphrase: 'secret' },
    { cert: rsaCert, key: rsa.export({ format: 'pem', type: 'pkcs1' }) },
    { cert: rsaCert, key: rsa.export({ format: 'der', type: 'pkcs1' }) },
  ];
  for (const form of forms) assert.ok(await handshake(form));
});

test('each fault of a certificate has its own error', async () => {
  const yesterday = new Date(Date.now() - 2 * 24 * 3600 * 1000);
  const tomorrow = new Date(Date.now() + 24 * 3600 * 1000);
  const stranger = await createCertificateAuthority();
  const cases: [QuicErrorCode, CertificateOptions, QuicClientConfig?][] = [
    ['ERR_QUIC_CERTIFICATE_EXPIRED', { notBefore: yesterday, days: 1 }],
    ['ERR_QUIC_CERTIFICATE_NOT_YET_VALID', { notBefore: tomorrow }],
    ['ERR_QUIC_CERTIFICATE_NAME', { names: ['other.example'] }],
    ['ERR_QUIC_CERTIFICATE_PURPOSE', { client: true, ips: ['127.0.0.1'] }],
    ['ERR_QUIC_CERTIFICATE_ISSUER', {}, { ca: stranger.certificate }],
    ['ERR_QUIC_CERTIFICATE_PIN', {}, { publicKeyPins: [Buffer.alloc(32)] }],
  ];
  for (const [code, options, client] of cases) {
    await assert.rejects(handshake(await issued(options), client), quicError(code), code);
  }
});

test('pins', async () => {
  const { certificate: cert, key, certificateSha256, spkiSha256 } = await ca.issue();
  assert.ok(await handshake({ cert, key }, { certificatePins: [certificateSha256] }));
  assert.ok(await handshake({ cert, key }, { publicKeyPins: [`sha256/${spkiSha256.toString('base64')}`] }));
  // Without a CA, a pin alone decides.
  const untrusted = { ca: undefined, verifyPeer: false };
  assert.ok(await handshake({ cert, key }, { ...untrusted, certificatePins: [certificateSha256] }));
  await assert.rejects(
    handshake({ cert, key }, { ...untrusted, certificatePins: [spkiSha256] }),
    quicError('ERR_QUIC_CERTIFICATE_PIN'),
  );
});

test('certificates by name, and the other one for everybody else', async () => {
  const [fallback, one, many] = [
    await issued({ names: ['fallback.example'] }),
    await issued({ names: ['one.example'] }),
    await issued({ names: ['*.many.example'] }),
  ];
  const server = { ...fallback, sni: { 'one.example': one, '*.many.example': many } };
  const fingerprint = ({ cert }: { cert: string }): string => new X509Certificate(cert).fingerprint256;
  assert.equal(await handshake(server, { servername: 'one.example' }), fingerprint(one));
  assert.equal(await handshake(server, { servername: 'a.many.example' }), fingerprint(many));
  assert.equal(await handshake(server, { servername: 'fallback.example' }), fingerprint(fallback));
});

test('a reload changes what new connections see; those that are open go on', async () => {
  const [first, second] = [await issued(), await issued()];
  const certPath = join(folder, 'cert.pem');
  const keyPath = join(folder, 'key.pem');
  const put = ({ cert, key }: { cert: string; key: string }): void => {
    writeFileSync(certPath, cert);
    writeFileSync(keyPath, key);
  };
  put(first);
  const server = new QuicServer({ host: '127.0.0.1', port: 0, certPath, keyPath });
  after(() => server.stop());
  server.handle({
    async stream(stream) {
      for await (const chunk of stream) await stream.send(chunk);
      await stream.finish();
    },
  });
  await server.listen();
  const connect = async (): Promise<QuicClient> => {
    const client = new QuicClient({ serverHost: '127.0.0.1', serverPort: server.address.port, ca: ca.certificate });
    after(() => client.shutdown());
    return client;
  };
  const [before, afterwards] = [await connect(), await connect()];
  const open = await before.connect();
  put(second);
  assert.equal(await server.reloadCertificates(), true);
  const fresh = await afterwards.connect();
  const seen = [open, fresh].map((connection) => new X509Certificate(connection.peerCertificates[0]!).fingerprint256);
  assert.deepEqual(
    seen,
    [first, second].map(({ cert }) => new X509Certificate(cert).fingerprint256),
  );
  // Half a renewal is refused, and the server keeps what it has.
  writeFileSync(certPath, first.cert);
  await assert.rejects(server.reloadCertificates(), quicError('ERR_QUIC_TLS_KEY_MISMATCH'));
  const stream = await before.createStream(open.id);
  await stream.send(new TextEncoder().encode('still here'));
  await stream.finish();
  assert.equal(new TextDecoder().decode(await stream.receiveAll()), 'still here');
});
