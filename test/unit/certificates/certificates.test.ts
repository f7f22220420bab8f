import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import tls from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  certificateSha256,
  createCertificateAuthority,
  openCertificateAuthority,
  spkiSha256,
} from '../../../src/certificates/certificates.js';
import type { CertificateOptions } from '../../../src/certificates/certificates.js';

const ca = await createCertificateAuthority({ name: 'CA "1", a+b #é' });

/** A real TLS 1.3 handshake by Node (OpenSSL): undefined when both sides accept, else the code of the first error. */
async function handshake(server: tls.TlsOptions, client: tls.ConnectionOptions): Promise<string | undefined> {
  const listener = tls.createServer({ minVersion: 'TLSv1.3', ...server });
  try {
    return await new Promise((resolve) => {
      const fail = (error: NodeJS.ErrnoException): void => resolve(error.code ?? error.message);
      // What the client says counts, where it says anything: for the server it is only a connection that broke off.
      listener.on('tlsClientError', (error) => void sleep(50).then(() => fail(error)));
      listener.on('secureConnection', (socket) => {
        socket.on('error', () => undefined);
        socket.end('x');
      });
      listener.listen(0, '127.0.0.1', () => {
        const { port } = listener.address() as { port: number };
        const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca: ca.certificate, ...client });
        socket.on('error', fail);
        socket.on('data', () => resolve(undefined));
      });
    });
  } finally {
    listener.close();
  }
}

async function serve(options: CertificateOptions, client: tls.ConnectionOptions = {}): Promise<string | undefined> {
  const { certificate: cert, key } = await ca.issue(options);
  return handshake({ cert, key }, client);
}

for (const keyType of ['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa-2048'] as const) {
  test(`${keyType}: CA, intermediates and certificate pass OpenSSL's verification`, async () => {
    const authority = await createCertificateAuthority({ keyType });
    const { certificate: cert, key } = await authority.issue({ keyType, chainLength: 3 });
    assert.equal(cert.match(/BEGIN CERTIFICATE/g)?.length, 3);
    assert.equal(await handshake({ cert, key }, { ca: authority.certificate }), undefined);
  });
}

test('bad ones are bad in the way asked for', async () => {
  const past = new Date(Date.now() - 3 * 24 * 3600 * 1000);
  const future = new Date(Date.now() + 24 * 3600 * 1000);
  assert.equal(await serve({ notBefore: past, days: 1 }), 'CERT_HAS_EXPIRED');
  assert.equal(await serve({ notBefore: future }), 'CERT_NOT_YET_VALID');
  assert.equal(await serve({ names: ['other.example'] }), 'ERR_TLS_CERT_ALTNAME_INVALID');
  assert.equal(await serve({ client: true, names: ['localhost'] }), 'INVALID_PURPOSE');
  const stranger = await createCertificateAuthority();
  assert.equal(await serve({}, { ca: stranger.certificate }), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
});

test('client certificates', async () => {
  const { certificate: cert, key } = await ca.issue();
  const server = { cert, key, ca: ca.certificate, requestCert: true, rejectUnauthorized: true };
  const accepted = await ca.issue({ client: true, commonName: 'tester' });
  assert.equal(await handshake(server, { cert: accepted.certificate, key: accepted.key }), undefined);
  const both = await ca.issue({ client: true, server: true, names: ['localhost'] });
  const own = { cert: both.certificate, key: both.key };
  assert.equal(await handshake({ ...server, ...own }, own), undefined);
  assert.notEqual(await handshake(server, { cert, key }), undefined, 'a server certificate is none for clients');
});

test('names, addresses and validity', async () => {
  const notBefore = new Date('2030-01-01T00:00:00.999Z');
  const { certificate } = await ca.issue({
    names: ['a.example', '*.b.example'],
    ips: ['192.0.2.1', '2001:db8::1'],
    notBefore,
  });
  const parsed = new X509Certificate(certificate);
  const names = 'DNS:a.example, DNS:*.b.example, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1';
  assert.equal(parsed.subjectAltName, names);
  assert.equal(new Date(parsed.validFrom).toISOString(), '2030-01-01T00:00:00.000Z');
  assert.equal(new Date(parsed.validTo).toISOString(), '2030-04-01T00:00:00.000Z');
  assert.equal(parsed.ca, false);
  assert.equal(new X509Certificate(ca.certificate).ca, true);
});

test('a CA kept as two PEM texts goes on', async () => {
  for (const keyType of ['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa-2048'] as const) {
    const made = await createCertificateAuthority({ keyType });
    const opened = await openCertificateAuthority(made.certificate, made.key);
    const { certificate } = await opened.issue();
    assert.ok(new X509Certificate(certificate).verify(new X509Certificate(made.certificate).publicKey));
  }
});

test('serial numbers and keys differ', async () => {
  const [one, two] = [await ca.issue(), await ca.issue()];
  assert.notEqual(new X509Certificate(one.certificate).serialNumber, new X509Certificate(two.certificate).serialNumber);
  assert.notEqual(one.key, two.key);
  assert.notDeepEqual(one.spkiSha256, two.spkiSha256);
});

test('hashes are those of OpenSSL', async () => {
  const { certificate, certificateSha256: hash, spkiSha256: spki } = await ca.issue();
  assert.equal(hash.toString('hex'), new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase());
  assert.deepEqual(certificateSha256(certificate), hash);
  assert.deepEqual(spkiSha256(new X509Certificate(certificate).raw), spki);
});

test('a certificate for WebTransport: ECDSA P-256, at most 14 days in all', async () => {
  const parsed = new X509Certificate((await ca.issue({ days: 14 })).certificate);
  assert.equal(parsed.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  assert.ok(Date.parse(parsed.validTo) - Date.parse(parsed.validFrom) <= 14 * 24 * 3600 * 1000);
});

test('arguments that make no sense are refused', async () => {
  await assert.rejects(ca.issue({ days: 0 }), RangeError);
  await assert.rejects(ca.issue({ days: Number.NaN }), RangeError);
  await assert.rejects(ca.issue({ chainLength: 0 }), RangeError);
  await assert.rejects(ca.issue({ chainLength: 1.5 }), RangeError);
  await assert.rejects(ca.issue({ ips: ['localhost'] }), TypeError);
  await assert.rejects(ca.issue({ keyType: 'dsa' as never }), TypeError);
  await assert.rejects(ca.issue({ notBefore: new Date(10_000), notAfter: new Date(10_000) }), RangeError);
});
